-- One CDR, however many formats of one PBX wrote it (cdr_csv, cdr_custom, JSON): same channels, same seconds, same
-- disposition, same place among equal rows of its file. Truncated values are never above the exact one: max() wins.
WITH numbered AS (
    SELECT h.*, c.call_id,
        row_number() OVER (
            PARTITION BY h.uid, h.channel, h.dest_channel, floor(h.at_us / 1000000), floor(h.ended_us / 1000000),
                h.status, h.batch
            ORDER BY h.line ASC NULLS LAST) AS nth
    FROM heard h JOIN call_ids c ON c.uid = h.uid
    WHERE h.source = 'cdr'
)
SELECT
    call_id, uid, channel, dest_channel, status,
    max(at_us) AS at_us,
    min(resolution_us) AS resolution_us,
    max(CASE WHEN answered_us > 0 THEN answered_us END) AS answered_us,
    max(ended_us) AS ended_us,
    max(duration_us) AS duration_us,
    max(billsec_us) AS billsec_us,
    max(sequence) AS sequence,
    max(app) AS app,
    max(app_data) AS app_data,
    max(context) AS context,
    max(caller) AS caller,
    max(caller_class) AS caller_class,
    max(exten) AS exten,
    -- what a caller typed in a menu stands where the dialled number should (FACTS CDR 13)
    max(CASE WHEN exten_class = 'unparsed' AND length(exten) <= 2 THEN 'label' ELSE exten_class END) AS exten_class,
    bool_or(withheld) AS withheld
FROM numbered
GROUP BY call_id, uid, channel, dest_channel, status, floor(at_us / 1000000), floor(ended_us / 1000000), nth
