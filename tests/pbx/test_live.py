"""The collector attached to a real Asterisk: what it made of the calls equals what the files tell of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from callstats.feed_status import FeedStatus
from callstats.judge import judged
from callstats.live import lives
from callstats.numbers import NumberPlan, load_pseudonymiser, normalise, stored
from callstats.settings import Settings
from callstats.store import Store
from ingest.load import load
from tests.accuracy import report, truth
from tests.accuracy.score import Finding, Rules, score
from tests.accuracy.sources import SETS, findings
from tests.pbx.lab import BROKEN, COVER, Lab, Plan, Run, lab_or_skip, needs_pbx
from tests.shared import ROOT

pytestmark = needs_pbx
TABLES = ("calls", "attempts", "messages")
FILES = ("cel", "queue_log", "cdr_csv", "cdr_custom", "voicemail")


@pytest.fixture(scope="module")
def lab() -> Lab:
    return lab_or_skip()


def site_of(folder: Path, run: Run) -> Path:
    """The settings of the laboratory's town with its manager; returns their file."""
    config = folder / "callstats.toml"
    town = (ROOT / "sample_cdr" / "callstats.toml").read_text(encoding="utf-8")
    feed = (
        f'\n[[ami]]\nhost = "{run.host}"\nport = {run.port}\nuser = "{run.user}"\nsecret = "{run.secret}"\n'
    )
    config.write_text(town + feed, encoding="utf-8")
    config.chmod(0o600)
    return config


def played(lab: Lab, folder: Path, plan: Plan) -> tuple[Path, Path]:
    """Plays a plan with the collector attached; returns the recording's folder and the settings."""
    out = folder / "capture"
    with lab.run(out, **plan) as run:
        config = site_of(folder, run)
        program = [
            sys.executable,
            "-m",
            "callstats",
            "collect",
            "--config",
            str(config),
            "--data",
            str(folder / "data"),
        ]
        with run.attached(program, folder / "said"):
            run.wait()
    return out, config


def live_findings(settings: Settings, told: truth.Truth, apart: bool) -> list[Finding]:
    """What the live site made of the calls, scored like a recording; ``apart``: outside the feed's gaps."""
    with Store.open(settings) as store:
        tables = {name: store.scan(name) for name in TABLES}
        tables["visits"] = judged(store.scan("visits"), settings)
    keys, plan = load_pseudonymiser(settings.numbers.key_file), NumberPlan.from_settings(settings)
    rules = Rules(
        tolerance_s=SETS["ami"].tolerance_s,
        stored=lambda number: stored(normalise(number, plan), keys),
        gaps=told.gaps if apart else (),
    )
    return score(told.calls, tables, rules)


def same(live: Sequence[Finding], files: Sequence[Finding], certainty: bool = True) -> None:
    """Compares two accuracy reports, and shows the table; where gaps differ, all but how certain it is."""
    lines = [report.line("live", live), report.line("files", files)]
    print(report.table(lines))
    assert not any(one.certain_wrong for one in lines), report.differences(live)
    width = None if certainty else len(report.STATUSES)
    counts = [report.counts({"": found})[""] for found in (live, files)]
    facts = [{story: numbers[:width] for story, numbers in one.items()} for one in counts]
    assert facts[0] == facts[1], (report.differences(live), report.differences(files))


def test_the_accuracy_report_of_a_live_run_equals_that_of_its_files(lab: Lab, tmp_path: Path) -> None:
    out, config = played(lab, tmp_path, COVER)
    settings, told = Settings.load(config, tmp_path / "data"), truth.load(out, config)
    same(live_findings(settings, told, apart=True), findings(out, "ami", settings, told))
    status = FeedStatus.read(settings.journal.folder / "pbx")
    assert status is not None
    assert status.lacks == ()
    assert len(lives(settings.journal.folder)) == 1
    with Store.open(settings) as store:
        (recorded,) = load([out / "ami.raw"], settings, store)
    assert recorded.known + 100 > recorded.kept, "but for what only the boot told, all was known"
    assert recorded.new < 50


def test_a_stop_and_a_crash_of_the_pbx_are_gaps_that_its_files_heal(lab: Lab, tmp_path: Path) -> None:
    out, config = played(lab, tmp_path, BROKEN)
    settings, told = Settings.load(config, tmp_path / "data"), truth.load(out, config)
    alone = live_findings(settings, told, apart=True)
    assert not [one for one in alone if one.certain_wrong], report.differences(alone)
    with Store.open(settings) as store:
        reports = load([out / name for name in FILES if (out / name).exists()], settings, store)
    assert all(one.status != "failed" for one in reports)
    same(live_findings(settings, told, apart=False), findings(out, "all", settings, told), certainty=False)
