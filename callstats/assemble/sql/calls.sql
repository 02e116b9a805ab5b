-- One row per call.
WITH visited AS (
    SELECT call_id,
        array_sort(array_agg(lpad(CAST(visit AS STRING), 6, '0') || ' ' || department) FILTER (WHERE department IS NOT NULL)) AS departments,
        bool_or(entered_by IN ('blind_transfer', 'attended_transfer')) AS transferred,
        bool_or(before_answer AND ring_source <> 'none' AND ring_us IS NULL) AS ring_unknown,
        bool_or(before_answer AND ring_source <> 'none') AS phones_tried
    FROM (
        SELECT v.*, v.entered_us <= coalesce(o.answered_us, v.entered_us) AS before_answer
        FROM visits_measured v JOIN outcomes o ON o.call_id = v.call_id
    ) x GROUP BY call_id
),
-- the union over all of the call's phones: two departments' phones that alert together are heard once
alerting AS (
    SELECT l.call_id, l.alert_us AS from_us, least(l.until_us, coalesce(o.answered_us, l.until_us)) AS to_us
    FROM legs l JOIN outcomes o ON o.call_id = l.call_id
    WHERE l.kind = 'phone' AND l.alert_us IS NOT NULL AND l.until_us IS NOT NULL AND NOT l.answer_hidden
        AND l.tried_us <= coalesce(o.answered_us, l.tried_us)
),
covered AS (
    SELECT a.*, max(to_us) OVER (PARTITION BY call_id ORDER BY from_us ASC NULLS LAST, to_us ASC NULLS LAST
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_us
    FROM alerting a WHERE to_us > from_us
),
rung AS (
    SELECT call_id, sum(greatest(to_us - greatest(from_us, coalesce(before_us, from_us)), 0)) AS ring_us
    FROM covered GROUP BY call_id
),
outside AS (
    SELECT l.call_id, sum(greatest(l.until_us - l.alert_us, 0)) AS ring_us
    FROM legs l WHERE l.kind = 'trunk' AND l.direction = 'outbound' AND l.alert_us IS NOT NULL AND l.until_us IS NOT NULL AND NOT l.answer_hidden
    GROUP BY l.call_id
),
said AS (
    SELECT k.call_id, array_sort(array_agg(DISTINCT lpad(CAST(
            CASE h.source WHEN 'ami' THEN 1 WHEN 'cel' THEN 2 WHEN 'queue_log' THEN 3 WHEN 'cdr' THEN 4 ELSE 5 END AS STRING), 6, '0')
            || ' ' || h.source) FILTER (WHERE h.source IS NOT NULL)) AS sources
    FROM heard h JOIN call_ids k ON k.uid = h.uid GROUP BY k.call_id
),
merged AS (
    SELECT k.call_id, array_sort(array_agg(DISTINCT lpad('0', 6, '0') || ' ' || h.lid) FILTER (WHERE h.lid IS NOT NULL)) AS aliases
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.lid IS NOT NULL AND h.lid <> k.call_id
    GROUP BY k.call_id
),
moved AS (
    SELECT x.call_id, count(*) AS n FROM transfers x GROUP BY x.call_id
)
SELECT c.call_id, c.pbx, c.started_us AS started_at, c.ended_us AS ended_at, c.local_date, c.direction,
    c.caller, c.caller_class, c.dialled, c.dialled_class,
    o.outcome, o.outcome_certainty,
    CASE WHEN NOT o.answer_hidden THEN o.answered_us END AS answered_at,
    o.answered_by,
    CASE WHEN c.direction = 'outbound' THEN u.ring_us
        WHEN v.phones_tried AND NOT v.ring_unknown THEN coalesce(g.ring_us, 0) END / 1e6 AS ring_s,
    CASE WHEN NOT o.answer_hidden THEN o.answered_us - c.started_us END / 1e6 AS wait_s,
    CASE WHEN NOT o.answer_hidden AND o.answered_us <= c.ended_us THEN c.ended_us - o.answered_us
        WHEN NOT o.answer_hidden AND o.answered_us > c.ended_us THEN 0 END / 1e6 AS talk_s,
    v.departments,
    coalesce(m.n, 0) > 0 OR coalesce(v.transferred, FALSE) AS transferred,
    s.sources,
    a.aliases
FROM callers c
JOIN outcomes o ON o.call_id = c.call_id
LEFT JOIN visited v ON v.call_id = c.call_id
LEFT JOIN rung g ON g.call_id = c.call_id
LEFT JOIN outside u ON u.call_id = c.call_id
LEFT JOIN said s ON s.call_id = c.call_id
LEFT JOIN merged a ON a.call_id = c.call_id
LEFT JOIN moved m ON m.call_id = c.call_id
