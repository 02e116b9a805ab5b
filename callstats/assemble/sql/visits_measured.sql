-- The visits' measurements: nothing in here depends on a rule of the municipality.
WITH moved AS (
    SELECT s.call_id, s.visit, count(*) AS transfers,
        max(x.at_us) FILTER (WHERE x.kind = 'blind_transfer' AND x.at_us <= s.entered_us + 100000
            AND x.at_us >= coalesce(s.previous_entered_us, s.entered_us)) AS blind_us,
        min(x.at_us) FILTER (WHERE x.kind = 'attended_transfer' AND x.at_us >= s.entered_us) AS attended_after_us
    FROM stays s JOIN transfers x ON x.call_id = s.call_id
    GROUP BY s.call_id, s.visit
),
forwarded AS (
    SELECT DISTINCT s.call_id, s.visit
    FROM stays s
    JOIN attempts a ON a.call_id = s.call_id AND a.visit = s.visit - 1 AND a.outcome = 'forwarded'
        AND a.ended_at >= s.entered_us - 2000000 AND a.ended_at <= s.entered_us + 2000000
),
sent AS (
    SELECT call_id, min(at_us) AS blind_us FROM transfers WHERE kind = 'blind_transfer' GROUP BY call_id
),
refusals AS (
    SELECT call_id, visit, bool_and(outcome = 'busy') AS all_busy, bool_and(outcome = 'unavailable') AS all_unavailable
    FROM attempts WHERE outcome <> 'forwarded' GROUP BY call_id, visit
),
through_local AS (
    -- the CDR's trace of an attended transfer: the colleague was dialled by half of a Local channel (FACTS CDR 15)
    SELECT DISTINCT t.call_id, t.visit
    FROM touches t
    JOIN legs l ON l.uid = t.leg_uid
    JOIN cdr_rows d ON d.call_id = l.call_id AND d.dest_channel = l.channel AND d.channel LIKE 'Local/%'
),
joined AS (
    SELECT s.*, c.caller_class, c.channel_kind, c.direction, c.started_us, c.ended_us, c.menu_us, c.cdr_menu, c.voicemail_us,
        c.has_ami, c.has_cel, c.broken, c.app_heard, c.went_out, c.dialled, c.caller_left,
        o.outcome AS call_outcome, o.outcome_certainty AS call_certainty, o.surely_unanswered, o.answered_outside,
        r.best_us, r.most_us, r.least_us, r.pieces, r.leg_best_us, r.leg_most_us, r.leg_least_us, r.first_ring_us, r.early_media, r.heard_all, r.resolution_us, r.ring_source,
        m.blind_us, m.attended_after_us, coalesce(m.transfers, 0) AS transfers,
        f.call_id IS NOT NULL AS after_forward,
        h.call_id IS NOT NULL AS through_local,
        b.all_busy, b.all_unavailable,
        t.blind_us AS sent_blind_us,
        -- no source told of a queue or of a dial: a guest member's phone would look like its own department's
        (c.has_ami OR c.has_cel) AND NOT c.app_heard AND q.call_id IS NULL AND s.number_only = 0 AS queue_unheard
    FROM stays s
    JOIN callers c ON c.call_id = s.call_id
    JOIN outcomes o ON o.call_id = s.call_id
    LEFT JOIN rings r ON r.call_id = s.call_id AND r.visit = s.visit
    LEFT JOIN moved m ON m.call_id = s.call_id AND m.visit = s.visit
    LEFT JOIN forwarded f ON f.call_id = s.call_id AND f.visit = s.visit
    LEFT JOIN sent t ON t.call_id = s.call_id
    LEFT JOIN (SELECT DISTINCT call_id FROM queue_stays) q ON q.call_id = s.call_id
    LEFT JOIN refusals b ON b.call_id = s.call_id AND b.visit = s.visit
    LEFT JOIN through_local h ON h.call_id = s.call_id AND h.visit = s.visit
),
entered AS (
    SELECT j.*,
        CASE
            WHEN j.visit = 1 AND j.direction = 'outbound' THEN
                CASE WHEN j.sent_blind_us <= j.entered_us + 100000 THEN 'blind_transfer' ELSE 'attended_transfer' END
            WHEN j.visit = 1 AND (j.menu_us < j.entered_us OR j.cdr_menu) AND j.number_only = 0 THEN 'menu'
            WHEN j.visit = 1 THEN 'dialled'
            WHEN j.beside_previous AND j.blind_us IS NULL THEN 'dialled'
            WHEN j.blind_us IS NOT NULL THEN 'blind_transfer'
            WHEN j.after_forward THEN 'forward'
            WHEN j.previous_answer_us IS NOT NULL AND j.previous_answer_us < j.entered_us THEN
                CASE WHEN j.attended_after_us IS NOT NULL THEN 'attended_transfer'
                     WHEN j.transfers = 0 AND NOT j.has_ami AND NOT j.has_cel AND NOT j.through_local THEN 'blind_transfer'
                     ELSE 'attended_transfer' END
            ELSE 'overflow'
        END AS entered_by
    FROM joined j
),
followed AS (
    SELECT e.*,
        lead(e.entered_by) OVER (PARTITION BY e.call_id ORDER BY e.visit ASC NULLS LAST) AS next_entered_by,
        lead(e.attended_after_us) OVER (PARTITION BY e.call_id ORDER BY e.visit ASC NULLS LAST) AS next_attended_us
    FROM entered e
),
left_at AS (
    SELECT f.*,
        CASE
            WHEN f.next_us IS NULL THEN f.ended_us
            WHEN f.answered_us IS NOT NULL AND f.next_entered_by = 'attended_transfer' THEN coalesce(f.next_attended_us, f.ended_us)
            ELSE f.next_us
        END AS left_us
    FROM followed f
)
SELECT l.call_id, l.visit, l.department, l.local_date, l.entered_us, l.entered_by, l.left_us,
    CASE WHEN l.best_us > 0 THEN l.first_ring_us END AS first_ring_us,
    CASE WHEN l.answered_us IS NOT NULL AND NOT l.answer_hidden THEN l.answered_us END AS answered_us,
    l.answered_by, l.answer_hidden, l.queued, l.number_only,
    -- where the PBX answered before the person, the CDR cannot tell how long it rang: a bound, but no best value
    -- (and its first row after a menu begins with the call)
    CASE WHEN l.most_us IS NULL OR l.answer_hidden OR l.answered_outside OR (l.cdr_menu AND l.visit = 1) THEN NULL ELSE l.best_us END AS ring_us,
    CASE WHEN l.most_us IS NOT NULL THEN greatest(l.least_us - 20000 * l.pieces, 0) END AS ring_min_us,
    -- in a gap of the only live feed a further phone may have rung unheard: no upper bound
    CASE WHEN l.most_us IS NOT NULL AND NOT (l.broken OR l.answered_outside) THEN l.most_us + CASE WHEN l.heard_all THEN 20000 * l.pieces ELSE 0 END END AS ring_max_us,
    CASE WHEN NOT l.answer_hidden AND NOT (l.cdr_menu AND l.visit = 1) THEN l.leg_best_us END AS leg_ring_us,
    greatest(l.leg_least_us - 20000, 0) AS leg_ring_min_us,
    CASE WHEN NOT (l.broken) THEN l.leg_most_us + CASE WHEN l.heard_all THEN 20000 ELSE 0 END END AS leg_ring_max_us,
    coalesce(l.resolution_us, 1) AS ring_resolution_us,
    coalesce(l.ring_source, 'none') AS ring_source,
    coalesce(l.early_media, FALSE) AS early_media,
    CASE WHEN l.answer_hidden THEN NULL
        ELSE coalesce(l.answered_us, l.left_us) - l.entered_us END AS wait_us,
    CASE WHEN NOT l.answer_hidden AND l.left_us IS NOT NULL AND l.answered_us IS NOT NULL
        THEN greatest(l.left_us - l.answered_us, 0) END AS talk_us,
    CASE
        WHEN l.answered_us IS NOT NULL THEN 'answered'
        WHEN l.beside_next OR (l.beside_previous AND l.call_outcome = 'answered') THEN 'unanswered'
        WHEN l.visit < l.last_visit THEN 'overflowed'
        -- sent on to a colleague who did not take it
        WHEN l.call_outcome = 'answered' AND (l.visit > 1 OR l.direction = 'outbound') THEN
            CASE WHEN l.caller_left THEN 'abandoned' WHEN l.all_busy THEN 'busy' WHEN l.all_unavailable THEN 'unavailable' ELSE 'unanswered' END
        ELSE l.call_outcome
    END AS outcome,
    CASE
        WHEN l.answered_us IS NOT NULL THEN CASE WHEN l.app_known AND NOT l.broken AND NOT l.queue_unheard THEN 'certain' ELSE 'estimated' END
        WHEN l.beside_next OR (l.beside_previous AND l.call_outcome = 'answered') THEN 'estimated'
        WHEN l.visit < l.last_visit THEN CASE WHEN (l.has_ami OR l.has_cel) AND NOT l.broken AND NOT l.queue_unheard THEN 'certain' ELSE 'estimated' END
        WHEN l.call_outcome = 'answered' AND (l.visit > 1 OR l.direction = 'outbound') THEN
            CASE WHEN l.caller_left IS NULL OR (l.broken) THEN 'estimated' ELSE 'certain' END
        WHEN l.queue_unheard THEN 'estimated'
        ELSE l.call_certainty
    END AS outcome_certainty,
    l.direction = 'inbound' AND coalesce(l.caller_class, '') <> 'extension' AS external,
    l.broken AS in_gap,
    l.has_ami OR l.has_cel AS heard_live,
    l.surely_unanswered,
    l.app_heard, l.went_out, l.queue_unheard
FROM left_at l
