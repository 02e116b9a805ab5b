-- A visit's row: what was measured of it, with the facts about its phones. No rule of the municipality is in here; the
-- judgements are made when visits are read (callstats/judge).
WITH counted AS (
    SELECT t.call_id, t.visit, count(DISTINCT l.endpoint) AS phones
    FROM touches t JOIN legs l ON l.uid = t.leg_uid JOIN stays s ON s.call_id = t.call_id AND s.visit = t.visit
    WHERE l.tried_us <= coalesce(s.answered_us, l.tried_us)
    GROUP BY t.call_id, t.visit
),
first_tries AS (
    SELECT call_id, visit, employee, min(position) AS position FROM attempts GROUP BY call_id, visit, employee
),
tried AS (
    SELECT call_id, visit,
        array_sort(array_agg(lpad(CAST(position AS STRING), 6, '0') || ' ' || employee) FILTER (WHERE employee IS NOT NULL)) AS employees_tried
    FROM first_tries GROUP BY call_id, visit
),
ways AS (
    SELECT t.call_id, t.visit, count(DISTINCT q.queue) AS queues, min(q.queue) AS queue,
        max(CASE WHEN t.kind = 'leg' AND t.stay IS NULL THEN 1 ELSE 0 END) AS direct
    FROM touches t LEFT JOIN queue_stays q ON q.call_id = t.call_id AND q.stay = t.stay
    GROUP BY t.call_id, t.visit
),
staff AS (
    SELECT department, valid_from, valid_to, value FROM members WHERE kind = 'extension'
),
sizes AS (
    SELECT v.call_id, v.visit, count(DISTINCT m.value) AS phones_of_department
    FROM visits_measured v JOIN staff m ON m.department = v.department
        AND (m.valid_from IS NULL OR m.valid_from <= v.local_date) AND (m.valid_to IS NULL OR v.local_date < m.valid_to)
    GROUP BY v.call_id, v.visit
)
SELECT v.call_id, v.visit, v.department, v.local_date, v.entered_us AS entered_at,
    CAST(from_utc_timestamp(timestamp_micros(v.entered_us), :timezone) AS DATE) AS entered_date,
    v.entered_by, v.left_us AS left_at,
    v.first_ring_us AS first_ring_at, v.answered_us AS answered_at, v.answered_by,
    v.ring_us / 1e6 AS ring_s, v.ring_min_us / 1e6 AS ring_min_s, v.ring_max_us / 1e6 AS ring_max_s,
    v.ring_source,
    v.leg_ring_us / 1e6 AS leg_ring_s, v.leg_ring_min_us / 1e6 AS leg_ring_min_s,
    v.leg_ring_max_us / 1e6 AS leg_ring_max_s,
    v.ring_resolution_us, v.early_media,
    v.wait_us / 1e6 AS wait_s, v.talk_us / 1e6 AS talk_s,
    v.outcome, v.outcome_certainty, v.surely_unanswered, v.in_gap, v.external,
    coalesce(n.phones, 0) AS phones_offered,
    v.queued = 1 AND coalesce(n.phones, 0) = 0 AS no_phone_available,
    CASE WHEN w.queues = 0 THEN 'phones' WHEN w.queues = 1 AND w.direct = 0 THEN 'queue' ELSE 'both' END AS offered_through,
    CASE WHEN w.queues = 1 AND w.direct = 0 THEN w.queue END AS queue,
    r.needed AS first_failed, r.needed_surely AS first_failed_surely, r.cause AS first_failure,
    r.covered AS other_alerted, r.covered_surely AS other_alerted_surely, r.answered_by_other AS other_answered,
    r.left_ringing, r.unknown AS tries_unclear, r.all_certain AS tries_certain,
    -- a dial that was not heard may have begun with a phone that is off
    (v.app_heard OR v.queued = 1) AND NOT v.queue_unheard AS dial_heard,
    v.heard_live AND v.app_heard AND NOT v.went_out AS dial_heard_live,
    greatest(coalesce(z.phones_of_department, 0), coalesce(r.phones, 0)) AS department_phones,
    t.employees_tried
FROM visits_measured v
LEFT JOIN counted n ON n.call_id = v.call_id AND n.visit = v.visit
JOIN ways w ON w.call_id = v.call_id AND w.visit = v.visit
LEFT JOIN tried t ON t.call_id = v.call_id AND t.visit = v.visit
LEFT JOIN rotations r ON r.call_id = v.call_id AND r.visit = v.visit
LEFT JOIN sizes z ON z.call_id = v.call_id AND z.visit = v.visit
