-- Which ids belong to one call: a channel and its linkedid, two channels that one line names together (dial, pickup,
-- transfer, queue_log CONNECT), and, where the CDR has no linkedid, the halves of a Local channel (FACTS CDR 18) and a
-- channel that has a row of its own while another row names it as dialled (FACTS CDR 15, 17).
WITH local_rows AS (
    SELECT DISTINCT pbx, uid, at_us,
        regexp_extract(channel, '^(Local/.*);[12]$', 1) AS own_local,
        regexp_extract(dest_channel, '^(Local/.*);[12]$', 1) AS dest_local
    FROM heard
    WHERE source = 'cdr' AND lid IS NULL AND (channel LIKE 'Local/%' OR dest_channel LIKE 'Local/%')
),
bare_rows AS (
    SELECT DISTINCT pbx, uid, channel, dest_channel, at_us, ended_us FROM heard WHERE source = 'cdr' AND lid IS NULL
),
goes_on AS (
    -- a blind transfer before Asterisk 12 goes on in a channel that takes the transferred one's name after AsyncGoto/
    SELECT a.uid AS a, b.uid AS b,
        row_number() OVER (PARTITION BY a.uid ORDER BY b.at_us DESC NULLS LAST, b.uid ASC NULLS LAST) AS n
    FROM heard a
    JOIN heard b ON b.pbx = a.pbx AND b.source = a.source AND b.kind = a.kind AND b.channel = substring(a.channel, 11)
        AND b.at_us <= a.at_us AND b.at_us > a.at_us - 21600000000
    WHERE a.kind IN ('Newchannel', 'CHAN_START') AND a.channel LIKE 'AsyncGoto/%' AND a.uid IS NOT NULL AND b.uid IS NOT NULL
),
pairs AS (
    SELECT DISTINCT uid AS a, lid AS b FROM heard WHERE uid IS NOT NULL AND lid IS NOT NULL
    UNION
    SELECT DISTINCT duid AS a, dlid AS b FROM heard WHERE duid IS NOT NULL AND dlid IS NOT NULL
    UNION
    SELECT DISTINCT uid AS a, duid AS b FROM heard WHERE uid IS NOT NULL AND duid IS NOT NULL
    UNION
    SELECT DISTINCT x.uid AS a, y.uid AS b
    FROM local_rows x
    JOIN local_rows y ON y.pbx = x.pbx AND x.dest_local = y.own_local AND x.dest_local <> '' AND abs(x.at_us - y.at_us) < 3600000000
    UNION
    SELECT DISTINCT x.uid AS a, y.uid AS b
    FROM bare_rows x
    JOIN bare_rows y ON y.pbx = x.pbx AND y.channel = x.dest_channel AND y.at_us >= x.at_us - 2000000 AND y.at_us <= x.ended_us + 2000000
    UNION
    SELECT a, b FROM goes_on WHERE n = 1
    UNION
    SELECT DISTINCT uid AS a, uid AS b FROM heard WHERE uid IS NOT NULL
)
SELECT a, b FROM pairs
UNION
SELECT b AS a, a AS b FROM pairs
