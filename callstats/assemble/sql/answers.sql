-- Who answered, when: a phone or trunk that came up, or a phone that took a ringing call over. ``at_us`` is the
-- person's answer, never the PBX's. An answer on an outside line may be a mobile's voicemail.
WITH all_answers AS (
    SELECT l.call_id, l.uid, l.channel, l.endpoint AS extension, l.kind, l.answered_us AS at_us, FALSE AS picked_up,
        l.source, l.app_known, l.answer_hidden
    FROM legs_heard l
    WHERE l.answered_us IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM pickups p WHERE p.call_id = l.call_id AND p.rung_channel = l.channel)
    UNION ALL
    SELECT p.call_id, l.uid, p.picker_channel, n.endpoint, n.kind, p.at_us, TRUE, l.source, l.app_known, FALSE
    FROM pickups p
    JOIN legs_heard l ON l.call_id = p.call_id AND l.channel = p.rung_channel
    JOIN names n ON n.call_id = p.call_id AND n.channel = p.picker_channel
)
SELECT a.*,
    row_number() OVER (PARTITION BY call_id ORDER BY at_us ASC NULLS LAST,
        regexp_extract(channel, '-([0-9a-f]+)$', 1) ASC NULLS LAST, uid ASC NULLS LAST) AS turn
FROM all_answers a
