-- A ringing phone's call taken over from another phone (FACTS CDR 17, CEL PICKUP, AMI Pickup): which channel rang,
-- which one took it. In the CDR alone the rung phone has a row of its own whose destination is the pickup code, and
-- the next row names a phone that was not dialled.
WITH told AS (
    SELECT CASE WHEN source = 'cel' THEN uid ELSE duid END AS rung_uid,
        CASE WHEN source = 'cel' THEN duid ELSE uid END AS picker_uid,
        min(at_us) AS at_us, 1 AS resolution_us
    FROM heard
    WHERE kind IN ('PICKUP', 'Pickup') AND uid IS NOT NULL AND duid IS NOT NULL
    GROUP BY CASE WHEN source = 'cel' THEN uid ELSE duid END, CASE WHEN source = 'cel' THEN duid ELSE uid END
),
named AS (
    SELECT t.rung_uid, t.at_us, t.resolution_us, r.call_id, r.channel AS rung_channel, p.channel AS picker_channel
    FROM told t
    JOIN channels r ON r.uid = t.rung_uid
    JOIN channels p ON p.uid = t.picker_uid
),
cdr_told AS (
    SELECT own.call_id, own.channel AS rung_channel, taken.dest_channel AS picker_channel, taken.at_us,
        1000000 AS resolution_us,
        row_number() OVER (PARTITION BY own.call_id, own.channel ORDER BY taken.at_us ASC NULLS LAST,
            taken.dest_channel ASC NULLS LAST) AS n
    FROM cdr_rows own
    JOIN cdr_rows taken ON taken.call_id = own.call_id AND taken.dest_channel <> own.channel
        AND taken.status = 'ANSWERED' AND taken.at_us >= own.ended_us - 1000000
        AND taken.at_us <= own.ended_us + 10000000 AND taken.dest_channel IS NOT NULL
    WHERE own.app = 'AppDial' AND own.exten_class = 'service' AND own.dest_channel IS NULL
)
SELECT call_id, rung_channel, picker_channel, at_us, resolution_us FROM named
UNION ALL
SELECT c.call_id, c.rung_channel, c.picker_channel, c.at_us, c.resolution_us
FROM cdr_told c
LEFT JOIN named n ON n.call_id = c.call_id
WHERE c.n = 1 AND n.call_id IS NULL
