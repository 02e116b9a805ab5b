-- What a queue said of its members: paused, back, added, removed, offered a call; and which phone a member's name
-- stands for (``named``: queue_log knows members by name, CONNECT tells the phone's channel). Of offers that follow
-- each other on a day the first is kept: it shows that the phone is a member and was not paused.
WITH told AS (
    SELECT h.pbx, h.queue, h.member, CAST(NULL AS STRING) AS phone, h.local_date, h.at_us, h.source, h.batch, h.line, h.reason,
        CASE
            WHEN h.kind IN ('PAUSE', 'PAUSEALL') THEN 'paused'
            WHEN h.kind IN ('UNPAUSE', 'UNPAUSEALL') THEN 'unpaused'
            WHEN h.kind IN ('QueueMemberPause', 'QueueMemberPaused', 'QueueMemberAdded') AND h.status = '1' THEN 'paused'
            WHEN h.kind IN ('QueueMemberPause', 'QueueMemberPaused') THEN 'unpaused'
            WHEN h.kind IN ('ADDMEMBER', 'QueueMemberAdded') THEN 'added'
            WHEN h.kind IN ('REMOVEMEMBER', 'QueueMemberRemoved') THEN 'removed'
            ELSE 'offered'
        END AS step
    FROM heard h
    WHERE h.source IN ('queue_log', 'ami') AND h.member IS NOT NULL AND h.kind IN
        ('PAUSE', 'PAUSEALL', 'UNPAUSE', 'UNPAUSEALL', 'ADDMEMBER', 'REMOVEMEMBER', 'CONNECT', 'RINGNOANSWER',
        'QueueMemberPause', 'QueueMemberPaused', 'QueueMemberAdded', 'QueueMemberRemoved')
    UNION ALL
    SELECT c.pbx, q.queue, l.endpoint, l.endpoint, c.local_date, l.tried_us, l.source, CAST(NULL AS STRING), CAST(NULL AS BIGINT),
        CAST(NULL AS STRING), 'offered'
    FROM touches t
    JOIN legs l ON l.uid = t.leg_uid
    JOIN queue_stays q ON q.call_id = t.call_id AND q.stay = t.stay
    JOIN callers c ON c.call_id = t.call_id
),
followed AS (
    SELECT t.*,
        lag(step) OVER (PARTITION BY pbx, member, local_date ORDER BY at_us ASC NULLS LAST, step ASC NULLS LAST, queue ASC NULLS LAST,
            batch ASC NULLS LAST, line ASC NULLS LAST, source ASC NULLS LAST) AS step_before,
        lag(queue) OVER (PARTITION BY pbx, member, local_date ORDER BY at_us ASC NULLS LAST, step ASC NULLS LAST, queue ASC NULLS LAST,
            batch ASC NULLS LAST, line ASC NULLS LAST, source ASC NULLS LAST) AS queue_before
    FROM told t
)
SELECT pbx, queue, member, phone, local_date, at_us AS said_at, step, reason, source, batch, line
FROM followed
WHERE step <> 'offered' OR coalesce(step_before, '') <> 'offered' OR coalesce(queue_before, '') <> coalesce(queue, '')
UNION ALL
SELECT c.pbx, h.queue, h.member, l.endpoint, c.local_date, min(h.at_us), 'named', CAST(NULL AS STRING), 'queue_log',
    CAST(NULL AS STRING), CAST(NULL AS BIGINT)
FROM heard h
JOIN legs l ON l.uid = h.duid
JOIN callers c ON c.call_id = l.call_id
WHERE h.source = 'queue_log' AND h.kind = 'CONNECT' AND h.member <> l.endpoint
GROUP BY c.pbx, h.queue, h.member, l.endpoint, c.local_date
