-- One row per dialled phone or trunk, with its raw facts. AMI and CEL name channels; the CDR is asked only where
-- neither saw the call (or AMI was away for a part of it and CEL is missing).
WITH live AS (
    SELECT ch.call_id, ch.uid, ch.channel,
        -- phones that show one number together (a group's) are told apart by their endpoints
        CASE WHEN n.named AND n.kind = 'phone' AND ch.caller_class = 'extension'
            AND min(n.endpoint) OVER (PARTITION BY ch.call_id, ch.caller) = max(n.endpoint) OVER (PARTITION BY ch.call_id, ch.caller)
            THEN ch.caller ELSE n.endpoint END AS endpoint, n.kind,
        coalesce(ch.ami_tried_us, ch.cel_tried_us, ch.created_us) AS tried_us,
        ch.ringing_us, ch.progress_us,
        -- up, but the dial was over: the caller or another phone was quicker, or the employee refused the call
        CASE WHEN ch.in_ami AND n.kind = 'phone' AND ch.dial_status IN ('CANCEL', 'NOANSWER', 'BUSY') THEN NULL
            ELSE ch.up_us END AS answered_us,
        coalesce(ch.stopped_us, ch.ended_us) AS stopped_us,
        ch.ended_us, ch.cause, ch.dial_status, ch.forward_exten,
        CASE WHEN ch.in_ami THEN 'ami' ELSE 'cel' END AS source,
        ch.in_ami, ch.in_cel, 1 AS resolution_us,
        CAST(NULL AS STRING) AS queue, CAST(NULL AS BIGINT) AS timeout_us, CAST(NULL AS BIGINT) AS queue_end_us,
        TRUE AS channel_is_caller, TRUE AS app_known,
        FALSE AS answer_hidden, FALSE AS answer_doubtful
    FROM channels ch
    JOIN names n ON n.call_id = ch.call_id AND n.channel = ch.channel
    WHERE ch.called AND NOT ch.picker AND n.kind IN ('phone', 'trunk') AND NOT ch.originated
),
live_calls AS (
    SELECT call_id FROM callers WHERE has_cel OR (has_ami AND NOT in_gap)
    UNION SELECT DISTINCT l.call_id FROM live l JOIN callers c ON c.call_id = l.call_id WHERE NOT c.has_cdr
),
cdr_ordered AS (
    SELECT r.*, n.endpoint, n.kind, c.pbx, c.local_date,
        split_part(r.app_data, ',', 2) AS timeout_text,
        -- Queue(name,options,url,announce,timeout): when the queue itself gives up
        CASE WHEN r.app = 'Queue' AND regexp_like(split_part(r.app_data, ',', 5), '^[0-9]+$')
            THEN CAST(split_part(r.app_data, ',', 5) AS BIGINT) * 1000000 + min(r.at_us) OVER (PARTITION BY r.call_id, r.app_data)
            END AS queue_end_us
    FROM cdr_rows r
    JOIN names n ON n.call_id = r.call_id AND n.channel = r.dest_channel
    JOIN callers c ON c.call_id = r.call_id
    WHERE n.kind IN ('phone', 'trunk')
),
-- Does the dialplan answer the caller before it dials here? Rows that nobody answered tell: theirs is empty where it
-- does not (FACTS CDR 3). Where nothing tells, an 'answer' may be the PBX's own, and is no measure of ringing. The calls
-- of a day tell for that day: a dialplan changes.
ways AS (
    SELECT c.pbx, c.local_date, coalesce(r.context, '') AS context, coalesce(r.exten, '') AS exten, coalesce(r.app, '') AS app,
        bool_and(r.answered_us IS NULL) AS unanswered_way
    FROM cdr_rows r JOIN callers c ON c.call_id = r.call_id
    WHERE r.status NOT IN ('ANSWERED', 'FAILED') AND r.dest_channel IS NOT NULL
    GROUP BY c.pbx, c.local_date, coalesce(r.context, ''), coalesce(r.exten, ''), coalesce(r.app, '')
),
cdr AS (
    SELECT o.call_id, o.call_id || ' ' || o.dest_channel AS uid, o.dest_channel AS channel, o.endpoint, o.kind,
        o.at_us AS tried_us,
        CASE WHEN o.status = 'ANSWERED' AND o.answered_us >= o.at_us + 1000000 THEN o.answered_us END AS cdr_answered_us,
        NOT coalesce(w.unanswered_way, FALSE) AS answer_doubtful,
        -- a queue's own timeout may end the dial behind a Local member before the dial's does
        o.channel NOT LIKE 'Local/%' AS channel_is_caller,
        o.queue_end_us, o.ended_us, o.status, o.app, o.app_data, o.billsec_us, o.resolution_us, o.context,
        CASE WHEN o.app = 'Queue' THEN split_part(o.app_data, ',', 1) END AS queue,
        CASE WHEN o.app = 'Dial' AND regexp_like(o.timeout_text, '^[0-9]+$') THEN CAST(o.timeout_text AS BIGINT) * 1000000 END AS timeout_us
    FROM cdr_ordered o
    LEFT JOIN ways w ON w.pbx = o.pbx AND w.local_date = o.local_date AND o.context IS NOT NULL AND w.context = o.context AND w.exten = coalesce(o.exten, '') AND w.app = coalesce(o.app, '')
    WHERE o.call_id NOT IN (SELECT call_id FROM live_calls)
        AND NOT EXISTS (SELECT 1 FROM pickups p WHERE p.call_id = o.call_id AND p.picker_channel = o.dest_channel)
),
losers AS (
    -- the moment a queue member answered shows in the rows of the members who lost to him
    SELECT w.call_id, w.uid, max(l.ended_us) AS answered_us
    FROM cdr w
    JOIN cdr l ON l.call_id = w.call_id AND l.uid <> w.uid AND l.tried_us < w.ended_us
        AND l.tried_us >= w.tried_us - 1000000 AND l.ended_us < w.ended_us AND l.ended_us > l.tried_us + 1000000
        AND l.status IN ('NO ANSWER', 'CANCEL')
    WHERE w.status = 'ANSWERED' AND w.cdr_answered_us IS NULL AND w.app = 'Queue'
    GROUP BY w.call_id, w.uid
),
connects AS (
    SELECT k.call_id, h.queue, h.at_us FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.source = 'queue_log' AND h.kind = 'CONNECT'
),
cdr_legs AS (
    SELECT c.call_id, c.uid, c.channel, c.endpoint, c.kind, c.tried_us,
        CAST(NULL AS BIGINT) AS ringing_us, CAST(NULL AS BIGINT) AS progress_us,
        CASE WHEN c.status = 'ANSWERED' THEN coalesce(min(c.cdr_answered_us), min(q.at_us), min(l.answered_us), min(c.tried_us)) END AS answered_us,
        min(c.ended_us) AS stopped_us, min(c.ended_us) AS ended_us,
        CAST(NULL AS BIGINT) AS cause, c.status AS dial_status, CAST(NULL AS STRING) AS forward_exten,
        'cdr' AS source, FALSE AS in_ami, FALSE AS in_cel, 1000000 AS resolution_us, c.queue,
        min(c.timeout_us) AS timeout_us, min(c.queue_end_us) AS queue_end_us, bool_and(c.channel_is_caller) AS channel_is_caller,
        bool_and(c.app IS NOT NULL AND c.app <> '') AS app_known,
        c.status = 'ANSWERED' AND min(c.cdr_answered_us) IS NULL AND min(q.at_us) IS NULL AND min(l.answered_us) IS NULL AS answer_hidden,
        -- a loser may have gone before the answer (declined): its end is the best value, and no bound
        (bool_or(c.answer_doubtful) OR min(l.answered_us) IS NOT NULL) AND min(q.at_us) IS NULL AS answer_doubtful
    FROM cdr c
    LEFT JOIN losers l ON l.uid = c.uid
    LEFT JOIN connects q ON q.call_id = c.call_id AND q.queue = c.queue AND q.at_us >= c.tried_us - 1000000 AND q.at_us <= c.ended_us
    GROUP BY c.call_id, c.uid, c.channel, c.endpoint, c.kind, c.tried_us, c.status, c.queue
),
offers AS (
    -- a call that only its queue tells of: who was offered it, and who took it
    SELECT k.call_id, h.uid, h.source, h.kind, h.at_us, h.queue, h.member, h.resolution_us,
        -- where the ring time is not told, the time in the queue bounds it
        coalesce(h.ring_us, h.hold_us, h.at_us - j.entered_us) AS ring_us
    FROM heard h
    JOIN call_ids k ON k.uid = h.uid
    LEFT JOIN (
        SELECT uid, min(at_us) AS entered_us FROM heard WHERE kind IN ('ENTERQUEUE', 'QueueCallerJoin') GROUP BY uid
    ) j ON j.uid = h.uid
    JOIN callers c ON c.call_id = k.call_id AND NOT c.has_cel AND NOT c.has_cdr
    WHERE h.member IS NOT NULL
        AND ((h.source = 'queue_log' AND h.kind IN ('CONNECT', 'RINGNOANSWER', 'RINGCANCELED'))
            OR (h.source = 'ami' AND NOT c.has_queue_log AND h.kind IN ('AgentConnect', 'AgentRingNoAnswer')))
        AND NOT EXISTS (SELECT 1 FROM live l WHERE l.call_id = k.call_id)
),
queue_legs AS (
    SELECT o.call_id, o.uid || ' ' || o.member || ' ' || CAST(o.at_us AS STRING) AS uid, CAST(NULL AS STRING) AS channel,
        o.member AS endpoint, 'phone' AS kind, o.at_us - coalesce(o.ring_us, 0) AS tried_us,
        CAST(NULL AS BIGINT) AS ringing_us, CAST(NULL AS BIGINT) AS progress_us,
        CASE WHEN o.kind IN ('CONNECT', 'AgentConnect') THEN o.at_us END AS answered_us,
        CASE WHEN o.kind IN ('CONNECT', 'AgentConnect') THEN min(e.at_us) ELSE o.at_us END AS stopped_us,
        CASE WHEN o.kind IN ('CONNECT', 'AgentConnect') THEN min(e.at_us) ELSE o.at_us END AS ended_us,
        CAST(NULL AS BIGINT) AS cause, CAST(NULL AS STRING) AS dial_status, CAST(NULL AS STRING) AS forward_exten,
        o.source, FALSE AS in_ami, FALSE AS in_cel, o.resolution_us, o.queue,
        CAST(NULL AS BIGINT) AS timeout_us, CAST(NULL AS BIGINT) AS queue_end_us, TRUE AS channel_is_caller,
        TRUE AS app_known, o.ring_us IS NULL AND o.kind IN ('CONNECT', 'AgentConnect') AS answer_hidden,
        FALSE AS answer_doubtful
    FROM offers o
    LEFT JOIN heard e ON e.uid = o.uid AND e.source = o.source AND e.at_us >= o.at_us
        AND e.kind IN ('COMPLETEAGENT', 'COMPLETECALLER', 'TRANSFER', 'BLINDTRANSFER', 'ATTENDEDTRANSFER', 'AgentComplete')
    GROUP BY o.call_id, o.uid, o.member, o.at_us, o.kind, o.ring_us, o.source, o.resolution_us, o.queue
)
SELECT * FROM live WHERE call_id IN (SELECT call_id FROM live_calls)
UNION ALL
SELECT * FROM cdr_legs
UNION ALL
SELECT * FROM queue_legs
