-- One row per phone tried in a visit; an attempt that began after the visit's answer (a transfer inside the
-- department) stays in the visit but no longer counts for its ring time or rotation.
SELECT
    l.call_id, t.visit,
    row_number() OVER (PARTITION BY l.call_id, t.visit ORDER BY l.tried_us ASC NULLS LAST, l.channel_number ASC NULLS LAST, l.uid ASC NULLS LAST) AS position,
    l.endpoint AS employee, t.department, t.local_date,
    l.tried_us AS tried_at,
    CASE WHEN l.ringing_us IS NOT NULL THEN l.ringing_us ELSE l.progress_us END AS ring_at,
    l.until_us AS ended_at,
    l.outcome,
    CASE WHEN l.alert_us IS NOT NULL AND l.until_us IS NOT NULL AND NOT l.answer_hidden
        THEN greatest(l.until_us - l.alert_us, 0) / 1e6
        WHEN l.alert_us IS NULL AND l.outcome <> 'unknown' THEN 0e0 END AS ring_s,
    -- whose visit it was is not sure where no queue and no dial was heard, nor what began before the file did
    CASE WHEN l.certainty = 'certain' AND l.source IN ('ami', 'cel') AND ((NOT c.app_heard AND t.stay IS NULL)
            OR (c.broken AND l.source = 'cel')) THEN 'estimated'
        ELSE l.certainty END AS certainty,
    l.source, l.uid AS leg_uid
FROM touches t
JOIN legs l ON l.uid = t.leg_uid
JOIN callers c ON c.call_id = l.call_id
