-- What stands behind a channel's name: a phone, an outside line, or half of a Local channel. A phone is a known
-- extension, or (where no outside lines are configured) an endpoint that is a short number. ``named``: the endpoint is
-- no known extension; such a phone (SIP/as2mkq) is known by the extension that its channel shows as its own number.
WITH names AS (
    SELECT DISTINCT call_id, channel FROM channels WHERE channel IS NOT NULL
    UNION SELECT DISTINCT call_id, channel FROM cdr_rows WHERE channel IS NOT NULL
    UNION SELECT DISTINCT call_id, dest_channel AS channel FROM cdr_rows WHERE dest_channel IS NOT NULL
    UNION SELECT DISTINCT call_id, hangup_source AS channel FROM channels WHERE hangup_source IS NOT NULL
),
call_days AS (
    SELECT call_id, split_part(call_id, ':', 1) AS pbx, min(local_date) AS local_date FROM call_ids GROUP BY call_id
),
parts AS (
    SELECT n.call_id, d.pbx, d.local_date, n.channel,
        CASE WHEN channel LIKE 'Local/%'
            THEN regexp_extract(channel, '^Local/([^@;]*)', 1)
            ELSE regexp_extract(channel, '^[A-Za-z0-9]+/(.*?)(-[0-9a-f]+)?$', 1) END AS endpoint
    FROM names n JOIN call_days d ON d.call_id = n.call_id
),
-- a short number on which clients call in (that day, to that PBX) is an outside line, not a phone
callers_in AS (
    SELECT DISTINCT x.pbx, x.local_date, x.endpoint
    FROM parts x JOIN channels c ON c.call_id = x.call_id AND c.channel = x.channel
    WHERE NOT c.called AND NOT c.originated AND c.caller_class IN ('mobile', 'fixed', 'foreign', 'anonymous')
    UNION
    SELECT DISTINCT x.pbx, x.local_date, x.endpoint
    FROM parts x JOIN cdr_rows r ON r.call_id = x.call_id AND r.channel = x.channel
    WHERE r.caller_class IN ('mobile', 'fixed', 'foreign', 'anonymous') AND r.caller <> r.exten
)
SELECT p.call_id, p.channel, p.endpoint, e.extension IS NULL AS named,
    CASE
        WHEN p.channel LIKE 'Local/%' THEN 'local'
        WHEN t.endpoint IS NOT NULL THEN 'trunk'
        WHEN e.extension IS NOT NULL THEN 'phone'
        WHEN (SELECT count(*) FROM trunks) > 0 THEN 'phone'
        WHEN i.endpoint IS NOT NULL OR p.channel LIKE 'DAHDI/%' OR p.channel LIKE 'mISDN/%' OR p.channel LIKE 'CAPI/%' THEN 'trunk'
        WHEN regexp_like(p.endpoint, '^[0-9]{2,6}$') THEN 'phone'
        ELSE 'trunk'
    END AS kind
FROM parts p
LEFT JOIN (SELECT DISTINCT value AS extension FROM members WHERE kind = 'extension') e ON e.extension = p.endpoint
LEFT JOIN callers_in i ON i.pbx = p.pbx AND i.local_date = p.local_date AND i.endpoint = p.endpoint
LEFT JOIN trunks t ON t.endpoint = p.endpoint
