-- When the AMI feed was away: from the last byte of a connection to the first of the next, and before the first and
-- after the last one there is no feed at all.
WITH edges_of AS (
    SELECT pbx, kind, at_us,
        row_number() OVER (PARTITION BY pbx ORDER BY at_us ASC NULLS LAST, kind DESC NULLS LAST) AS n
    FROM heard
    WHERE source = 'ami' AND kind IN ('connected', 'disconnected')
)
SELECT a.pbx, a.at_us AS from_us, b.at_us AS to_us
FROM edges_of a JOIN edges_of b ON b.pbx = a.pbx AND b.n = a.n + 1
WHERE a.kind = 'disconnected' AND b.at_us > a.at_us
UNION ALL
SELECT pbx, 0 AS from_us, min(at_us) AS to_us FROM edges_of WHERE kind = 'connected' GROUP BY pbx
UNION ALL
SELECT pbx, max(at_us) AS from_us, 9000000000000000 AS to_us FROM edges_of WHERE kind = 'disconnected' GROUP BY pbx
