-- Every event once, with ids that are unique across PBXs (``pbx:uniqueid``) and instants as microseconds.
-- A CDR row without uniqueid (cdr.conf loguniqueid=no) is known by its channel's name and day.
SELECT
    pbx, source, kind, batch, line, connection, resolution_us, local_date,
    unix_micros(events.at) AS at_us,
    pbx || ':' || coalesce(nullif(uniqueid, ''),
        CASE WHEN source = 'cdr' THEN channel || '@' || CAST(local_date AS STRING) END) AS uid,
    pbx || ':' || nullif(linkedid, '') AS lid,
    pbx || ':' || nullif(dest_uniqueid, '') AS duid,
    pbx || ':' || nullif(dest_linkedid, '') AS dlid,
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
FROM events
