-- What became of each dialled phone or trunk: its outcome, how sure that is, and between which instants it alerted.
-- Hangup causes: 17 busy, 21 declined, 19 not available (480), 23 forwarded (302), 26 answered elsewhere, 0, 16 or
-- 127 the PBX's or the caller's doing (FACTS AMI).
WITH away AS (
    SELECT DISTINCT l.uid
    FROM legs_heard l
    JOIN callers c ON c.call_id = l.call_id
    JOIN feed_gaps g ON g.pbx = c.pbx AND g.from_us < coalesce(l.stopped_us, l.ended_us, g.to_us) AND g.to_us > l.tried_us
),
facts AS (
    SELECT l.*, c.ended_us AS call_ended_us, c.caller_left, coalesce(c.caller_left_us, c.ended_us) AS caller_left_us, c.direction,
        -- where AMI told that the caller hung up, and the phone's end, their order decides: a timeout may come moments before
        c.caller_left_us IS NOT NULL AND l.in_ami AS left_heard,
        -- let go with the caller: its cause may be another phone's, handed on through the caller's channel
        coalesce(c.caller_left, FALSE) AND l.resolution_us = 1 AND coalesce(l.dial_status, '') IN ('', 'CANCEL')
            AND coalesce(abs(l.stopped_us - coalesce(c.caller_left_us, c.ended_us)) <= 100000, FALSE) AS let_go, c.has_ami, c.has_cel, w.uid IS NOT NULL OR NOT coalesce(v.ami_rings AND v.ami_ends, FALSE) AS in_gap
    FROM legs_heard l
    JOIN callers c ON c.call_id = l.call_id
    LEFT JOIN away w ON w.uid = l.uid
    LEFT JOIN voices v ON v.pbx = c.pbx AND v.local_date = c.local_date
),
met AS (
    SELECT f.call_id, f.uid,
        min(a.at_us) FILTER (WHERE a.uid = f.uid AND NOT a.picked_up) AS own_answer_us,
        min(a.at_us) FILTER (WHERE a.uid = f.uid AND a.picked_up) AS pickup_us,
        min(a.at_us) FILTER (WHERE a.uid <> f.uid AND NOT a.answer_hidden AND a.at_us >= f.tried_us AND a.at_us >= f.stopped_us - 1000000 - f.resolution_us
            -- live sources: a loser is let go after the answer; whole seconds cannot tell before from after
            AND a.at_us <= f.stopped_us + CASE WHEN f.resolution_us > 1 THEN 2000000 ELSE 50000 END) AS other_answer_us
    FROM facts f LEFT JOIN answers a ON a.call_id = f.call_id
    GROUP BY f.call_id, f.uid
),
later AS (
    SELECT f.call_id, f.uid, bool_or(o.stopped_us > f.stopped_us + 1500000) AS went_on,
        bool_or(o.tried_us >= f.stopped_us - 1500000 AND o.tried_us <= f.stopped_us + 1500000 AND o.uid <> f.uid) AS next_at_once
    FROM facts f JOIN facts o ON o.call_id = f.call_id AND o.uid <> f.uid
    GROUP BY f.call_id, f.uid
),
forwards AS (
    SELECT r.call_id, r.at_us, split_part(r.app_data, ',', 1) AS targets
    FROM cdr_rows r WHERE r.dest_channel LIKE 'Local/%;1' AND r.app = 'Dial'
),
judged AS (
    SELECT f.*, m.own_answer_us, m.pickup_us, m.other_answer_us,
        f.in_ami AND NOT f.in_gap AS ring_heard,
        CASE
            WHEN m.pickup_us IS NOT NULL THEN 'answered_elsewhere'
            WHEN m.own_answer_us IS NOT NULL THEN 'answered'
            WHEN f.cause = 23 OR f.forward_exten IS NOT NULL THEN 'forwarded'
            WHEN (f.cause = 17 AND NOT f.let_go) OR f.dial_status = 'BUSY' THEN 'busy'
            WHEN f.cause = 21 AND NOT f.let_go THEN 'declined'
            WHEN NOT f.let_go AND f.cause IN (1, 3, 18, 19, 20, 22, 27, 28, 31, 34, 38, 41, 42, 44, 50, 58, 102) THEN 'unavailable'
            WHEN f.dial_status IN ('FAILED', 'CONGESTION', 'CHANUNAVAIL') THEN 'unavailable'
            WHEN f.source = 'cdr' AND EXISTS (SELECT 1 FROM forwards w WHERE w.call_id = f.call_id
                AND abs(w.at_us - f.stopped_us) <= 1000000 AND contains('&' || w.targets || '&', '/' || f.endpoint || '&')
                AND f.stopped_us - f.tried_us <= 2000000) THEN 'forwarded'
            WHEN f.stopped_us IS NULL THEN 'unknown'
            WHEN m.other_answer_us IS NOT NULL AND NOT (f.source = 'cdr' AND f.stopped_us - f.tried_us <= 1000000)
                AND NOT (f.source = 'cdr' AND f.timeout_us IS NOT NULL AND f.stopped_us - f.tried_us >= f.timeout_us)
                THEN 'answered_elsewhere'
            -- nobody heard it alert, in a feed that would have: it never reacted (FACTS CDR 9)
            WHEN f.in_ami AND NOT f.in_gap AND f.ringing_us IS NULL AND f.progress_us IS NULL
                AND f.stopped_us - f.tried_us > 2000000 THEN 'unavailable'
            WHEN (f.caller_left OR (f.caller_left IS NULL AND f.source <> 'cdr' AND f.dial_status = 'CANCEL'))
                AND abs(f.call_ended_us - f.stopped_us) <= 1000000
                AND (f.resolution_us > 1 OR f.caller_left_us <= f.stopped_us + CASE WHEN f.left_heard THEN 0 ELSE 100000 END) THEN 'abandoned'
            WHEN f.source <> 'cdr' THEN 'no_answer'
            WHEN f.timeout_us IS NOT NULL AND f.stopped_us - f.tried_us >= f.timeout_us - 1000000 THEN 'no_answer'
            WHEN f.stopped_us - f.tried_us > 1000000 AND abs(f.stopped_us - f.queue_end_us) <= 2000000 THEN 'no_answer'
            WHEN f.queue IS NOT NULL AND f.stopped_us - f.tried_us <= 1000000 AND coalesce(n.went_on, FALSE) THEN 'busy'
            WHEN f.timeout_us IS NOT NULL AND (coalesce(n.next_at_once, FALSE) OR coalesce(n.went_on, FALSE)) AND f.stopped_us - f.tried_us <= 1000000 THEN 'unavailable'
            WHEN ((f.timeout_us IS NOT NULL AND f.channel_is_caller) OR f.stopped_us - f.tried_us < 5000000)
                AND (coalesce(n.next_at_once, FALSE) OR coalesce(n.went_on, FALSE)) THEN 'declined'
            WHEN abs(f.call_ended_us - f.stopped_us) <= 1000000 AND f.queue IS NULL THEN 'abandoned'
            WHEN abs(f.call_ended_us - f.stopped_us) <= 1000000 AND NOT EXISTS
                (SELECT 1 FROM facts o WHERE o.call_id = f.call_id AND o.queue = f.queue AND o.tried_us < f.tried_us - 1000000) THEN 'abandoned'
            WHEN f.queue IS NOT NULL AND NOT coalesce(n.next_at_once, FALSE) AND abs(f.call_ended_us - f.stopped_us) <= 1000000 THEN 'abandoned'
            ELSE 'no_answer'
        END AS outcome
    FROM facts f
    JOIN met m ON m.uid = f.uid
    LEFT JOIN later n ON n.uid = f.uid
),
timed AS (
    SELECT j.*,
        coalesce(own_answer_us, CASE WHEN outcome = 'answered_elsewhere' THEN least(coalesce(pickup_us, other_answer_us), stopped_us) END, stopped_us) AS until_us,
        CASE
            WHEN ringing_us IS NOT NULL THEN ringing_us
            WHEN progress_us IS NOT NULL THEN progress_us
            WHEN ring_heard THEN NULL
            WHEN outcome IN ('busy', 'forwarded') THEN NULL
            ELSE tried_us
        END AS alert_us
    FROM judged j
)
SELECT call_id, uid, channel, regexp_extract(channel, '-([0-9a-f]+)$', 1) AS channel_number,
    endpoint, kind, direction, source, resolution_us, queue,
    tried_us, ringing_us, progress_us, alert_us, until_us, own_answer_us, pickup_us, stopped_us, ended_us, outcome, answer_hidden, answer_doubtful,
    in_ami, in_cel, ring_heard, in_gap,
    CASE
        WHEN ringing_us IS NOT NULL THEN 'ami'
        WHEN progress_us IS NOT NULL THEN 'ami_183'
        WHEN ring_heard THEN 'ami'
        ELSE source
    END AS ring_source,
    CASE
        WHEN outcome = 'unknown' THEN 'unknown'
        -- nothing told who hung up: given up or timed out
        WHEN outcome IN ('abandoned', 'no_answer') AND caller_left IS NULL AND abs(call_ended_us - stopped_us) <= 1000000 THEN 'estimated'
        WHEN ring_heard THEN 'certain'
        WHEN source IN ('ami', 'cel') AND (in_cel OR NOT in_gap) AND outcome IN ('answered', 'busy', 'declined', 'forwarded') THEN 'certain'
        WHEN pickup_us IS NOT NULL AND source <> 'cdr' THEN 'certain'
        ELSE 'estimated'
    END AS certainty
FROM timed
UNION ALL
SELECT u.call_id, u.uid, CAST(NULL AS STRING), '', u.endpoint, 'phone', c.direction, u.source,
    CASE u.source WHEN 'cdr' THEN 1000000 ELSE 1 END, CAST(NULL AS STRING),
    u.tried_us, NULL, NULL, NULL, u.tried_us, NULL, NULL, u.tried_us, u.tried_us, 'unavailable', FALSE, FALSE,
    u.source = 'ami', u.source = 'cel', TRUE, FALSE, u.source,
    CASE WHEN u.source = 'ami' AND u.alone THEN 'certain' ELSE 'estimated' END
FROM unreachable u JOIN callers c ON c.call_id = u.call_id
