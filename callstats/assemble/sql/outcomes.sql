-- How each call ended for the caller. An answer is a person's, at a phone; one on an outside line is never certain
-- (a mobile's voicemail answers too), and in click-to-call the answer is the client's.
WITH tried AS (
    SELECT l.call_id,
        count(*) AS legs,
        -- a client who declines our call is as good as busy: an attempt was made (design section 3)
        bool_and(l.outcome = 'busy' OR (l.outcome = 'declined' AND l.direction = 'outbound')) AS all_busy,
        bool_and(l.outcome = 'unavailable') AS all_unavailable,
        -- a phone that does not react is waited for as well (FACTS CDR 9)
        bool_or(l.outcome = 'abandoned' OR (l.outcome = 'unavailable' AND c.caller_left AND l.in_ami AND l.stopped_us > l.tried_us
            AND abs(c.ended_us - l.stopped_us) <= 1000000 AND c.caller_left_us <= l.stopped_us + 100000)) AS left_ringing,
        bool_and(l.certainty = 'certain') AS all_certain,
        bool_or(l.certainty = 'certain' AND l.outcome <> 'unavailable') AS some_reached
    FROM legs l JOIN callers c ON c.call_id = l.call_id
    WHERE l.outcome <> 'forwarded' GROUP BY l.call_id
),
phones AS (
    SELECT a.call_id, min(a.at_us) AS answered_us, min_by(a.extension, a.turn) FILTER (WHERE a.extension IS NOT NULL) AS answered_by,
        min_by(a.answer_hidden, a.turn) FILTER (WHERE a.answer_hidden IS NOT NULL) AS answer_hidden, min_by(a.source, a.turn) FILTER (WHERE a.source IS NOT NULL) AS source
    FROM answers a WHERE a.kind = 'phone' GROUP BY a.call_id
),
lines AS (
    SELECT a.call_id, min(a.at_us) AS answered_us, min_by(a.source, a.turn) FILTER (WHERE a.source IS NOT NULL) AS source
    FROM answers a WHERE a.kind = 'trunk' GROUP BY a.call_id
),
queued AS (
    SELECT call_id, bool_or(ending = 'ABANDON') AS abandoned, bool_or(ending IN ('EXITWITHTIMEOUT', 'EXITEMPTY')) AS timed_out, count(*) AS stays
    FROM queue_stays GROUP BY call_id
),
-- a mobile that came up and did not accept the call: the caller's own dial ended without an answer
dials AS (
    SELECT uid, bool_or(status = 'ANSWER') AS put_through
    FROM heard
    WHERE uid IS NOT NULL AND ((source = 'ami' AND kind = 'DialEnd') OR (source = 'cel' AND kind = 'HANGUP' AND status <> ''))
    GROUP BY uid
),
-- some source states that a phone answered, whatever the others heard
stated AS (
    SELECT k.call_id FROM heard h JOIN call_ids k ON k.uid = h.uid WHERE h.kind IN ('CONNECT', 'AgentConnect')
    UNION
    SELECT r.call_id FROM cdr_rows r JOIN names n ON n.call_id = r.call_id AND n.channel = r.dest_channel
    WHERE r.status = 'ANSWERED' AND coalesce(r.billsec_us, 1) > 0 AND n.kind = 'phone'
),
-- the caller was in a queue to the end
waiting AS (
    SELECT q.call_id FROM queue_stays q JOIN callers c ON c.call_id = q.call_id
    WHERE q.left_us IS NULL OR q.left_us + q.resolution_us >= coalesce(c.caller_left_us, c.ended_us) - 1000000
    GROUP BY q.call_id
),
voice AS (
    SELECT call_id, bool_and(empty) AS empty, min(certainty) AS certainty FROM messages_left WHERE call_id IS NOT NULL GROUP BY call_id
),
facts AS (
    SELECT c.*, t.legs, t.all_busy, t.all_unavailable, t.left_ringing, t.all_certain, t.some_reached,
        p.answered_us AS phone_us, p.answered_by AS phone, p.answer_hidden, p.source AS phone_source,
        l.answered_us AS line_us, l.source AS line_source,
        q.abandoned AS queue_abandoned, q.timed_out, coalesce(q.stays, 0) AS stays,
        c.caller_up_us IS NULL AND coalesce(NOT d.put_through, FALSE) AS refused,
        v.empty AS message_empty, v.certainty AS message_certainty,
        s.call_id IS NOT NULL AND c.direction <> 'outbound' AS answer_stated,
        -- who hangs up after all phones have failed (busy tone, announcement) was not waiting for one
        coalesce(t.legs, 0) = 0 OR coalesce(t.left_ringing, FALSE) OR w.call_id IS NOT NULL AS was_waiting
    FROM callers c
    LEFT JOIN tried t ON t.call_id = c.call_id
    LEFT JOIN phones p ON p.call_id = c.call_id
    LEFT JOIN lines l ON l.call_id = c.call_id
    LEFT JOIN queued q ON q.call_id = c.call_id
    LEFT JOIN dials d ON d.uid = c.uid
    LEFT JOIN voice v ON v.call_id = c.call_id
    LEFT JOIN stated s ON s.call_id = c.call_id
    LEFT JOIN waiting w ON w.call_id = c.call_id
),
judged AS (
    SELECT f.*,
        CASE
            WHEN direction = 'outbound' AND line_us IS NOT NULL THEN 'answered'
            WHEN direction <> 'outbound' AND phone_us IS NOT NULL THEN 'answered'
            WHEN direction <> 'outbound' AND line_us IS NOT NULL AND NOT refused THEN 'answered'
            WHEN voicemail_main THEN 'voicemail'
            WHEN message_empty IS NOT NULL AND NOT message_empty THEN 'voicemail'
            WHEN message_empty THEN 'abandoned'
            WHEN (caller_left AND was_waiting) OR (caller_left IS NULL AND queue_abandoned) THEN 'abandoned'
            WHEN ended_us IS NULL AND broken AND NOT has_cel THEN NULL
            WHEN coalesce(legs, 0) = 0 AND stays = 0 AND caller_left IS NULL AND cdr_status = 'ANSWERED' THEN 'abandoned'
            WHEN coalesce(legs, 0) = 0 AND stays > 0 AND caller_left IS NULL AND NOT coalesce(timed_out, FALSE) THEN 'abandoned'
            WHEN coalesce(legs, 0) = 0 AND stays = 0 AND (cdr_status IN ('FAILED', 'CONGESTION')
                OR dial_status IN ('CHANUNAVAIL', 'CONGESTION', 'INVALIDARGS') OR cause IN (1, 3, 20, 27, 28, 34, 38)) THEN 'failed'
            WHEN coalesce(legs, 0) = 0 AND stays = 0 AND caller_left IS NULL AND cdr_status = 'BUSY' THEN 'busy'
            WHEN all_busy THEN 'busy'
            WHEN all_unavailable THEN 'unavailable'
            WHEN left_ringing AND caller_left IS NULL THEN 'abandoned'
            ELSE 'unanswered'
        END AS outcome
    FROM facts f
)
SELECT call_id, direction,
    outcome,
    CASE
        WHEN outcome IS NULL THEN 'unknown'
        WHEN outcome = 'answered' AND direction = 'outbound' THEN
            CASE WHEN line_source = 'cdr' AND originated THEN 'estimated' ELSE 'certain' END
        WHEN outcome = 'answered' AND phone_us IS NULL THEN 'estimated'
        WHEN outcome = 'answered' THEN CASE WHEN broken THEN 'estimated' ELSE 'certain' END
        WHEN broken OR answer_stated OR elsewhere THEN 'estimated'
        WHEN message_empty IS NOT NULL THEN message_certainty
        WHEN outcome = 'voicemail' THEN 'certain'
        -- the PBX took the caller's channel up and nobody heard what it did with it
        WHEN caller_up_us IS NOT NULL AND NOT app_heard AND NOT has_cdr THEN 'estimated'
        -- a PBX that stops writes ABANDON too
        WHEN caller_left IS NULL THEN
            CASE WHEN outcome = 'failed' AND NOT has_ami AND NOT has_cel THEN 'certain' ELSE 'estimated' END
        WHEN ended_us IS NULL THEN 'estimated'
        WHEN caller_left AND NOT was_waiting THEN CASE WHEN outcome = 'busy' THEN 'certain' ELSE 'estimated' END
        WHEN outcome IN ('abandoned', 'failed') THEN 'certain'
        WHEN outcome = 'unanswered' AND (coalesce(all_certain, TRUE) OR some_reached) THEN 'certain'
        WHEN outcome = 'busy' THEN 'certain'
        WHEN outcome = 'unavailable' AND all_certain THEN 'certain'
        WHEN outcome = 'unanswered' AND NOT all_unavailable THEN 'estimated'
        ELSE 'estimated'
    END AS outcome_certainty,
    -- that nobody answered may be sure although how it ended is not: a live source was there all the time, or the
    -- call's finished records show no answered leg
    outcome <> 'answered' AND line_us IS NULL AND NOT broken AND NOT answer_stated AND NOT elsewhere
        AND (has_cel OR has_ami OR has_cdr) AS surely_unanswered,
    outcome = 'answered' AND direction <> 'outbound' AND phone_us IS NULL AS answered_outside,
    CASE WHEN outcome = 'answered' THEN CASE WHEN direction = 'outbound' THEN line_us ELSE coalesce(phone_us, line_us) END END AS answered_us,
    CASE WHEN outcome = 'answered' THEN CASE WHEN direction = 'outbound' THEN dialled ELSE phone END END AS answered_by,
    -- in click-to-call the CDR's answer is the employee's own phone (FACTS CDR 25)
    CASE WHEN direction = 'outbound' THEN originated AND line_source = 'cdr' ELSE coalesce(answer_hidden, FALSE) END AS answer_hidden
FROM judged
