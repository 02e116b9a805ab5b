-- The caller's side of each call: who called, what was dialled, when it began and ended, who hung up, and which
-- sources saw it. The caller's channel is the one that gave the call its id; in click-to-call (FACTS CDR 25) it is
-- the employee's own phone, and what it dials is the client.
WITH call_list AS (
    SELECT k.call_id, min(k.local_date) AS local_date, min(h.pbx) AS pbx,
        bool_or(h.source = 'ami') AS has_ami,
        bool_or(h.source = 'cel') AS has_cel,
        bool_or(h.source = 'queue_log') AS has_queue_log,
        bool_or(h.kind IN ('QueueCallerJoin', 'AgentConnect')) AS has_queue_events,
        bool_or(h.source = 'cdr') AS has_cdr,
        min(h.at_us) FILTER (WHERE h.source <> 'cdr') AS first_us,
        max(h.at_us) AS last_us,
        bool_or(coalesce(h.withheld, FALSE)) AS withheld
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.kind NOT IN ('DeviceStateChange', 'ContactStatus', 'ExtensionStatus')
    GROUP BY k.call_id
),
first_channel AS (
    SELECT c.*, CASE WHEN n.named AND c.caller_class = 'extension' THEN c.caller ELSE n.endpoint END AS endpoint, n.kind AS channel_kind,
        row_number() OVER (
            PARTITION BY c.call_id
            ORDER BY CASE WHEN c.placed THEN 0 WHEN c.uid = c.call_id THEN 1 ELSE 2 END ASC NULLS LAST,
                CASE WHEN c.called THEN 1 ELSE 0 END ASC NULLS LAST, c.created_us ASC NULLS LAST, c.uid ASC NULLS LAST) AS n
    FROM channels c LEFT JOIN names n ON n.call_id = c.call_id AND n.channel = c.channel
),
cdr_first AS (
    SELECT r.*, CASE WHEN n.named AND r.caller_class = 'extension' THEN r.caller ELSE n.endpoint END AS endpoint, n.kind AS channel_kind,
        row_number() OVER (
            PARTITION BY r.call_id
            ORDER BY CASE WHEN r.uid = r.call_id THEN 0 ELSE 1 END ASC NULLS LAST, r.at_us ASC NULLS LAST,
                CASE WHEN r.dest_channel IS NULL THEN 1 ELSE 0 END ASC NULLS LAST, r.sequence ASC NULLS LAST,
                r.uid ASC NULLS LAST, r.channel ASC NULLS LAST, r.dest_channel ASC NULLS LAST, r.ended_us ASC NULLS LAST, r.status ASC NULLS LAST) AS n
    FROM cdr_rows r LEFT JOIN names n ON n.call_id = r.call_id AND n.channel = r.channel
),
cdr_span AS (
    SELECT call_id, max(ended_us) AS ended_us, min(at_us) AS at_us,
        bool_or(app IN ('VoiceMail', 'Voicemail')) AS voicemail,
        bool_or(app = 'VoiceMailMain') AS voicemail_main,
        min(at_us) FILTER (WHERE app IN ('VoiceMail', 'Voicemail')) AS voicemail_us,
        bool_or(app IN ('ConfBridge', 'MeetMe', 'ReceiveFAX', 'ReceiveFax', 'RxFAX', 'Park', 'ParkedCall', 'ParkAndAnnounce', 'Page')) AS elsewhere,
        bool_or(app <> '') AS app_known
    FROM cdr_rows GROUP BY call_id
),
elsewhere_too AS (
    SELECT call_id, bool_or(elsewhere) AS elsewhere FROM channels GROUP BY call_id
),
let_go AS (
    SELECT f.call_id
    FROM first_channel f
    JOIN channels c ON c.call_id = f.call_id AND c.called AND c.dial_status IN ('CANCEL', 'NOANSWER') AND c.up_us IS NULL
        AND abs(f.ended_us - c.stopped_us) <= 100000
    WHERE f.n = 1 AND f.left_us IS NULL
    GROUP BY f.call_id
    -- a queue that gives up behind Local channels tells its own dial NOANSWER, the phone's CANCEL
    HAVING bool_and(c.dial_status = 'CANCEL')
),
-- whom click-to-call dialled after the employee's own phone, as the number that channel shows
called_first AS (
    SELECT call_id, caller AS exten, caller_class AS exten_class,
        row_number() OVER (PARTITION BY call_id ORDER BY created_us ASC NULLS LAST, uid ASC NULLS LAST) AS n
    FROM channels
    WHERE called AND NOT originated AND channel NOT LIKE 'Local/%' AND caller IS NOT NULL AND caller_class NOT IN ('empty', 'label')
),
-- calls in which an outside line was dialled
line_used AS (
    SELECT c.call_id FROM channels c JOIN names n ON n.call_id = c.call_id AND n.channel = c.channel WHERE c.called AND n.kind = 'trunk'
    UNION
    SELECT r.call_id FROM cdr_rows r JOIN names n ON n.call_id = r.call_id AND n.channel = r.dest_channel WHERE n.kind = 'trunk'
),
queue_first AS (
    SELECT k.call_id, h.caller, h.caller_class,
        row_number() OVER (PARTITION BY k.call_id ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS n
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.source = 'queue_log' AND h.kind = 'ENTERQUEUE' AND h.caller IS NOT NULL
),
queue_span AS (
    SELECT k.call_id, min(h.at_us - coalesce(h.ring_us, 0)) AS began_us,
        max(h.at_us) FILTER (WHERE h.kind IN ('COMPLETEAGENT', 'COMPLETECALLER', 'ABANDON', 'TRANSFER', 'BLINDTRANSFER', 'ATTENDEDTRANSFER')) AS ended_us
    FROM heard h JOIN call_ids k ON k.uid = h.uid
    WHERE h.source = 'queue_log'
    GROUP BY k.call_id
),
gap AS (
    SELECT f.call_id, bool_or(g.from_us < coalesce(f.ended_us, g.to_us) AND g.to_us > f.created_us) AS in_gap
    FROM first_channel f JOIN call_list l ON l.call_id = f.call_id
    JOIN feed_gaps g ON g.pbx = l.pbx
    WHERE f.n = 1 GROUP BY f.call_id
),
joined AS (
    SELECT l.call_id, l.pbx, l.local_date, l.has_ami, l.has_cel, l.has_queue_log, l.has_queue_events, l.has_cdr, l.withheld,
        coalesce(p.in_gap, FALSE) AS in_gap,
        f.uid AS uid,
        coalesce(f.channel, r.channel) AS channel,
        coalesce(f.endpoint, r.endpoint) AS endpoint,
        coalesce(f.channel_kind, r.channel_kind) AS channel_kind,
        -- click-to-call: told by AMI or CEL; in the CDR a phone's row whose source is no extension and equals the target
        CASE WHEN f.uid IS NOT NULL THEN f.originated
            ELSE coalesce(r.channel_kind = 'phone' AND r.caller = r.exten AND r.caller_class <> 'extension', FALSE)
            END AS originated,
        coalesce(f.created_us, s.at_us, l.first_us) AS started_us,
        CASE WHEN f.uid IS NOT NULL THEN coalesce(f.ended_us, s.ended_us) ELSE coalesce(s.ended_us, z.ended_us) END AS ended_us,
        CASE WHEN f.uid IS NOT NULL THEN 1 ELSE 1000000 END AS resolution_us,
        CASE WHEN f.caller_class IN ('empty', 'label') THEN NULL ELSE f.caller END AS live_caller,
        CASE WHEN f.caller_class IN ('empty', 'label') THEN NULL ELSE f.caller_class END AS live_caller_class,
        r.caller AS cdr_caller, r.caller_class AS cdr_caller_class,
        q.caller AS queue_caller, q.caller_class AS queue_caller_class,
        f.exten, f.exten_class,
        CASE WHEN f.dial_exten_class <> 'label' THEN f.dial_exten ELSE t.exten END AS dial_exten,
        CASE WHEN f.dial_exten_class <> 'label' THEN f.dial_exten_class ELSE t.exten_class END AS dial_exten_class,
        r.exten AS cdr_exten, r.exten_class AS cdr_exten_class,
        CASE
            WHEN f.left_us IS NOT NULL THEN TRUE
            WHEN f.hangup_source IS NOT NULL AND f.hangup_source <> '' THEN f.hangup_source = f.channel
            -- AMI lost the line that tells who hung up: the phones were let go because the caller went
            WHEN x.call_id IS NOT NULL AND f.hangup_source IS NULL THEN NULL
            WHEN f.ended_us IS NOT NULL AND ((f.ami_ended AND v.ami_leaves) OR (f.in_cel AND v.cel_hangups)) THEN FALSE
        END AS caller_left,
        f.up_us AS caller_up_us,
        f.left_us AS caller_left_us,
        coalesce(f.app_heard, FALSE) AS app_heard,
        coalesce(e.elsewhere, FALSE) OR coalesce(s.elsewhere, FALSE) AS elsewhere,
        -- heard by a live source from beginning to end: only then is what nobody said something that did not happen
        (l.has_ami OR l.has_cel) AND NOT coalesce((f.cel_whole AND v.cel_answers AND v.cel_hangups)
            OR (f.ami_whole AND v.ami_dials AND v.ami_ends AND NOT coalesce(p.in_gap, FALSE)), FALSE) AS broken,
        u.call_id IS NOT NULL AS went_out,
        f.cause, coalesce(f.cel_dial_status, f.dial_status) AS dial_status, r.status AS cdr_status,
        f.menu_us,
        coalesce(f.uid IS NULL AND r.exten_class = 'label', FALSE) AS cdr_menu,
        coalesce(f.voicemail_us, s.voicemail_us) AS voicemail_us,
        coalesce(f.voicemail_main, FALSE) OR coalesce(s.voicemail_main, FALSE) AS voicemail_main
    FROM call_list l
    LEFT JOIN first_channel f ON f.call_id = l.call_id AND f.n = 1
    LEFT JOIN cdr_first r ON r.call_id = l.call_id AND r.n = 1
    LEFT JOIN cdr_span s ON s.call_id = l.call_id
    LEFT JOIN queue_first q ON q.call_id = l.call_id AND q.n = 1
    LEFT JOIN called_first t ON t.call_id = l.call_id AND t.n = 1
    LEFT JOIN line_used u ON u.call_id = l.call_id
    LEFT JOIN gap p ON p.call_id = l.call_id
    LEFT JOIN elsewhere_too e ON e.call_id = l.call_id
    LEFT JOIN let_go x ON x.call_id = l.call_id
    LEFT JOIN voices v ON v.pbx = l.pbx AND v.local_date = l.local_date
    LEFT JOIN queue_span z ON z.call_id = l.call_id
),
named AS (
    SELECT j.*,
        CASE
            WHEN channel_kind = 'phone' THEN endpoint
            WHEN withheld OR coalesce(live_caller_class, cdr_caller_class, queue_caller_class) = 'anonymous' THEN 'anonymous'
            ELSE coalesce(live_caller, cdr_caller, queue_caller)
        END AS caller,
        CASE
            WHEN channel_kind = 'phone' THEN 'extension'
            WHEN withheld OR coalesce(live_caller_class, cdr_caller_class, queue_caller_class) = 'anonymous' THEN 'anonymous'
            ELSE coalesce(live_caller_class, cdr_caller_class, queue_caller_class)
        END AS caller_class,
        -- A CDR's destination is rewritten by menus and transfers (FACTS CDR 13, 14): for a call from outside only a
        -- number that outsiders can dial is believed.
        CASE
            WHEN originated THEN coalesce(dial_exten, cdr_exten)
            WHEN exten IS NOT NULL AND exten_class <> 'label' THEN exten
            WHEN uid IS NOT NULL AND channel_kind = 'phone' AND exten_class = 'label' THEN dial_exten
            WHEN uid IS NULL AND channel_kind = 'phone' AND cdr_exten_class <> 'label' THEN cdr_exten
            WHEN uid IS NULL AND cdr_exten_class NOT IN ('label', 'extension') THEN cdr_exten
        END AS dialled,
        CASE
            WHEN originated THEN coalesce(dial_exten_class, cdr_exten_class)
            WHEN exten IS NOT NULL AND exten_class <> 'label' THEN exten_class
            WHEN uid IS NOT NULL AND channel_kind = 'phone' AND exten_class = 'label' THEN dial_exten_class
            WHEN uid IS NULL AND channel_kind = 'phone' AND cdr_exten_class <> 'label' THEN cdr_exten_class
            WHEN uid IS NULL AND cdr_exten_class NOT IN ('label', 'extension') THEN cdr_exten_class
        END AS dialled_class
    FROM joined j
)
SELECT call_id, pbx, local_date, has_ami, has_cel, has_queue_log, has_cdr, in_gap, uid, channel, endpoint, channel_kind,
    originated, started_us, ended_us, resolution_us, caller, caller_class, dialled, dialled_class, caller_left,
    caller_up_us, caller_left_us, app_heard, elsewhere, broken, went_out, cause, dial_status, cdr_status, menu_us, cdr_menu, voicemail_us, voicemail_main,
    CASE
        WHEN channel_kind = 'phone' AND dialled_class IN ('extension', 'own', 'service', 'label', 'empty') THEN 'internal'
        WHEN channel_kind = 'phone' AND dialled IS NULL THEN 'internal'
        -- a number of no known form: outside if it went out, unless it is too short to be one (a group, a code)
        WHEN channel_kind = 'phone' AND dialled_class = 'unparsed'
            AND (length(dialled) < 5 OR NOT went_out) THEN 'internal'
        WHEN channel_kind = 'phone' THEN 'outbound'
        WHEN channel_kind IS NULL AND caller_class = 'extension' THEN 'internal'
        ELSE 'inbound'
    END AS direction
FROM named
WHERE channel_kind IS NOT NULL OR has_queue_log OR has_queue_events
