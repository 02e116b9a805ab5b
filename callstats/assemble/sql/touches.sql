-- Every moment at which a call touches a department, in order: it enters the department's queue, one of its phones is
-- tried, or (only where neither ever happens) it enters the department's number. A queue owns what it offers, a guest
-- member's phone included. Consecutive touches of one department are one visit. An outgoing call touches a department
-- only where it is transferred to it.
WITH stays_answered AS (
    SELECT s.call_id, s.stay, min(a.at_us) AS answer_us
    FROM queue_stays s JOIN answers a ON a.call_id = s.call_id AND NOT a.answer_hidden AND a.at_us >= s.entered_us
    GROUP BY s.call_id, s.stay
),
stays AS (
    SELECT s.*, a.answer_us
    FROM queue_stays s LEFT JOIN stays_answered a ON a.call_id = s.call_id AND a.stay = s.stay
),
counted AS (
    SELECT l.*, c.local_date, c.started_us,
        row_number() OVER (PARTITION BY l.uid ORDER BY s.entered_us DESC NULLS LAST, s.stay DESC NULLS LAST) AS n,
        s.stay, s.department AS queue_department
    FROM legs l
    JOIN callers c ON c.call_id = l.call_id
    LEFT JOIN stays s ON s.call_id = l.call_id AND l.tried_us >= s.entered_us
        AND l.tried_us <= coalesce(s.left_us, 9000000000000000) + s.resolution_us
        AND (l.queue IS NULL OR l.queue = s.queue)
        AND (s.answer_us IS NULL OR s.answer_us >= l.tried_us - s.resolution_us)
    WHERE l.kind = 'phone'
        AND (c.direction <> 'outbound' OR EXISTS (SELECT 1 FROM transfers x JOIN answers a ON a.call_id = x.call_id AND a.kind = 'trunk'
            WHERE x.call_id = l.call_id AND a.at_us < l.tried_us AND x.at_us <= coalesce(l.ended_us, l.tried_us)))
),
leg_touches AS (
    SELECT c.call_id, c.local_date, c.tried_us AS at_us, c.uid AS leg_uid, c.stay, 'leg' AS kind, c.channel_number,
        CASE WHEN c.stay IS NOT NULL THEN c.queue_department ELSE m.department END AS department
    FROM counted c
    LEFT JOIN members m ON m.kind = 'extension' AND m.value = c.endpoint
        AND (m.valid_from IS NULL OR m.valid_from <= c.local_date) AND (m.valid_to IS NULL OR c.local_date < m.valid_to)
    WHERE c.n = 1
),
queue_touches AS (
    SELECT s.call_id, c.local_date, s.entered_us AS at_us, CAST(NULL AS STRING) AS leg_uid, s.stay, 'queue' AS kind,
        CAST(NULL AS STRING) AS channel_number, s.department
    FROM queue_stays s JOIN callers c ON c.call_id = s.call_id AND c.direction <> 'outbound'
),
reached AS (
    SELECT * FROM leg_touches UNION ALL SELECT * FROM queue_touches
),
number_touches AS (
    SELECT c.call_id, c.local_date, c.started_us AS at_us, CAST(NULL AS STRING) AS leg_uid, CAST(NULL AS BIGINT) AS stay,
        'number' AS kind, CAST(NULL AS STRING) AS channel_number, m.department
    FROM callers c
    JOIN members m ON m.kind = 'number' AND m.value = c.dialled
        AND (m.valid_from IS NULL OR m.valid_from <= c.local_date) AND (m.valid_to IS NULL OR c.local_date < m.valid_to)
    WHERE c.direction <> 'outbound' AND NOT c.voicemail_main
        AND NOT EXISTS (SELECT 1 FROM reached r WHERE r.call_id = c.call_id)
),
-- phones tried within a second of each other are one burst: a group of two departments is two visits, not many
spaced AS (
    SELECT t.*,
        CASE WHEN at_us > 1000000 + lag(at_us) OVER (PARTITION BY call_id ORDER BY at_us ASC NULLS LAST, channel_number ASC NULLS LAST,
            department ASC NULLS LAST, kind ASC NULLS LAST, leg_uid ASC NULLS LAST, stay ASC NULLS LAST)
            THEN 1 ELSE 0 END AS apart
    FROM (SELECT * FROM reached UNION ALL SELECT * FROM number_touches) t
),
burst AS (
    SELECT s.*,
        sum(apart) OVER (PARTITION BY call_id ORDER BY at_us ASC NULLS LAST, channel_number ASC NULLS LAST,
            department ASC NULLS LAST, kind ASC NULLS LAST, leg_uid ASC NULLS LAST, stay ASC NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS burst
    FROM spaced s
),
turned AS (
    SELECT b.*,
        min(at_us) OVER (PARTITION BY call_id, burst, department) AS department_us,
        min(channel_number) OVER (PARTITION BY call_id, burst, department) AS department_number
    FROM burst b
),
ordered AS (
    SELECT t.*,
        row_number() OVER (PARTITION BY call_id ORDER BY burst ASC NULLS LAST, department_us ASC NULLS LAST,
            department_number ASC NULLS LAST, department ASC NULLS LAST, at_us ASC NULLS LAST,
            CASE kind WHEN 'queue' THEN 0 ELSE 1 END ASC NULLS LAST, channel_number ASC NULLS LAST,
            leg_uid ASC NULLS LAST, stay ASC NULLS LAST) AS place
    FROM turned t
),
changed AS (
    SELECT o.*,
        CASE WHEN lag(place) OVER (PARTITION BY call_id ORDER BY place ASC NULLS LAST) IS NULL THEN 1
            WHEN coalesce(lag(department) OVER (PARTITION BY call_id ORDER BY place ASC NULLS LAST), '') <> coalesce(department, '') THEN 1
            ELSE 0 END AS is_new
    FROM ordered o
)
SELECT call_id, local_date, at_us, leg_uid, stay, kind, department, place,
    sum(is_new) OVER (PARTITION BY call_id ORDER BY place ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS visit
FROM changed
