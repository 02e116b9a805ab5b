-- call_id of every id: PBX name, colon, earliest linkedid. The call belongs to the local date of that id's epoch.
WITH first_heard AS (
    SELECT uid, min(local_date) AS local_date FROM heard WHERE uid IS NOT NULL GROUP BY uid
),
rooted AS (
    SELECT l.uid, substring(l.label, 26) AS call_id, substring(l.label, 1, 12) AS epoch, f.local_date,
        CAST(nullif(regexp_extract(l.uid, '([0-9]{9,11})[.][0-9]+$', 1), '') AS BIGINT) * 1000000 AS epoch_us
    FROM labels l LEFT JOIN first_heard f ON f.uid = l.uid
)
SELECT
    uid, call_id, epoch_us,
    CASE
        WHEN epoch = '999999999999' THEN min(local_date) OVER (PARTITION BY call_id)
        ELSE CAST(from_utc_timestamp(timestamp_micros(CAST(epoch AS BIGINT) * 1000000), :timezone) AS DATE)
    END AS local_date
FROM rooted
