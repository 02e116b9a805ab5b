-- What each PBX's live sources say at all in the calls of a day: an event that a configuration hides (eventfilter,
-- cel.conf events=) must not be taken for something that did not happen. A day, because a configuration changes, and so
-- that a day's rows depend on nothing but its own calls.
SELECT h.pbx, k.local_date,
    bool_or(source = 'ami' AND ((kind = 'Newstate' AND state = 5) OR (kind = 'DialState' AND status IN ('RINGING', 'PROGRESS')))) AS ami_rings,
    bool_or(source = 'ami' AND kind IN ('DialBegin', 'AgentCalled')) AS ami_dials,
    bool_or(source = 'ami' AND kind = 'Hangup') AS ami_ends,
    bool_or(source = 'ami' AND kind = 'HangupRequest') AS ami_leaves,
    bool_or(source = 'cel' AND kind = 'ANSWER') AS cel_answers,
    bool_or(source = 'cel' AND kind = 'HANGUP') AS cel_hangups
FROM heard h JOIN call_ids k ON k.uid = coalesce(h.uid, h.duid)
WHERE h.source IN ('ami', 'cel')
GROUP BY h.pbx, k.local_date
