-- The judgements over the measured visits, by the rules given: third signal (15.1), hours, rotation (15.1).
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
staff AS (
    SELECT department, valid_from, valid_to, value FROM members WHERE kind = 'extension'
),
sizes AS (
    SELECT v.call_id, v.visit, count(DISTINCT m.value) AS phones_of_department
    FROM visits_measured v JOIN staff m ON m.department = v.department
        AND (m.valid_from IS NULL OR m.valid_from <= v.local_date) AND (m.valid_to IS NULL OR v.local_date < m.valid_to)
    GROUP BY v.call_id, v.visit
),
open_visits AS (
    SELECT v.call_id, v.visit, count(*) AS n
    FROM visits_measured v JOIN open_hours o ON coalesce(v.department, '') = o.department
        AND unix_micros(o.opens_at) <= v.entered_us AND v.entered_us < unix_micros(o.closes_at)
    GROUP BY v.call_id, v.visit
),
clocked AS (
    -- the clock is the union of all phones' ringing, or (by rule) the answering phone's alone
    SELECT v.*, u.limit_us, u.period_us, u.rule_version,
        CASE WHEN u.clock = 'leg' THEN v.leg_ring_us ELSE v.ring_us END AS clock_us,
        CASE WHEN u.clock = 'leg' THEN v.leg_ring_min_us ELSE v.ring_min_us END AS clock_min_us,
        CASE WHEN u.clock = 'leg' THEN v.leg_ring_max_us ELSE v.ring_max_us END AS clock_max_us
    FROM visits_measured v
    JOIN third_signal_rules u ON u.department = coalesce(v.department, '')
        AND (u.valid_from IS NULL OR u.valid_from <= v.local_date) AND (u.valid_to IS NULL OR v.local_date < u.valid_to)
),
judged AS (
    SELECT v.*, coalesce(n.phones, 0) AS phones_offered, t.employees_tried,
        greatest(coalesce(z.phones_of_department, 0), coalesce(r.phones, 0)) AS department_phones,
        o.n IS NOT NULL AS in_hours,
        r.needed, r.needed_surely, r.cause, r.covered, r.covered_surely, r.answered_by_other, r.left_ringing, r.all_certain, r.unknown,
        CASE
            WHEN v.outcome IS NULL THEN NULL
            WHEN v.outcome <> 'answered' THEN FALSE
            WHEN v.clock_max_us IS NULL AND (NOT v.in_gap OR v.clock_us IS NULL) THEN NULL
            WHEN v.clock_max_us < v.limit_us THEN TRUE
            WHEN v.clock_min_us >= v.limit_us THEN FALSE
            WHEN v.clock_us IS NULL THEN NULL
            ELSE v.clock_us < v.limit_us OR (v.ring_resolution_us > 1 AND v.clock_us < v.limit_us + v.ring_resolution_us)
        END AS within
    FROM clocked v
    LEFT JOIN counted n ON n.call_id = v.call_id AND n.visit = v.visit
    LEFT JOIN tried t ON t.call_id = v.call_id AND t.visit = v.visit
    LEFT JOIN rotations r ON r.call_id = v.call_id AND r.visit = v.visit
    LEFT JOIN sizes z ON z.call_id = v.call_id AND z.visit = v.visit
    LEFT JOIN open_visits o ON o.call_id = v.call_id AND o.visit = v.visit
),
classed AS (
    SELECT j.*,
        CASE
            WHEN j.unknown THEN 'unknown'
            WHEN j.needed IS NULL AND j.in_gap THEN 'unknown'
            WHEN j.needed IS NULL THEN 'not_needed'
            WHEN NOT j.needed AND j.left_ringing THEN 'caller_left'
            WHEN NOT j.needed THEN 'not_needed'
            WHEN j.covered THEN 'rotated'
            WHEN j.department_phones <= 1 THEN 'no_second_member'
            ELSE 'not_rotated'
        END AS rotation
    FROM judged j
)
SELECT call_id, visit, department, local_date, entered_us AS entered_at, entered_by, left_us AS left_at,
    first_ring_us AS first_ring_at, answered_us AS answered_at, answered_by,
    ring_us / 1e6 AS ring_s, ring_min_us / 1e6 AS ring_min_s, ring_max_us / 1e6 AS ring_max_s,
    ring_source,
    CASE WHEN outcome = 'answered' AND ring_us IS NOT NULL THEN CAST(floor(ring_us / CAST(nullif(period_us, 0) AS DOUBLE)) AS BIGINT) + 1 END AS rings,
    wait_us / 1e6 AS wait_s, talk_us / 1e6 AS talk_s,
    outcome, outcome_certainty,
    within AS within_third_signal,
    CASE
        WHEN within IS NULL THEN 'unknown'
        WHEN outcome <> 'answered' THEN CASE WHEN outcome_certainty = 'certain' OR surely_unanswered THEN 'certain' ELSE 'estimated' END
        WHEN early_media OR in_gap OR outcome_certainty <> 'certain' THEN 'estimated'
        WHEN clock_max_us < limit_us OR clock_min_us >= limit_us THEN 'certain'
        WHEN ring_source = 'ami' AND clock_max_us - clock_min_us < 1000000 THEN 'borderline'
        WHEN ring_resolution_us > 1 AND clock_us - ring_resolution_us < limit_us AND clock_max_us >= limit_us
            AND abs(clock_us - limit_us) <= ring_resolution_us
            AND clock_max_us - clock_us <= 4 * ring_resolution_us THEN 'borderline'
        ELSE 'estimated'
    END AS third_signal_certainty,
    in_hours, external, phones_offered,
    queued = 1 AND phones_offered = 0 AS no_phone_available,
    rotation,
    CASE WHEN rotation IN ('rotated', 'not_rotated', 'no_second_member') THEN cause END AS rotation_cause,
    CASE
        WHEN rotation = 'unknown' THEN 'unknown'
        WHEN in_gap THEN 'estimated'
        -- a dial that was not heard may have begun with a phone that is off
        WHEN all_certain AND (app_heard OR queued = 1) AND NOT queue_unheard THEN 'certain'
        WHEN needed IS NULL AND ring_source <> 'cdr' AND heard_live AND app_heard AND NOT went_out THEN 'certain'
        WHEN rotation = 'rotated' AND needed_surely AND covered_surely AND ring_source <> 'cdr' THEN 'certain'
        WHEN rotation = 'no_second_member' AND needed_surely AND ring_source <> 'cdr' AND outcome_certainty = 'certain' THEN 'certain'
        ELSE 'estimated'
    END AS rotation_certainty,
    CASE WHEN rotation = 'rotated' THEN coalesce(answered_by_other, FALSE) END AS rotation_answered,
    employees_tried,
    rule_version
FROM classed
