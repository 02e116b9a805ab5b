"""What people's names and numbers are not kept in: texts of a dialplan, ids, names of channels and events."""

import json

import pytest

from ingest.base import Dialect
from tests.ingest.reading import Result, context, dialect, golden_text, lines_of, result

NAME, NUMBER = "Jānis Bērziņš", "28404019"
PSEUDONYM = context().pseudonymiser.pseudonym(f"+371{NUMBER}")
CDR = next(iter(lines_of("cdr_csv/21_columns.csv"))).decode()


def _cdr(**changed: str) -> Result:
    """A row of cdr_csv with other values in some columns."""
    values = {
        "accountcode": "", "src": NUMBER, "dst": "s", "dcontext": "from-public", "clid": f'"" <{NUMBER}>',
        "channel": "PJSIP/public-00000001", "dstchannel": "", "lastapp": "Dial", "lastdata": "PJSIP/201,15",
        "start": "2026-11-23 04:47:32", "answer": "", "end": "2026-11-23 04:47:40", "duration": "8",
        "billsec": "0", "disposition": "NO ANSWER", "amaflags": "DOCUMENTATION",
        "uniqueid": "1795402052.1", "userfield": "",
    }  # fmt: skip
    return _row("cdr_csv", list({**values, **changed}.values()))


def _cel(**changed: str) -> Result:
    """A row of cel_custom with other values in some columns."""
    values = {
        "eventtype": "APP_START", "eventtime": "1795402047.150393", "name": "", "num": NUMBER, "ani": "",
        "rdnis": "", "dnid": "", "exten": "s", "context": "from-public", "channame": "PJSIP/public-00000001",
        "appname": "Dial", "appdata": "PJSIP/201,15", "amaflags": "", "accountcode": "",
        "uniqueid": "1795402047.1", "linkedid": "1795402047.1", "peer": "", "userfield": "",
        "userdeftype": "", "eventextra": "",
    }  # fmt: skip
    return _row("cel_csv", list({**values, **changed}.values()))


def _row(kind: str, values: list[str]) -> Result:
    return result((",".join('"' + v.replace('"', '""') + '"' for v in values) + "\n").encode(), dialect(kind))


def _ami(**changed: str) -> Result:
    fields = {"Event": "Newexten", "Timestamp": "1795402047.150393", "Uniqueid": "1795402047.1", **changed}
    return result(("".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n").encode(), dialect("ami"))


def _queue(line: str) -> Result:
    return result(f"1795402040|{line}\n".encode(), dialect("queue_log"))


DIALPLAN = (
    ("Set", f"CDR(userfield)={NAME}"),
    ("NoOp", "Zvana Anna Kalnina 2840 4019"),
    ("System", "/bin/mail -s anna"),
    ("Set", "CALLERID(num)=28 404 019"),
    ("", NAME),
    (NAME, NAME),
)


@pytest.mark.parametrize(("app", "data"), DIALPLAN)
def test_only_applications_that_connect_calls_keep_their_arguments(app: str, data: str) -> None:
    for found in (
        _cdr(lastapp=app, lastdata=data),
        _cel(appname=app, appdata=data),
        _ami(Application=app, AppData=data),
    ):
        row = found.rows()[0]
        assert "app_data" not in row
        assert NAME not in row.get("app", "")


def test_applications_that_connect_calls_keep_theirs_without_numbers() -> None:
    for found in (
        _cdr(lastapp="Dial", lastdata=f"PJSIP/{NUMBER}@public,15"),
        _cel(appname="Dial", appdata=f"PJSIP/{NUMBER}@public,15"),
        _ami(Application="Dial", AppData=f"PJSIP/{NUMBER}@public,15"),
        _ami(Event="DialBegin", DialString=f"PJSIP/{NUMBER}@public,15"),
    ):
        assert found.rows()[0]["app_data"] == f"PJSIP/{PSEUDONYM}@public,15"
    queue = _cel(appname="Queue", appdata=f"q-{NUMBER},t").rows()[0]
    assert (queue["queue"], queue["app_data"]) == (f"q-{PSEUDONYM}", f"q-{PSEUDONYM},t")


@pytest.mark.parametrize("kind", [NAME, "Anna", "28404019", "A28404019", "x", "7"])
def test_an_event_that_no_pbx_writes_is_a_reject(kind: str) -> None:
    for found in (
        _queue(f"NONE|q-social|NONE|{kind}|"),
        _cel(eventtype=kind),
    ):
        assert [r.reason for r in found.rejects] == ["unknown event"]
        assert NAME not in found.rejects[0].text
        assert NUMBER not in found.rejects[0].text


@pytest.mark.parametrize(
    "kind", ["BRIDGE_START", "PARK_START", "CONF_ENTER", "3WAY_START", "BRIDGE_TO_CONF", "ATTENDEDTRANSFER"]
)
def test_events_of_old_versions_and_vendors_stay_known(kind: str) -> None:
    assert [row["kind"] for row in _cel(eventtype=kind).rows()] == [kind]
    assert [row["kind"] for row in _queue("NONE|q|NONE|DIVERT_CA_RATIO|").rows()] == ["DIVERT_CA_RATIO"]
    made_up = _cel(eventtype="XIVO_INCALL", userdeftype="XIVO_INCALL").rows()[0]
    assert (made_up["kind"], made_up["status"]) == ("USER_DEFINED", "XIVO_INCALL")
    made_up = _cel(eventtype="USER_DEFINED", userdeftype=NAME).rows()[0]
    assert (made_up["kind"], made_up.get("status")) == ("USER_DEFINED", None)


def test_numbers_in_ids_contexts_and_queues_become_pseudonyms_alike_in_every_source() -> None:
    said = {"start": 1795402047, "disposition": "BUSY", "uniqueid": NUMBER, "dcontext": f"from-{NUMBER}"}
    cdr = result(json.dumps(said).encode() + b"\n", dialect("cdr_json")).rows()[0]
    cel = _cel(linkedid=f"{NUMBER}-1795402047.1", context=f"from-{NUMBER}").rows()[0]
    ami = _ami(Uniqueid=NUMBER, Context=f"from-{NUMBER}", Queue=f"q-{NUMBER}").rows()[0]
    queue = _queue(f"{NUMBER}|q-{NUMBER}|NONE|ENTERQUEUE||{NUMBER}|1").rows()[0]
    for row in (cdr, ami, queue):
        assert row["uniqueid"] == PSEUDONYM
    assert (cdr["context"], ami["context"]) == (f"from-{PSEUDONYM}", f"from-{PSEUDONYM}")
    assert (ami["queue"], queue["queue"]) == (f"q-{PSEUDONYM}", f"q-{PSEUDONYM}")
    assert (cel["linkedid"], cel["context"]) == (f"{PSEUDONYM}-1795402047.1", f"from-{PSEUDONYM}")
    assert "uniqueid" not in _ami(Uniqueid=NAME).rows()[0]


@pytest.mark.parametrize(
    "text", ["1795402047.1", "pbx1-1795402047.1", "ua0-acc-1443448768.124", "9a8b-1443448768.12", "uid-ami"]
)
def test_ids_of_any_pbx_stay(text: str) -> None:
    assert _ami(Uniqueid=text).rows()[0]["uniqueid"] == text


def test_a_bridge_keeps_its_id_though_it_holds_seven_digits() -> None:
    bridge = "2840401e-aaaa-bbbb-cccc-284040191234"
    assert _ami(Event="BridgeEnter", BridgeUniqueid=bridge).rows()[0]["bridge"] == bridge
    merged = _ami(Event="BridgeMerge", ToBridgeUniqueid=bridge, FromBridgeUniqueid=bridge).rows()[0]
    assert (merged["bridge"], merged["app_data"]) == (bridge, bridge)


def test_what_people_typed_or_other_programs_wrote_shows_no_number() -> None:
    paused = _queue("NONE|NONE|PJSIP/201|PAUSEALL|zvanu 28 404 019 un 28404019").rows()[0]
    assert paused["reason"] == f"zvanu 28••••19 un {PSEUDONYM}"
    hangup = {"hangupcause": 16, "dialstatus": NAME}
    assert "status" not in _cel(eventtype="HANGUP", eventextra=json.dumps(hangup)).rows()[0]
    assert "status" not in _ami(Event="DialEnd", DialStatus=NAME).rows()[0]


WITHHELD = (
    _cdr(clid=f'"Anonymous" <{NUMBER}>', channel=f"PJSIP/{NUMBER}-00000001"),
    _cdr(src="anonymous", channel=f"PJSIP/{NUMBER}-00000001"),
    _cdr(userfield="presentation=prohib", channel=f"PJSIP/{NUMBER}-00000001"),
    _cel(name="Anonymous", channame=f"PJSIP/{NUMBER}-00000001"),
    _ami(Event="Newstate", Channel=f"PJSIP/{NUMBER}-00000001", CallerIDNum=NUMBER, CallerIDName="Anonymous"),
)


@pytest.mark.parametrize("found", WITHHELD)
def test_who_withholds_the_number_is_not_known_by_the_channel_s_name_either(found: Result) -> None:
    row = next(row for row in found.rows() if "channel" in row)
    assert (row["channel"], row["caller"]) == ("PJSIP/withheld-00000001", "anonymous")
    assert PSEUDONYM not in golden_text(found)


def test_other_channels_of_who_withholds_the_number_keep_their_names() -> None:
    found = _cdr(clid=f'"Anonymous" <{NUMBER}>', dstchannel="PJSIP/201-00000002").rows()[0]
    assert (found["channel"], found["dest_channel"]) == ("PJSIP/public-00000001", "PJSIP/201-00000002")
    shown = _cdr(channel=f"PJSIP/{NUMBER}-00000001").rows()[0]
    assert shown["channel"] == f"PJSIP/{PSEUDONYM}-00000001"


@pytest.mark.parametrize(
    "names",
    [
        ("Channel1", "Uniqueid1", "Channel2", "Uniqueid2"),
        ("LocalOneChannel", "LocalOneUniqueid", "LocalTwoChannel", "LocalTwoUniqueid"),
    ],
)
def test_the_halves_of_a_local_channel_are_read_in_all_versions(names: tuple[str, ...]) -> None:
    values = ("Local/201@in-00000001;1", "1795402047.1", "Local/201@in-00000001;2", "1795402047.2")
    kind: Dialect = dialect("ami")
    block = {"Event": "LocalBridge", "Timestamp": "1795402047.5", **dict(zip(names, values, strict=True))}
    found = result(("".join(f"{k}: {v}\r\n" for k, v in block.items()) + "\r\n").encode(), kind)
    row = found.rows()[0]
    assert tuple(row[n] for n in ("channel", "uniqueid", "dest_channel", "dest_uniqueid")) == values
