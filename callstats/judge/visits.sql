-- The judgements over the measured visits, by the rules in force on their day: third signal and rotation (15.1),
-- working hours. Nothing is aggregated here, so that a filter by department and day reaches the files.
WITH ruled AS (
    SELECT v.*,
        coalesce(u.limit_us, g.limit_us) AS limit_us, coalesce(u.period_us, g.period_us) AS period_us,
        coalesce(u.give_up_us, g.give_up_us) AS give_up_us, coalesce(u.clock, g.clock) AS clock,
        coalesce(u.leaves_out_transfers, g.leaves_out_transfers) AS leaves_out_transfers,
        coalesce(u.leaves_out_neutral, g.leaves_out_neutral) AS leaves_out_neutral,
        coalesce(u.leaves_out_early, g.leaves_out_early) AS leaves_out_early,
        coalesce(u.rule_version, g.rule_version) AS rule_version,
        h.department IS NOT NULL AS in_hours
    FROM visits_measured v
    JOIN third_signal_rules g ON g.department = ''
        AND (g.valid_from IS NULL OR g.valid_from <= v.local_date) AND (g.valid_to IS NULL OR v.local_date < g.valid_to)
    LEFT JOIN third_signal_rules u ON u.department = v.department
        AND (u.valid_from IS NULL OR u.valid_from <= v.local_date) AND (u.valid_to IS NULL OR v.local_date < u.valid_to)
    LEFT JOIN hours_in_force h ON h.department = coalesce(v.department, '') AND h.day = v.entered_date
        AND unix_micros(h.opens_at) <= unix_micros(v.entered_at) AND unix_micros(v.entered_at) < unix_micros(h.closes_at)
),
clocked AS (
    -- the clock is the union of all phones' ringing, or (by rule) the answering phone's alone
    SELECT r.*,
        CAST(round(ring_s * 1000000, 0) AS BIGINT) AS ring_us,
        CAST(round(CASE WHEN clock = 'leg' THEN leg_ring_s ELSE ring_s END * 1000000, 0) AS BIGINT) AS clock_us,
        CAST(round(CASE WHEN clock = 'leg' THEN leg_ring_min_s ELSE ring_min_s END * 1000000, 0) AS BIGINT) AS clock_min_us,
        CAST(round(CASE WHEN clock = 'leg' THEN leg_ring_max_s ELSE ring_max_s END * 1000000, 0) AS BIGINT) AS clock_max_us
    FROM ruled r
),
timed AS (
    SELECT c.*,
        -- decided when it was answered or left, at the latest when it no longer was in time
        n.unit IS NOT NULL AS neutral,
        CASE
            WHEN outcome IS NULL THEN NULL
            WHEN outcome <> 'answered' THEN FALSE
            WHEN clock_max_us IS NULL AND (NOT in_gap OR clock_us IS NULL) THEN NULL
            WHEN clock_max_us < limit_us THEN TRUE
            WHEN clock_min_us >= limit_us THEN FALSE
            WHEN clock_us IS NULL THEN NULL
            ELSE clock_us < limit_us OR (ring_resolution_us > 1 AND clock_us < limit_us + ring_resolution_us)
        END AS within,
        CASE
            WHEN tries_unclear THEN 'unknown'
            WHEN first_failed IS NULL AND in_gap THEN 'unknown'
            WHEN first_failed IS NULL THEN 'not_needed'
            WHEN NOT first_failed AND left_ringing THEN 'caller_left'
            WHEN NOT first_failed THEN 'not_needed'
            WHEN other_alerted THEN 'rotated'
            WHEN department_phones <= 1 THEN 'no_second_member'
            ELSE 'not_rotated'
        END AS rotation
    FROM clocked c
    LEFT JOIN neutral_spans n ON n.day = c.entered_date AND n.offered_through = c.offered_through
        AND n.unit = CASE WHEN c.offered_through = 'queue' THEN c.queue ELSE c.department END
        AND n.from_us <= unix_micros(c.entered_at)
        AND n.to_us >= unix_micros(c.entered_at) + least(coalesce(CAST(round(c.wait_s * 1000000, 0) AS BIGINT), c.limit_us), c.limit_us)
)
SELECT call_id, visit, department, local_date, entered_at, entered_date, entered_by, left_at, first_ring_at, answered_at,
    answered_by, ring_s, ring_min_s, ring_max_s, ring_source,
    leg_ring_s, leg_ring_min_s, leg_ring_max_s, ring_resolution_us, early_media,
    CASE WHEN outcome = 'answered' AND ring_us IS NOT NULL
        THEN CAST(floor(ring_us / nullif(CAST(period_us AS DOUBLE), 0)) AS BIGINT) + 1 END AS rings,
    wait_s, talk_s, outcome, outcome_certainty,
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
    CASE
        WHEN leaves_out_transfers AND entered_by = 'attended_transfer' THEN 'attended_transfer'
        WHEN leaves_out_neutral AND neutral THEN 'neutral'
        WHEN leaves_out_early AND outcome = 'abandoned' AND CAST(round(wait_s * 1000000, 0) AS BIGINT) < give_up_us THEN 'gave_up_early'
    END AS third_signal_left_out,
    neutral, in_hours, external, phones_offered, no_phone_available,
    rotation,
    CASE WHEN rotation IN ('rotated', 'not_rotated', 'no_second_member') THEN first_failure END AS rotation_cause,
    CASE
        WHEN rotation = 'unknown' THEN 'unknown'
        WHEN in_gap THEN 'estimated'
        WHEN tries_certain AND dial_heard THEN 'certain'
        WHEN first_failed IS NULL AND ring_source <> 'cdr' AND dial_heard_live THEN 'certain'
        WHEN rotation = 'rotated' AND first_failed_surely AND other_alerted_surely AND ring_source <> 'cdr' THEN 'certain'
        WHEN rotation = 'no_second_member' AND first_failed_surely AND ring_source <> 'cdr' AND outcome_certainty = 'certain' THEN 'certain'
        ELSE 'estimated'
    END AS rotation_certainty,
    CASE WHEN rotation = 'rotated' THEN coalesce(other_answered, FALSE) END AS rotation_answered,
    employees_tried,
    CAST(period_us AS DOUBLE) / 1000000 AS period_s, CAST(limit_us AS DOUBLE) / 1000000 AS limit_s,
    rule_version
FROM timed
