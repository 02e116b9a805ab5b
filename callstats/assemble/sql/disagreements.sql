-- Where two sources state one fact and differ by more than their resolution (with 0.1 s for the way through the PBX).
WITH ends AS (
    SELECT c.call_id, ch.uid, 'ended_at' AS fact, 'ami' AS taken_source, ch.ami_ended_us AS taken_us,
        'cel' AS other_source, ch.cel_ended_us AS other_us, 100000 AS allowed_us
    FROM channels ch JOIN callers c ON c.call_id = ch.call_id
    UNION ALL
    SELECT ch.call_id, ch.uid, 'answered_at', 'ami', ch.ami_up_us, 'cel', ch.cel_up_us, 100000 FROM channels ch
    UNION ALL
    SELECT c.call_id, c.uid, 'ended_at', CASE WHEN c.has_ami AND NOT c.in_gap THEN 'ami' ELSE 'cel' END, c.ended_us, 'cdr', r.ended_us, 1100000
    FROM callers c JOIN (SELECT uid, max(ended_us) AS ended_us FROM cdr_rows GROUP BY uid) r ON r.uid = c.uid
    UNION ALL
    SELECT k.call_id, h.duid, 'answered_at', CASE WHEN ch.in_ami THEN 'ami' ELSE 'cel' END, ch.up_us, 'queue_log', h.at_us, 1100000
    FROM heard h JOIN call_ids k ON k.uid = h.uid JOIN channels ch ON ch.uid = h.duid
    WHERE h.source = 'queue_log' AND h.kind = 'CONNECT' AND ch.channel NOT LIKE 'Local/%'
)
SELECT e.call_id, c.local_date, e.uid AS uniqueid, fact, taken_source, CAST(timestamp_micros(taken_us) AS STRING) AS taken, other_source,
    CAST(timestamp_micros(other_us) AS STRING) AS other, abs(taken_us - other_us) / 1e6 AS difference_s
FROM ends e JOIN callers c ON c.call_id = e.call_id
WHERE taken_us IS NOT NULL AND other_us IS NOT NULL AND abs(taken_us - other_us) > allowed_us
