-- Every event once, with ids that are unique across PBXs (``pbx:uniqueid``) and instants as microseconds.
-- A CDR row without uniqueid (cdr.conf loguniqueid=no) is known by its channel's name and its call's first second.
SELECT
    e.pbx, e.source, kind, e.batch, e.line, connection, resolution_us, local_date,
    unix_micros(e.at) AS at_us,
    e.pbx || ':' || coalesce(nullif(uniqueid, ''),
        b.bare_id) AS uid,
    e.pbx || ':' || nullif(linkedid, '') AS lid,
    e.pbx || ':' || nullif(dest_uniqueid, '') AS duid,
    e.pbx || ':' || nullif(dest_linkedid, '') AS dlid,
    nullif(channel, '') AS channel,
    nullif(dest_channel, '') AS dest_channel,
    nullif(caller, '') AS caller, caller_class,
    nullif(exten, '') AS exten, exten_class,
    context, app, app_data, queue, member, state, status, cause, hangup_source, bridge,
    nullif(target_exten, '') AS target_exten, target_class,
    unix_micros(answered_at) AS answered_us,
    unix_micros(ended_at) AS ended_us,
    duration_us, billsec_us, sequence, ring_us, hold_us, talk_us,
    mailbox, msg_id, message_us, new_messages, withheld, reason
FROM events e
LEFT JOIN bare_ids b ON b.batch = e.batch AND b.line = e.line AND e.source = 'cdr'
