-- A phone that was dialled and got no channel, because the PBX knew it to be off (FACTS CDR 8): only the Dial's own
-- words name it (AMI Newexten, CEL APP_START; in the CDR the next phone's row keeps them). After a transfer the words
-- are those of the Dial before, and mean nothing.
WITH dials AS (
    SELECT k.call_id, h.uid, h.source, h.at_us, split_part(h.app_data, ',', 1) AS targets,
        lag(h.app_data) OVER (PARTITION BY h.source, h.uid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS before,
        h.app_data
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE ((h.source = 'ami' AND h.kind = 'Newexten') OR (h.source = 'cel' AND h.kind = 'APP_START')) AND h.app = 'Dial'
),
cdr_dials AS (
    SELECT r.call_id, r.uid, 'cdr' AS source, min(r.at_us) AS at_us, split_part(r.app_data, ',', 1) AS targets
    FROM cdr_rows r JOIN callers c ON c.call_id = r.call_id
    WHERE r.app = 'Dial' AND NOT c.app_heard AND r.dest_channel NOT LIKE 'Local/%'
    GROUP BY r.call_id, r.uid, split_part(r.app_data, ',', 1)
),
said AS (
    SELECT call_id, source, at_us, uid, targets FROM dials WHERE before IS NULL OR before <> app_data
    UNION ALL
    SELECT call_id, source, at_us, uid, targets FROM cdr_dials
),
tried AS (
    SELECT s.call_id, s.source, s.at_us, s.uid, s.targets, length(s.targets) - length(replace(s.targets, '&', '')) + 1 AS wanted,
        count(DISTINCT l.uid) AS got
    FROM said s
    LEFT JOIN legs_heard l ON l.call_id = s.call_id AND l.tried_us >= s.at_us - 1000000 AND l.tried_us <= s.at_us + 2000000
        AND contains('&' || s.targets || '&', '/' || l.endpoint || '&')
    GROUP BY s.call_id, s.source, s.at_us, s.uid, s.targets
),
missing AS (
    SELECT t.call_id, t.source, t.at_us, t.uid, t.wanted, e.extension AS endpoint,
        row_number() OVER (PARTITION BY t.call_id, e.extension
            ORDER BY CASE t.source WHEN 'ami' THEN 1 WHEN 'cel' THEN 2 ELSE 3 END ASC NULLS LAST, t.at_us ASC NULLS LAST,
                t.uid ASC NULLS LAST, t.targets ASC NULLS LAST) AS n
    FROM tried t
    JOIN (SELECT DISTINCT value AS extension FROM members WHERE kind = 'extension') e
        ON contains('&' || t.targets || '&', '/' || e.extension || '&')
    WHERE t.got < t.wanted
        AND NOT EXISTS (SELECT 1 FROM legs_heard l WHERE l.call_id = t.call_id AND l.endpoint = e.extension
            AND l.tried_us >= t.at_us - 1000000 AND l.tried_us <= t.at_us + 2000000)
)
SELECT m.call_id, m.call_id || ' off ' || m.endpoint AS uid, m.endpoint, m.at_us AS tried_us, m.source, m.wanted = 1 AS alone
FROM missing m JOIN callers c ON c.call_id = m.call_id
-- the PBX went on with the call after the vain dial, and the feed was there to hear of it
WHERE m.n = 1 AND NOT (m.source = 'ami' AND c.in_gap AND NOT c.has_cel)
    AND coalesce(c.ended_us, 0) > 0 AND (c.caller_left_us IS NULL OR c.caller_left_us > m.at_us + 200000)
    AND (m.source <> 'ami' OR EXISTS (SELECT 1 FROM heard h WHERE h.uid = m.uid AND h.source = 'ami' AND h.at_us > m.at_us
        AND h.kind IN ('Newexten', 'DialBegin')))
    AND NOT (m.source <> 'ami' AND EXISTS (SELECT 1 FROM legs_heard l WHERE l.call_id = m.call_id AND l.endpoint = m.endpoint))
