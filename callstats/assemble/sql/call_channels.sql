-- Which ids belong to which call.
SELECT k.call_id, k.uid AS uniqueid, k.local_date
FROM call_ids k JOIN callers c ON c.call_id = k.call_id
