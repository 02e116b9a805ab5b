-- What each PBX's live sources say at all: an event that a configuration hides (eventfilter, cel.conf events=) must not
-- be taken for something that did not happen.
SELECT pbx,
    bool_or(source = 'ami' AND ((kind = 'Newstate' AND state = 5) OR (kind = 'DialState' AND status IN ('RINGING', 'PROGRESS')))) AS ami_rings,
    bool_or(source = 'ami' AND kind IN ('DialBegin', 'AgentCalled')) AS ami_dials,
    bool_or(source = 'ami' AND kind = 'Hangup') AS ami_ends,
    bool_or(source = 'ami' AND kind = 'HangupRequest') AS ami_leaves,
    bool_or(source = 'cel' AND kind = 'ANSWER') AS cel_answers,
    bool_or(source = 'cel' AND kind = 'HANGUP') AS cel_hangups
FROM heard
WHERE source IN ('ami', 'cel')
GROUP BY pbx
