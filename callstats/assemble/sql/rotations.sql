-- Rotation (15.1, a recommendation): was it needed, was another phone of the visit alerted. First offered: the phones
-- tried within a second of the first. A 302 is no rotation and no need for it.
WITH tries AS (
    SELECT t.place, t.call_id, t.visit, l.endpoint, l.outcome, l.certainty, l.tried_us, l.alert_us, l.until_us, l.ring_heard, l.ringing_us, l.progress_us, s.answered_by,
        min(l.tried_us) OVER (PARTITION BY t.call_id, t.visit) AS first_us
    FROM touches t
    JOIN legs l ON l.uid = t.leg_uid
    JOIN stays s ON s.call_id = t.call_id AND s.visit = t.visit
    WHERE l.tried_us <= coalesce(s.answered_us, l.tried_us)
),
failed AS (
    SELECT *, outcome IN ('busy', 'declined', 'unavailable', 'no_answer') AND tried_us <= first_us + 1000000 AS failing,
        outcome IN ('answered', 'answered_elsewhere', 'no_answer', 'declined', 'abandoned') AND alert_us IS NOT NULL AS alerted,
        outcome = 'answered' OR ringing_us IS NOT NULL OR progress_us IS NOT NULL AS surely_alerted
    FROM tries
)
SELECT a.call_id, a.visit,
    bool_or(a.failing) AS needed,
    bool_or(a.failing AND (a.certainty = 'certain' OR a.outcome IN ('no_answer', 'unavailable'))) AS needed_surely,
    min_by(a.outcome, a.place) FILTER (WHERE a.failing AND a.outcome IS NOT NULL) AS cause,
    bool_or(a.outcome = 'unknown') AS unknown,
    count(DISTINCT a.endpoint) AS phones,
    -- one that was done before this one was tried (declined within a second) does not cover it
    bool_or(b.failing AND a.alerted AND a.endpoint <> b.endpoint AND a.until_us >= b.tried_us) AS covered,
    bool_or(b.failing AND a.surely_alerted AND a.endpoint <> b.endpoint AND a.until_us >= b.tried_us) AS covered_surely,
    -- the second of the three: not only offered to another, but answered by one
    bool_or(b.failing AND a.answered_by <> b.endpoint) AS answered_by_other,
    bool_or(a.outcome = 'abandoned') AS left_ringing,
    bool_and(a.certainty = 'certain') AS all_certain
FROM failed a JOIN failed b ON b.call_id = a.call_id AND b.visit = a.visit
GROUP BY a.call_id, a.visit
