-- The visits' frame: when each began, who answered it and when the next one began.
WITH framed AS (
    SELECT t.call_id, t.visit, max(t.department) AS department, max(t.local_date) AS local_date,
        min(t.at_us) AS entered_us,
        max(l.until_us) AS alerted_until_us,
        max(CASE WHEN t.kind = 'queue' THEN 1 ELSE 0 END) AS queued,
        max(CASE WHEN t.kind = 'number' THEN 1 ELSE 0 END) AS number_only
    FROM touches t LEFT JOIN legs l ON l.uid = t.leg_uid
    GROUP BY t.call_id, t.visit
),
answered AS (
    SELECT t.call_id, t.visit,
        min(a.at_us) AS answered_us, min_by(a.extension, a.turn) FILTER (WHERE a.extension IS NOT NULL) AS answered_by, min_by(a.source, a.turn) FILTER (WHERE a.source IS NOT NULL) AS answer_source,
        min_by(a.uid, a.turn) FILTER (WHERE a.uid IS NOT NULL) AS answer_leg, bool_or(a.answer_hidden) AS answer_hidden,
        -- without the application a CDR row does not tell whether a queue or its department's own dial offered it
        min_by(a.app_known, a.turn) FILTER (WHERE a.app_known IS NOT NULL) AS app_known,
        min_by(a.picked_up, a.turn) FILTER (WHERE a.picked_up IS NOT NULL) AS picked_up
    FROM touches t JOIN answers a ON a.call_id = t.call_id AND a.uid = t.leg_uid
    WHERE a.kind = 'phone'
    GROUP BY t.call_id, t.visit
)
SELECT f.call_id, f.visit, f.department, f.local_date, f.entered_us, f.queued, f.number_only,
    a.answered_us, a.answered_by, a.answer_source, a.answer_leg, a.app_known, coalesce(a.answer_hidden, FALSE) AS answer_hidden,
    coalesce(a.picked_up, FALSE) AS picked_up,
    lead(f.entered_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) AS next_us,
    lag(a.answered_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) AS previous_answer_us,
    -- phones of two departments alerted together are visits side by side, none overflowed into the other
    coalesce(lag(f.alerted_until_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) > f.entered_us + 100000, FALSE)
        AND NOT coalesce(lag(a.answered_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) <= f.entered_us, FALSE) AS beside_previous,
    coalesce(f.alerted_until_us > lead(f.entered_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) + 100000, FALSE)
        AND a.answered_us IS NULL AS beside_next,
    lag(f.entered_us) OVER (PARTITION BY f.call_id ORDER BY f.visit ASC NULLS LAST) AS previous_entered_us,
    max(f.visit) OVER (PARTITION BY f.call_id) AS last_visit
FROM framed f LEFT JOIN answered a ON a.call_id = f.call_id AND a.visit = f.visit
