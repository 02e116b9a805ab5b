-- Ring time of each visit: the length of the union of the intervals in which at least one of its phones alerted, up
-- to the answer (design: the norm protects the client, who hears one tone however many phones ring). Three unions:
-- the best value; the longest it can have been (an INVITE bounds it from above: the phone cannot alert before it is
-- asked to); the shortest (only what was heard ringing).
WITH intervals AS (
    SELECT t.call_id, t.visit, l.uid, l.ring_source, l.resolution_us, l.source,
        l.ring_heard OR l.ringing_us IS NOT NULL AS heard,
        l.uid = s.answer_leg AS answering,
        l.ringing_us IS NULL AND l.progress_us IS NOT NULL AS early_media,
        l.alert_us AS best_from,
        CASE WHEN l.ringing_us IS NOT NULL THEN l.ringing_us
             WHEN l.progress_us IS NOT NULL THEN l.tried_us
             WHEN l.ring_heard THEN NULL
             ELSE l.tried_us END AS most_from,
        least(l.until_us, coalesce(s.answered_us, l.until_us)) AS best_to,
        CASE WHEN (l.answer_hidden OR l.answer_doubtful) AND l.own_answer_us IS NOT NULL THEN l.ended_us
             ELSE least(l.until_us, coalesce(s.answered_us, l.until_us)) END
            + CASE WHEN l.resolution_us > 1 THEN l.resolution_us ELSE 0 END AS most_to
    FROM touches t
    JOIN legs l ON l.uid = t.leg_uid
    JOIN stays s ON s.call_id = t.call_id AND s.visit = t.visit
    WHERE l.until_us IS NOT NULL AND l.tried_us <= coalesce(s.answered_us, l.tried_us) + 1000000
),
spans AS (
    SELECT call_id, visit, 'best' AS measure, best_from AS from_us, best_to AS to_us FROM intervals
    WHERE best_from IS NOT NULL AND best_to > best_from
    UNION ALL
    SELECT call_id, visit, 'most', most_from, most_to FROM intervals WHERE most_from IS NOT NULL AND most_to > most_from
    UNION ALL
    SELECT call_id, visit, 'least', best_from, best_to FROM intervals WHERE heard AND NOT early_media AND best_from IS NOT NULL AND best_to > best_from
),
covered AS (
    SELECT s.*,
        max(to_us) OVER (PARTITION BY call_id, visit, measure ORDER BY from_us ASC NULLS LAST, to_us ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_us
    FROM spans s
),
lengths AS (
    SELECT call_id, visit, measure,
        sum(greatest(to_us - greatest(from_us, coalesce(before_us, from_us)), 0)) AS length_us,
        sum(CASE WHEN before_us IS NULL OR from_us > before_us THEN 1 ELSE 0 END) AS pieces,
        min(from_us) AS first_us
    FROM covered GROUP BY call_id, visit, measure
)
SELECT i.call_id, i.visit,
    coalesce(max(b.length_us), 0) AS best_us,
    coalesce(max(m.length_us), 0) AS most_us,
    coalesce(max(l.length_us), 0) AS least_us,
    coalesce(max(m.pieces), 0) AS pieces,
    min(i.best_from) AS first_ring_us,
    -- the answering phone alone, for rules whose clock is the leg
    max(CASE WHEN i.answering THEN greatest(i.best_to - i.best_from, 0) END) AS leg_best_us,
    max(CASE WHEN i.answering THEN greatest(i.most_to - i.most_from, 0) END) AS leg_most_us,
    max(CASE WHEN i.answering THEN CASE WHEN i.heard AND NOT i.early_media THEN greatest(i.best_to - i.best_from, 0) ELSE 0 END END) AS leg_least_us,
    bool_or(i.early_media) AS early_media,
    bool_and(i.heard) AS heard_all,
    max(i.resolution_us) AS resolution_us,
    CASE WHEN bool_or(i.early_media) THEN 'ami_183'
        ELSE max(i.ring_source) END AS ring_source
FROM intervals i
LEFT JOIN lengths b ON b.call_id = i.call_id AND b.visit = i.visit AND b.measure = 'best'
LEFT JOIN lengths m ON m.call_id = i.call_id AND m.visit = i.visit AND m.measure = 'most'
LEFT JOIN lengths l ON l.call_id = i.call_id AND l.visit = i.visit AND l.measure = 'least'
GROUP BY i.call_id, i.visit
