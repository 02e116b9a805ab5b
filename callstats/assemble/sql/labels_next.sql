-- One round of label spreading: an id takes the earliest label among its neighbours. Repeated until nothing changes.
SELECT e.a AS uid, least(min(own.label), min(other.label)) AS label
FROM edges e
JOIN labels own ON own.uid = e.a
JOIN labels other ON other.uid = e.b
GROUP BY e.a
