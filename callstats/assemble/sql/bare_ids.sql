-- An id for CDR rows that have none: rows of one channel that follow each other within two seconds are one call's;
-- channel names begin anew when the PBX does (FACTS CDR 21). A digest: the channel's name would tell the phone.
WITH bare AS (
    SELECT pbx, batch, line, channel, unix_micros(events.at) AS at_us, unix_micros(ended_at) AS ended_us
    FROM events
    WHERE source = 'cdr' AND coalesce(uniqueid, '') = '' AND channel IS NOT NULL
),
reached AS (
    SELECT b.*,
        max(ended_us) OVER (PARTITION BY pbx, channel ORDER BY at_us ASC NULLS LAST, line ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_us
    FROM bare b
),
numbered AS (
    SELECT r.*,
        sum(CASE WHEN before_us IS NULL OR at_us > before_us + 2000000 THEN 1 ELSE 0 END) OVER (
            PARTITION BY pbx, channel ORDER BY at_us ASC NULLS LAST, line ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS turn
    FROM reached r
)
SELECT batch, line,
    md5(channel || '@' || CAST(CAST(floor(min(at_us) OVER (PARTITION BY pbx, channel, turn) / 1000000) AS BIGINT) AS STRING)) AS bare_id
FROM numbered
