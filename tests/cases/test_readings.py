"""What the cases taught, told in calls of our own: these need nothing beside the project."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from callstats.settings import Settings
from tests.cases import write
from tests.cases.tables import Told, told

SITE = Settings(
    timezone="UTC",
    data=Path("data"),
    trunks=("public",),
    departments=[  # type: ignore[arg-type]
        {"id": "social", "extensions": ["201", "202"], "queues": ["q-social"]},
        {"id": "finance", "extensions": ["301"]},
    ],
)
ID = "1700000000."


def read(dialect: str, data: bytes) -> Told:
    return told(SITE, {"pbx": {dialect: data}})["pbx"]


def queue_log(*lines: str) -> Told:
    return read("queue_log", "".join(f"{line}\n" for line in lines).encode())


def new(uid: int, channel: str, caller: str = "", exten: str = "s", linked: int = 1) -> dict[str, Any]:
    return {
        "Event": "Newchannel", "Uniqueid": f"{ID}{uid}", "Linkedid": f"{ID}{linked}", "ChannelState": "0",
        "Channel": f"{channel}-0000000{uid}", "CallerIDNum": caller, "Exten": exten, "Context": "in",
    }  # fmt: skip


def state(uid: int, to: int) -> dict[str, Any]:
    return {"Event": "Newstate", "Uniqueid": f"{ID}{uid}", "Linkedid": f"{ID}1", "ChannelState": str(to)}


def dial(uid: int, to: int, status: str = "") -> dict[str, Any]:
    kind = {"Event": "DialEnd", "DialStatus": status} if status else {"Event": "DialBegin"}
    return {
        **kind,
        "Uniqueid": f"{ID}{uid}",
        "Linkedid": f"{ID}1",
        "DestUniqueid": f"{ID}{to}",
        "DestLinkedid": f"{ID}1",
    }


def gone(*uids: int) -> list[dict[str, Any]]:
    return [
        {"Event": "Hangup", "Uniqueid": f"{ID}{uid}", "Linkedid": f"{ID}1", "Cause": "16"} for uid in uids
    ]


def ami(rows: Iterable[dict[str, Any]]) -> Told:
    return read("ami", write.ami(rows))


def test_a_queue_log_alone_tells_who_answered_and_when() -> None:
    ours = queue_log(
        "1700000000|1700000000.1|q-social|NONE|ENTERQUEUE||28400001|1",
        "1700000012|1700000000.1|q-social|PJSIP/201|RINGNOANSWER|10000",
        "1700000020|1700000000.1|q-social|PJSIP/202|CONNECT|20|1700000012.3|6",
        "1700000080|1700000000.1|q-social|PJSIP/202|COMPLETECALLER|20|60|1",
    )
    (call,) = ours.calls
    assert (call["outcome"], call["answered_by"], call["wait_s"], call["talk_s"]) == (
        "answered",
        "202",
        20,
        60,
    )
    tried = [(a["employee"], a["outcome"], a["ring_s"]) for a in ours.of(call)[1]]
    assert tried == [("201", "no_answer", 10.0), ("202", "answered", 6.0)]


def test_a_queue_log_call_that_still_goes_on_has_no_end_and_no_talk() -> None:
    ours = queue_log(
        "1700000000|1700000000.1|q-social|NONE|ENTERQUEUE||28400001|1",
        "1700000020|1700000000.1|q-social|PJSIP/202|CONNECT|20|1700000012.3|6",
    )
    (call,) = ours.calls
    assert (call["outcome"], call["ended_at"], call["talk_s"]) == ("answered", None, None)


def test_without_a_ring_time_the_time_in_the_queue_bounds_it() -> None:
    ours = queue_log(
        "1700000000|1700000000.1|q-social|NONE|ENTERQUEUE||28400001|1",
        "1700000040|1700000000.1|q-social|PJSIP/202|CONNECT|40|1700000012.3",
        "1700000080|1700000000.1|q-social|PJSIP/202|COMPLETEAGENT|40|40|1",
    )
    (visit,) = ours.visits
    assert visit["ring_max_s"] >= 40
    assert visit["third_signal_certainty"] != "certain"


def test_nobody_talked_in_an_abandoned_call() -> None:
    ours = queue_log(
        "1700000000|1700000000.1|q-social|NONE|ENTERQUEUE||28400001|1",
        "1700000013|1700000000.1|q-social|NONE|ABANDON|1|1|13",
    )
    (call,) = ours.calls
    assert (call["outcome"], call["talk_s"]) == ("abandoned", None)


def test_click_to_call_through_a_local_channel_has_the_first_phone_as_caller() -> None:
    ours = ami([
        new(1, "Local/201@click", exten="201"),
        {"Event": "DialBegin", "DestUniqueid": f"{ID}1", "DestLinkedid": f"{ID}1"},
        new(2, "PJSIP/201", "201"), dial(1, 2), state(2, 5), state(2, 6), dial(1, 2, "ANSWER"),
        new(3, "PJSIP/202", "202"), dial(1, 3), state(3, 5), state(3, 6), dial(1, 3, "ANSWER"),
        *gone(3, 2, 1),
    ])  # fmt: skip
    (call,) = ours.calls
    assert (call["caller"], call["direction"], call["answered_by"]) == ("201", "internal", "202")
    assert [a["employee"] for a in ours.attempts] == ["202"]


def test_a_mobile_that_does_not_accept_has_not_answered() -> None:
    ours = ami([
        new(1, "PJSIP/public", "28400001", "67012200"), state(1, 4),
        new(2, "PJSIP/public"), dial(1, 2), state(2, 5), state(2, 6), dial(1, 2, "NOANSWER"),
        *gone(2, 1),
    ])  # fmt: skip
    assert [c["outcome"] for c in ours.calls] != ["answered"]


def test_an_outgoing_call_given_to_a_colleague_is_a_visit_of_his_department() -> None:
    moved = {
        "Event": "BlindTransfer", "Result": "Success",
        "TransfererUniqueid": f"{ID}1", "TransfererLinkedid": f"{ID}1",
        "TransfereeUniqueid": f"{ID}2", "TransfereeLinkedid": f"{ID}1", "Extension": "301",
    }  # fmt: skip
    ours = ami([
        new(1, "PJSIP/201", "201", "28400001"), state(1, 4),
        new(2, "PJSIP/public"), dial(1, 2), state(2, 5), state(2, 6), dial(1, 2, "ANSWER"), state(1, 6),
        moved, *gone(1),
        new(3, "PJSIP/301"), dial(2, 3), state(3, 5), state(3, 6), dial(2, 3, "ANSWER"),
        *gone(3, 2),
    ])  # fmt: skip
    (call,) = ours.calls
    (visit,) = ours.visits
    assert (call["direction"], call["outcome"], call["transferred"]) == ("outbound", "answered", True)
    assert (visit["department"], visit["entered_by"], visit["answered_by"]) == (
        "finance",
        "blind_transfer",
        "301",
    )
    assert not visit["external"]


def test_a_phone_named_by_another_word_is_known_by_the_number_it_shows() -> None:
    ours = ami([
        new(1, "PJSIP/as2mkq", "201", "202"), state(1, 4),
        new(2, "PJSIP/je5qtq", "202"), dial(1, 2), state(2, 5), state(2, 6), dial(1, 2, "ANSWER"),
        state(1, 6), *gone(2, 1),
    ])  # fmt: skip
    (call,) = ours.calls
    assert (call["caller"], call["direction"], call["answered_by"]) == ("201", "internal", "202")


def test_a_blind_transfer_of_asterisk_11_stays_in_its_call() -> None:
    ours = ami([
        new(1, "SIP/201", "201", "202"), state(1, 4),
        new(2, "SIP/202", "202"), dial(1, 2), state(2, 5), state(2, 6), dial(1, 2, "ANSWER"), state(1, 6),
        {**new(3, "AsyncGoto/SIP/202", "202", linked=3), "Channel": "AsyncGoto/SIP/202-00000002"},
        *gone(1), *gone(3),
    ])  # fmt: skip
    assert len(ours.calls) == 1
