-- Transfers that the PBX told of: when, and of which kind.
SELECT DISTINCT k.call_id, h.at_us,
    CASE WHEN h.kind IN ('BlindTransfer', 'BLINDTRANSFER') OR (h.kind = 'Transfer' AND h.status = 'Blind')
        THEN 'blind_transfer' ELSE 'attended_transfer' END AS kind
FROM heard h JOIN call_ids k ON k.uid = h.uid
WHERE (h.kind IN ('BlindTransfer', 'BLINDTRANSFER', 'AttendedTransfer', 'ATTENDEDTRANSFER')
    AND coalesce(h.status, 'Success') = 'Success')
    OR (h.kind = 'Transfer' AND h.source = 'ami')
