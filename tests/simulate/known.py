"""What the simulator does not write as Asterisk did, with the reason. Nothing else may differ, and this must.

A difference is told by recording, story, source, kind of row and column (``row``: one side has no such row).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KNOWN", "Known"]

PROMPTS = "what VoiceMailMain says to an employee is not simulated: nothing is computed from it"
SLOW = "a thread of that Asterisk got no processor for a quarter of a second"
LOST = "that Asterisk sent no AgentComplete, one of 18"
LEFT_FIRST = "two threads leave one bridge: the other order is as good"
MEDIA = "when the bridge goes back to simple_bridge is a matter of milliseconds"
REWRITTEN = "whether the first row has the new extension: the CDR of a feature-code transfer races with it"
WHO_ANSWERS = "the connected line may be told before the half of the Local channel rings, or after"
GONE = "the target had left the bridge when that Asterisk wrote the line"


class Known(NamedTuple):
    """One kind of difference in a story of a recording."""

    recording: str
    story: str
    source: str
    kind: str
    column: str


KNOWN: dict[Known, str] = {
    Known("a", "seq_nobody", "cel", "HANGUP", "time"): SLOW,
    Known("a", "seq_nobody", "cel", "CHAN_END", "time"): SLOW,
    Known("a", "seq_nobody", "ami", "Hangup", "time"): SLOW,
    Known("a", "queue_ringall", "ami", "AgentComplete", "row"): LOST,
    Known("a", "blind_transfer_no_answer", "cel", "BRIDGE_EXIT", "extra"): MEDIA,
    Known("autumn_night", "queue_local_rna_then_answer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("autumn_night", "blind_transfer_feature", "cdr", "row", "dcontext"): REWRITTEN,
    Known("autumn_night", "blind_transfer_feature", "cdr", "row", "dst"): REWRITTEN,
    Known("autumn_night", "attended_transfer_feature", "ami", "NewCallerid", "state"): WHO_ANSWERS,
    Known("autumn_night", "blind_transfer_refer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("breaks", "hotline_never_called_back", "cel", "APP_START", "time"): SLOW,
    Known("breaks", "hotline_never_called_back", "cel", "APP_END", "time"): SLOW,
    Known("breaks", "hotline_never_called_back", "cel", "STREAM_BEGIN", "time"): SLOW,
    Known("breaks", "hotline_never_called_back", "cel", "STREAM_END", "time"): SLOW,
    Known("breaks", "hotline_never_called_back", "ami", "Newexten", "time"): SLOW,
    Known("breaks", "queue_linear_third_waits", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("breaks", "blind_transfer_no_answer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("breaks", "blind_transfer_refer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("breaks", "blind_transfer_feature", "cdr", "row", "dcontext"): REWRITTEN,
    Known("breaks", "blind_transfer_feature", "cdr", "row", "dst"): REWRITTEN,
    Known("breaks", "attended_transfer_feature", "cel", "ATTENDEDTRANSFER", "extra"): GONE,
    Known("breaks", "attended_transfer_feature", "ami", "NewCallerid", "state"): WHO_ANSWERS,
    Known("c", "name_utf8", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("c", "forwarded_by_phone", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("c", "blind_transfer_no_answer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("c", "blind_transfer_refer", "cel", "BRIDGE_EXIT", "peer"): LEFT_FIRST,
    Known("c", "attended_transfer_feature", "cel", "ATTENDEDTRANSFER", "extra"): GONE,
    Known("c", "attended_transfer_feature", "ami", "NewCallerid", "state"): WHO_ANSWERS,
}
KNOWN |= {
    Known(recording, "hotline_staff_listens", "cel", kind, "row"): PROMPTS
    for recording in ("a", "autumn_night", "breaks", "c")
    for kind in ("STREAM_BEGIN", "STREAM_END")
}
