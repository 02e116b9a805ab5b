-- When no AMI connection was there to hear: from the last byte of one to the first of the next, before the first and
-- after the last. Several connections may overlap; where the first thing known is an end, one was there before.
WITH steps AS (
    SELECT pbx, at_us, kind, CASE kind WHEN 'connected' THEN 1 ELSE -1 END AS step, connection, line
    FROM heard
    WHERE source = 'ami' AND kind IN ('connected', 'disconnected')
),
depths AS (
    -- at one instant a beginning counts before an end: the feed went on
    SELECT pbx, at_us,
        sum(step) OVER (PARTITION BY pbx ORDER BY at_us ASC NULLS LAST, step DESC NULLS LAST, line ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS depth,
        lead(at_us) OVER (PARTITION BY pbx ORDER BY at_us ASC NULLS LAST, step DESC NULLS LAST, line ASC NULLS LAST) AS next_us
    FROM steps
),
lowest AS (
    SELECT pbx, least(min(depth), 0) AS base, min(at_us) AS first_us FROM depths GROUP BY pbx
)
SELECT d.pbx, d.at_us AS from_us, coalesce(d.next_us, 9000000000000000) AS to_us
FROM depths d JOIN lowest l ON l.pbx = d.pbx
WHERE d.depth = l.base AND (d.next_us IS NULL OR d.next_us > d.at_us)
UNION ALL
SELECT pbx, 0 AS from_us, first_us AS to_us FROM lowest WHERE base = 0
