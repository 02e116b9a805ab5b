-- When a call was in which queue, from the best source that tells: AMI, CEL, queue_log, CDR. CEL's APP_END comes at
-- the end of the conversation, so a stay also ends where an offered phone answers (applied where legs are placed).
WITH joins AS (
    SELECT k.call_id, h.uid, h.queue, h.at_us, h.source,
        lead(h.at_us) OVER (PARTITION BY h.source, h.uid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS next_us
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE (h.source = 'ami' AND h.kind = 'QueueCallerJoin') OR (h.source = 'queue_log' AND h.kind = 'ENTERQUEUE')
),
leaves AS (
    SELECT h.uid, h.queue, h.source, h.at_us,
        CASE WHEN h.kind IN ('CONNECT', 'ABANDON', 'EXITWITHTIMEOUT', 'EXITEMPTY', 'EXITWITHKEY') THEN h.kind
            WHEN h.kind = 'LEAVEEMPTY' THEN 'EXITEMPTY' END AS ending,
        row_number() OVER (PARTITION BY h.source, h.uid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS turn
    FROM heard h
    WHERE (h.source = 'ami' AND h.kind = 'QueueCallerLeave')
        OR (h.source = 'queue_log' AND h.kind IN
            ('CONNECT', 'ABANDON', 'EXITWITHTIMEOUT', 'EXITEMPTY', 'EXITWITHKEY', 'SYSCOMPAT', 'FULL', 'CLOSED', 'LEAVEEMPTY'))
),
paired AS (
    SELECT j.call_id, j.uid, j.source, j.queue, j.at_us AS entered_us,
        min(l.at_us) AS left_us, min_by(l.ending, l.turn) FILTER (WHERE l.ending IS NOT NULL) AS ending
    FROM joins j
    LEFT JOIN leaves l ON l.uid = j.uid AND l.source = j.source AND l.queue = j.queue AND l.at_us >= j.at_us
        AND l.at_us <= coalesce(j.next_us, 9000000000000000)
    GROUP BY j.call_id, j.uid, j.source, j.queue, j.at_us
),
cel_apps AS (
    SELECT k.call_id, h.uid, h.kind, h.app, split_part(h.app_data, ',', 1) AS queue, h.at_us,
        lead(h.at_us) OVER (PARTITION BY h.uid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS next_us
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.source = 'cel' AND h.kind IN ('APP_START', 'APP_END', 'HANGUP') AND (h.app = 'Queue' OR h.kind <> 'APP_END')
),
all_stays AS (
    SELECT call_id, uid, source, queue, entered_us, left_us, ending,
        CASE source WHEN 'ami' THEN 1 ELSE 3 END AS rank,
        CASE source WHEN 'ami' THEN 1 ELSE 1000000 END AS resolution_us
    FROM paired
    UNION ALL
    SELECT call_id, uid, 'cel', queue, at_us, next_us, CAST(NULL AS STRING), 2, 1
    FROM cel_apps WHERE kind = 'APP_START' AND app = 'Queue'
    UNION ALL
    SELECT call_id, max(uid), 'cdr', split_part(app_data, ',', 1), min(at_us), max(ended_us), CAST(NULL AS STRING), 4, 1000000
    FROM cdr_rows WHERE app = 'Queue' GROUP BY call_id, split_part(app_data, ',', 1)
),
usable AS (
    SELECT s.*,
        -- an AMI feed that was away for a part of the call may have missed a join
        -- two queues in a row may give one CEL APP_START (FACTS CEL): queue_log knows both
        CASE WHEN s.source = 'ami' AND c.in_gap AND (c.has_cel OR c.has_queue_log) THEN 9
            WHEN s.source = 'cel' AND coalesce(n.told, 0) > n.heard THEN 8
            ELSE s.rank END AS effective
    FROM all_stays s
    JOIN callers c ON c.call_id = s.call_id
    JOIN (
        SELECT call_id, sum(CASE WHEN source = 'queue_log' THEN 1 ELSE 0 END) AS told,
            sum(CASE WHEN source = 'cel' THEN 1 ELSE 0 END) AS heard
        FROM all_stays GROUP BY call_id
    ) n ON n.call_id = s.call_id
),
best AS (
    SELECT *, min(effective) OVER (PARTITION BY call_id) AS best_rank FROM usable
)
SELECT b.call_id, b.uid, b.source, b.queue, b.entered_us, b.left_us, b.resolution_us,
    coalesce(b.ending, q.ending) AS ending,
    m.department,
    row_number() OVER (PARTITION BY b.call_id ORDER BY b.entered_us ASC NULLS LAST, b.queue ASC NULLS LAST, b.uid ASC NULLS LAST,
        b.left_us ASC NULLS LAST, m.department ASC NULLS LAST) AS stay
FROM best b
JOIN callers c ON c.call_id = b.call_id
LEFT JOIN members m ON m.kind = 'queue' AND m.value = b.queue
    AND (m.valid_from IS NULL OR m.valid_from <= c.local_date) AND (m.valid_to IS NULL OR c.local_date < m.valid_to)
LEFT JOIN (
    SELECT call_id, queue, max(ending) AS ending FROM paired WHERE source = 'queue_log' GROUP BY call_id, queue
) q ON q.call_id = b.call_id AND q.queue = b.queue
WHERE b.effective = b.best_rank
