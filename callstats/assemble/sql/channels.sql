-- One row per channel with what AMI and CEL state of it; the best source's value stands in the unprefixed column.
-- ``called``: somebody dialled this channel (a phone or a trunk), it did not start the call.
WITH seen AS (
    SELECT h.*, c.call_id, c.local_date AS call_date,
        -- at one instant the line written first counts
        row_number() OVER (PARTITION BY h.source, h.uid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS turn
    FROM heard h JOIN call_ids c ON c.uid = h.uid
    WHERE h.source IN ('ami', 'cel')
),
ami AS (
    SELECT uid, max(call_id) AS call_id,
        min_by(channel, turn) FILTER (WHERE channel IS NOT NULL) AS channel,
        min(at_us) FILTER (WHERE kind = 'Newchannel') AS created_us,
        min(at_us) FILTER (WHERE kind = 'Newstate' AND state = 5) AS ringing_us,
        min(at_us) FILTER (WHERE kind IN ('Newstate', 'Newchannel') AND state = 6) AS up_us,
        min(at_us) FILTER (WHERE kind = 'Hangup') AS ended_us,
        min_by(cause, turn) FILTER (WHERE kind = 'Hangup' AND cause IS NOT NULL) AS cause,
        min(at_us) FILTER (WHERE kind = 'HangupRequest') AS left_us,
        min_by(exten, turn) FILTER (WHERE exten IS NOT NULL AND exten_class <> 'label') AS any_exten,
        min_by(exten_class, turn) FILTER (WHERE exten IS NOT NULL AND exten_class <> 'label' AND exten_class IS NOT NULL) AS any_exten_class,
        min_by(exten, turn) FILTER (WHERE kind = 'Newchannel' AND exten IS NOT NULL) AS exten,
        min_by(exten_class, turn) FILTER (WHERE kind = 'Newchannel' AND exten IS NOT NULL AND exten_class IS NOT NULL) AS exten_class,
        min_by(exten, turn) FILTER (WHERE kind = 'Newexten' AND app = 'Dial' AND exten IS NOT NULL) AS dial_exten,
        min_by(exten_class, turn) FILTER (WHERE kind = 'Newexten' AND app = 'Dial' AND exten_class IS NOT NULL) AS dial_exten_class,
        min_by(caller, turn) FILTER (WHERE caller IS NOT NULL AND caller_class NOT IN ('empty', 'label')) AS caller,
        min_by(caller_class, turn) FILTER (WHERE caller IS NOT NULL AND caller_class NOT IN ('empty', 'label') AND caller_class IS NOT NULL) AS caller_class,
        min(at_us) FILTER (WHERE kind = 'Newexten' AND app IN ('BackGround', 'Background', 'WaitExten', 'Read')) AS menu_us,
        min(at_us) FILTER (WHERE kind = 'Newexten' AND app IN ('VoiceMail', 'Voicemail')) AS voicemail_us,
        bool_or(kind = 'Newexten' AND app = 'VoiceMailMain') AS voicemail_main,
        -- what the dialplan did with the channel was heard; a conference, a fax, a parking lot are no department's phones
        bool_or(kind = 'Newexten' AND app NOT LIKE 'AppDial%' AND app <> 'AppQueue') AS app_heard,
        bool_or(kind = 'Newexten' AND app IN ('ConfBridge', 'MeetMe', 'ReceiveFAX', 'ReceiveFax', 'RxFAX', 'Park', 'ParkedCall', 'ParkAndAnnounce', 'Page')) AS elsewhere,
        bool_or(withheld) AS withheld,
        min(at_us) AS first_us,
        max(at_us) AS last_us
    FROM seen WHERE source = 'ami' GROUP BY uid
),
dialled AS (
    SELECT h.*, row_number() OVER (PARTITION BY h.duid ORDER BY h.at_us ASC NULLS LAST, h.line ASC NULLS LAST, h.batch ASC NULLS LAST) AS turn
    FROM heard h
    WHERE source = 'ami' AND duid IS NOT NULL AND kind IN ('DialBegin', 'AgentCalled', 'DialState', 'DialEnd')
),
offered AS (
    SELECT duid AS uid,
        min(at_us) FILTER (WHERE kind IN ('DialBegin', 'AgentCalled')) AS offered_us,
        min(at_us) FILTER (WHERE kind = 'DialState' AND status = 'RINGING') AS ringing_us,
        min(at_us) FILTER (WHERE kind = 'DialState' AND status = 'PROGRESS') AS progress_us,
        min(at_us) FILTER (WHERE kind = 'DialEnd') AS dial_end_us,
        min_by(status, turn) FILTER (WHERE kind = 'DialEnd' AND status IS NOT NULL) AS dial_status,
        bool_or(kind = 'DialBegin' AND uid IS NULL) AS originated,
        min(at_us) FILTER (WHERE kind = 'DialEnd' AND status = 'ANSWER') AS put_through_us,
        max(queue) FILTER (WHERE kind = 'AgentCalled') AS queue,
        max(target_exten) FILTER (WHERE kind = 'DialEnd') AS forward_exten,
        max(dest_channel) AS channel
    FROM dialled
    GROUP BY duid
),
originate AS (
    SELECT DISTINCT uid FROM heard WHERE source = 'ami' AND kind = 'OriginateResponse' AND uid IS NOT NULL
),
cel AS (
    SELECT uid, max(call_id) AS call_id,
        min_by(channel, turn) FILTER (WHERE channel IS NOT NULL) AS channel,
        min_by(lid, turn) FILTER (WHERE lid IS NOT NULL) AS first_lid,
        min(at_us) FILTER (WHERE kind = 'CHAN_START') AS created_us,
        min(at_us) FILTER (WHERE kind = 'ANSWER') AS up_us,
        coalesce(min(at_us) FILTER (WHERE kind = 'CHAN_END'), min(at_us) FILTER (WHERE kind = 'HANGUP')) AS ended_us,
        min_by(cause, turn) FILTER (WHERE kind = 'HANGUP' AND cause IS NOT NULL) AS cause,
        min_by(hangup_source, turn) FILTER (WHERE kind = 'HANGUP' AND hangup_source IS NOT NULL) AS hangup_source,
        min_by(status, turn) FILTER (WHERE kind = 'HANGUP' AND status IS NOT NULL) AS dial_status,
        min_by(exten, turn) FILTER (WHERE kind = 'CHAN_START' AND exten IS NOT NULL) AS exten,
        min_by(exten_class, turn) FILTER (WHERE kind = 'CHAN_START' AND exten IS NOT NULL AND exten_class IS NOT NULL) AS exten_class,
        min_by(exten, turn) FILTER (WHERE kind = 'APP_START' AND app = 'Dial' AND exten IS NOT NULL) AS dial_exten,
        min_by(exten_class, turn) FILTER (WHERE kind = 'APP_START' AND app = 'Dial' AND exten_class IS NOT NULL) AS dial_exten_class,
        min_by(caller, turn) FILTER (WHERE caller IS NOT NULL) AS caller,
        min_by(caller_class, turn) FILTER (WHERE caller IS NOT NULL AND caller_class IS NOT NULL) AS caller_class,
        bool_or(app IN ('AppDial', 'AppQueue')) AS app_dial,
        bool_or(app = 'AppDial2') AS app_originate,
        min(at_us) FILTER (WHERE kind = 'APP_START' AND app IN ('BackGround', 'Background', 'WaitExten', 'Read')) AS menu_us,
        min(at_us) FILTER (WHERE kind = 'APP_START' AND app IN ('VoiceMail', 'Voicemail')) AS voicemail_us,
        bool_or(kind = 'APP_START' AND app = 'VoiceMailMain') AS voicemail_main,
        bool_or(kind = 'APP_START') AS app_heard,
        bool_or(app IN ('ConfBridge', 'MeetMe', 'ReceiveFAX', 'ReceiveFax', 'RxFAX', 'Park', 'ParkedCall', 'ParkAndAnnounce', 'Page') OR kind LIKE 'CONF%' OR kind LIKE 'PARK%') AS elsewhere,
        bool_or(withheld) AS withheld,
        min(at_us) AS first_us,
        max(at_us) AS last_us
    FROM seen WHERE source = 'cel' GROUP BY uid
),
ids AS (
    SELECT uid FROM ami UNION SELECT uid FROM offered UNION SELECT uid FROM cel
),
told AS (
SELECT
    i.uid, k.call_id, k.local_date,
    coalesce(a.channel, o.channel, c.channel) AS channel,
    coalesce(a.created_us, c.created_us, o.offered_us, k.epoch_us, a.first_us, c.first_us) AS created_us,
    a.created_us IS NOT NULL AND a.ended_us IS NOT NULL AS ami_whole,
    a.uid IS NOT NULL AND a.ended_us IS NOT NULL AS ami_ended,
    c.created_us IS NOT NULL AND c.ended_us IS NOT NULL AS cel_whole,
    coalesce(a.app_heard, FALSE) OR coalesce(c.app_heard, FALSE) AS app_heard,
    coalesce(a.elsewhere, FALSE) OR coalesce(c.elsewhere, FALSE) AS elsewhere,
    coalesce(o.offered_us, a.created_us) AS ami_tried_us,
    c.created_us AS cel_tried_us,
    least(a.ringing_us, o.ringing_us) AS ringing_us,
    o.progress_us,
    coalesce(a.up_us, o.put_through_us, c.up_us) AS up_us,
    a.up_us AS ami_up_us, c.up_us AS cel_up_us,
    coalesce(least(a.ended_us, o.dial_end_us), c.ended_us) AS stopped_us,
    coalesce(a.ended_us, c.ended_us) AS ended_us,
    a.ended_us AS ami_ended_us, c.ended_us AS cel_ended_us,
    coalesce(a.cause, c.cause) AS cause,
    a.left_us,
    c.hangup_source,
    o.dial_status, c.dial_status AS cel_dial_status,
    o.queue AS offered_queue, o.forward_exten,
    coalesce(a.exten, c.exten, CASE WHEN a.created_us IS NULL THEN a.any_exten END) AS exten,
    coalesce(a.exten_class, c.exten_class, CASE WHEN a.created_us IS NULL THEN a.any_exten_class END) AS exten_class,
    coalesce(a.dial_exten, c.dial_exten) AS dial_exten,
    coalesce(a.dial_exten_class, c.dial_exten_class) AS dial_exten_class,
    coalesce(a.caller, c.caller) AS caller,
    coalesce(a.caller_class, c.caller_class) AS caller_class,
    coalesce(a.withheld, c.withheld) AS withheld,
    least(a.menu_us, c.menu_us) AS menu_us,
    coalesce(a.voicemail_us, c.voicemail_us) AS voicemail_us,
    coalesce(a.voicemail_main, FALSE) OR coalesce(c.voicemail_main, FALSE) AS voicemail_main,
    coalesce(o.originated, FALSE) OR coalesce(c.app_originate, FALSE) OR g.uid IS NOT NULL AS by_pbx,
    (o.uid IS NOT NULL AND NOT coalesce(o.originated, FALSE)) OR coalesce(c.app_dial, FALSE) AND NOT coalesce(p.picked, FALSE)
        OR (coalesce(c.first_lid, i.uid) <> i.uid AND coalesce(c.first_us, 0) > 0) AS called,
    coalesce(p.picked, FALSE) AS picker,
    a.uid IS NOT NULL OR o.uid IS NOT NULL AS in_ami,
    c.uid IS NOT NULL AS in_cel,
    coalesce(greatest(a.last_us, c.last_us), a.last_us, c.last_us) AS last_us
FROM ids i
JOIN call_ids k ON k.uid = i.uid
LEFT JOIN ami a ON a.uid = i.uid
LEFT JOIN offered o ON o.uid = i.uid
LEFT JOIN cel c ON c.uid = i.uid
LEFT JOIN originate g ON g.uid = i.uid
LEFT JOIN (
    SELECT DISTINCT CASE WHEN source = 'cel' THEN duid ELSE uid END AS uid, TRUE AS picked
    FROM heard WHERE kind IN ('PICKUP', 'Pickup')
) p ON p.uid = i.uid
),
-- click-to-call through a Local channel: the PBX made the call, and the first phone (or line) that came up is its caller
placed AS (
    SELECT t.uid,
        row_number() OVER (PARTITION BY t.call_id ORDER BY t.up_us ASC NULLS LAST, t.created_us ASC NULLS LAST, t.uid ASC NULLS LAST) AS n
    FROM told t
    JOIN told r ON r.call_id = t.call_id AND r.uid = r.call_id AND r.channel LIKE 'Local/%'
    WHERE t.channel NOT LIKE 'Local/%'
)
SELECT t.*, t.by_pbx OR p.uid IS NOT NULL AS originated, p.uid IS NOT NULL AS placed
FROM told t LEFT JOIN placed p ON p.uid = t.uid AND p.n = 1
