-- Every id with its own sort key: epoch and counter of the id as numbers, not as text, then the id itself. A number of
-- more than ten digits is no epoch.
SELECT
    a AS uid,
    lpad(coalesce(nullif(regexp_extract(a, '(^|[^0-9])([0-9]{1,10})[.]([0-9]+)$', 2), ''), '999999999999'), 12, '0')
        || lpad(coalesce(nullif(regexp_extract(a, '(^|[^0-9])([0-9]{1,10})[.]([0-9]+)$', 3), ''), '0'), 12, '0')
        || ' ' || a AS label
FROM edges
GROUP BY a
