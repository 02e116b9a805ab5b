-- Voice messages: what lies in the spool, joined to the call that left it; and where only call data is there, a call
-- that spoke to a mailbox. A hang-up at the beep leaves a message of 0 s (FACTS CDR 22): empty, under 3 s.
WITH spool AS (
    SELECT h.pbx, h.mailbox, h.msg_id, h.at_us, h.local_date, h.channel, h.caller, h.caller_class, h.message_us,
        row_number() OVER (PARTITION BY h.pbx, h.mailbox, h.msg_id, h.at_us, h.channel ORDER BY h.line_order ASC NULLS LAST, h.batch ASC NULLS LAST) AS copy
    FROM (SELECT *, coalesce(line, 0) AS line_order FROM heard) h
    WHERE h.source = 'voicemail' AND h.kind = 'message'
),
spoken_to AS (
    SELECT k.call_id, h.app_data, h.at_us,
        row_number() OVER (PARTITION BY k.call_id ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS turn
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.app IN ('VoiceMail', 'Voicemail') AND h.app_data IS NOT NULL AND h.app_data <> ''
),
boxes AS (
    SELECT h.call_id,
        max(CASE WHEN h.turn = 1 THEN split_part(h.app_data, ',', 1) END) AS mailbox,
        -- option s without u or b: no greeting and no instructions, the beep comes at once
        bool_and(split_part(h.app_data, ',', 2) LIKE '%s%' AND split_part(h.app_data, ',', 2) NOT LIKE '%u%'
            AND split_part(h.app_data, ',', 2) NOT LIKE '%b%') AS beep_at_once
    FROM spoken_to h
    GROUP BY h.call_id
),
waiting AS (
    SELECT k.call_id, min(h.at_us) AS told_us
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.source = 'ami' AND h.kind = 'MessageWaiting' AND coalesce(h.new_messages, 0) > 0
    GROUP BY k.call_id
),
spoken AS (
    SELECT c.call_id, c.pbx, c.channel, c.caller, c.caller_class, c.local_date, c.voicemail_us, c.ended_us, c.resolution_us, b.mailbox,
        w.told_us, b.beep_at_once,
        c.ended_us - c.voicemail_us AS spoke_us
    FROM callers c
    JOIN boxes b ON b.call_id = c.call_id
    LEFT JOIN waiting w ON w.call_id = c.call_id
    WHERE c.voicemail_us IS NOT NULL AND NOT c.voicemail_main
),
matched AS (
    SELECT s.*, p.call_id, p.caller AS call_caller, p.caller_class AS call_caller_class,
        row_number() OVER (PARTITION BY s.pbx, s.mailbox, s.msg_id, s.at_us, s.channel
            ORDER BY abs(s.at_us - p.voicemail_us) ASC NULLS LAST, p.call_id ASC NULLS LAST) AS n
    FROM spool s
    LEFT JOIN spoken p ON p.pbx = s.pbx AND p.channel = s.channel
        AND s.at_us >= p.voicemail_us - 2000000 AND s.at_us <= coalesce(p.ended_us, p.voicemail_us + 600000000) + 2000000
    WHERE s.copy = 1
),
kept AS (
    SELECT call_id, mailbox, msg_id, at_us AS left_us, local_date,
        CASE WHEN call_caller_class = 'anonymous' THEN call_caller ELSE coalesce(caller, call_caller) END AS caller,
        CASE WHEN call_caller_class = 'anonymous' THEN call_caller_class ELSE coalesce(caller_class, call_caller_class) END AS caller_class,
        message_us, 'certain' AS certainty
    FROM matched WHERE n = 1
    UNION ALL
    SELECT p.call_id, p.mailbox, CAST(NULL AS STRING), p.voicemail_us, p.local_date, p.caller, p.caller_class,
        p.spoke_us,
        CASE WHEN p.spoke_us + p.resolution_us - 1 < 3000000 THEN 'certain'
            WHEN p.told_us IS NOT NULL AND p.beep_at_once AND p.spoke_us >= 5000000 THEN 'certain'
            ELSE 'estimated' END
    FROM spoken p
    WHERE NOT EXISTS (SELECT 1 FROM matched m WHERE m.n = 1 AND m.call_id = p.call_id)
)
SELECT k.call_id, k.mailbox, k.msg_id, k.left_us AS left_at, k.local_date, k.caller,
    k.message_us / 1e6 AS duration_s,
    k.message_us < 3000000 AS empty,
    k.caller IS NOT NULL AND k.caller_class NOT IN ('anonymous', 'empty', 'label', 'service', 'emergency', 'short_code') AS callable,
    h.value IS NOT NULL AS hotline,
    k.certainty
FROM kept k
LEFT JOIN (SELECT DISTINCT value FROM hotline_mailboxes) h ON h.value = k.mailbox
