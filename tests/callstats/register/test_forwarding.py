"""Every hotline scenario of a real recording, worked by the people of `forwarding.toml`, has its history.

The committed table tells what is assumed of people for each scenario, and the history that must follow; the
truth from the phones' side tells which message is which.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from callstats.register import acts
from callstats.register.desk import Entry, desk
from callstats.settings import CONFIG_NAME, Settings
from callstats.store import Store
from ingest.load import load
from tests.shared import RECORDINGS, ROOT, SHARED, needs_shared

HERE = Path(__file__).parent
TABLE: Mapping[str, Mapping[str, Any]] = tomllib.loads((HERE / "forwarding.toml").read_text(encoding="utf-8"))
MESSAGE = ("voicemail", "abandoned_in_menu")  # what the caller of a hotline's mailbox met with
SLACK_S = 3.0  # between the phones' clock and the PBX's lines

FURTHER = ROOT / "tests" / "recordings"
OWN = (ROOT / "sample_cdr", FURTHER / "autumn_night", FURTHER / "breaks")
SITES = [
    *(pytest.param((folder, folder / CONFIG_NAME), id=folder.name) for folder in OWN),
    *(
        pytest.param((RECORDINGS / name, SHARED / "pbx" / CONFIG_NAME), id=name, marks=needs_shared)
        for name in ("a", "c")
    ),
]


@pytest.fixture(scope="module", params=SITES)
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Entry]]]:
    """The entries of each scenario in the order of its messages, after people did what the table says."""
    folder, config = request.param
    site = Settings.load(config, tmp_path_factory.mktemp("register") / "data")
    with Store.open(site) as store:
        load([folder], site, store)
        scenarios = _by_scenario(store, site, folder)
        for name, numbers in scenarios.items():
            for number in numbers:
                _work(store, site, number, TABLE[name])
        after = {one.number: one for one in _all(store, site)}
        found = {name: [after.pop(number) for number in numbers] for name, numbers in scenarios.items()}
        assert not after, "cases that no caller of the recording left"
        yield found


def _all(store: Store, site: Settings) -> list[Entry]:
    return desk(store, site, closed=True, since=date(1970, 1, 1))


def _by_scenario(store: Store, site: Settings, folder: Path) -> dict[str, list[int]]:
    """The cases of each scenario: by when their caller was on the line, and by the caller's number."""
    calls = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["calls"]
    entries = _all(store, site)
    found: dict[str, list[int]] = {}
    for call in sorted(calls, key=lambda one: one["t_start"]):
        if call["outcome"] in MESSAGE and call["scenario"] in TABLE:
            client = "anonymous"
            if call["withheld"] is None:
                client = acts.pseudonym_of(store, site, call["caller"])
            first, last = call["t_start"] - SLACK_S, call["caller_side"]["t_bye"] + SLACK_S
            (number,) = (
                one.number
                for one in entries
                if one.case.client == client and first <= one.case.since.timestamp() <= last
            )
            found.setdefault(call["scenario"], []).append(number)
    return found


def _work(store: Store, site: Settings, number: int, plan: Mapping[str, Any]) -> None:
    case = acts.case_of(store, number)
    left = case.since

    def act(step: str, after: float, author: str = "Ilze Paraudziņa", **said: Any) -> None:
        seen = len(acts.case_of(store, number).steps)
        acts.act(store, site, number, step, said, author, seen=seen, at=left + timedelta(seconds=after))

    if "checked" in plan:
        act("checked", plan["checked"])
    for step in ("forwarded", "contacted", "closed"):
        if step in plan:
            said = {**plan[step]}
            act(step, said.pop("after"), **said)
    if "confirmed" in plan:
        (entry,) = desk(store, site, numbers=[number])
        (call,) = entry.follow_up.asks
        act("confirmed_attempt", plan["confirmed"], call_id=call.call_id)


def _history(entry: Entry) -> list[str]:
    steps = [(one.at, one.step) for one in entry.case.steps if one.step != "seen"]
    calls = [
        (one.at, f"call: {'possible ' if one.possible else ''}{one.what} by {one.department}")
        for one in entry.follow_up.calls
    ]
    return [name for _, name in sorted(steps + calls)]


@pytest.mark.parametrize("scenario", TABLE)
def test_history(worked: dict[str, list[Entry]], scenario: str) -> None:
    if scenario not in worked:
        pytest.skip("this recording has no such call")
    entries = worked[scenario]
    assert [_history(one) for one in entries] == TABLE[scenario]["history"]
    assert {one.status for one in entries} == {TABLE[scenario]["status"]}
    assert {one.case.empty for one in entries} == {TABLE[scenario].get("empty", False)}
