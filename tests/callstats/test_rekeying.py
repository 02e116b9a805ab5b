"""A new key: all under new pseudonyms, nothing else changed, at any moment and after any crash."""

import contextlib
import io
import os
import re
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Connection

from callstats import rekeying
from callstats.cases import catalog
from callstats.cases.catalog import ConflictError
from callstats.cases.database import Database
from callstats.cases.keys import site_pseudonymiser
from callstats.cases.vault import Vault
from callstats.cli import main
from callstats.errors import SettingsError, StoreError
from callstats.fields import TABLES
from callstats.numbers import Pseudonymiser
from callstats.recompute import fresh_tables, recompute
from callstats.rekeying import rekey, rekeyed
from callstats.settings import Settings
from callstats.store import Store
from ingest import load as load_module
from ingest.load import load
from tests.shared import ROOT

SAMPLE = ROOT / "sample_cdr"
CONFIG = SAMPLE / "callstats.toml"
CLOCK = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLD = Pseudonymiser(b"o" * 32, 1)
NEW = Pseudonymiser(b"n" * 32, 2, OLD)
FIRST = re.compile(r"[nx]1-[0-9a-f]{32}")
SECOND = re.compile(r"[nx]2-[0-9a-f]{32}")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sample") / "data"
    settings = Settings.load(CONFIG, data)
    with Store.open(settings, lambda: CLOCK) as store:
        load([SAMPLE / "cel", SAMPLE / "queue_log", SAMPLE / "cdr_csv"], settings, store)
    return data


@pytest.fixture
def settings(tmp_path: Path, sample: Path) -> Settings:
    return Settings.load(CONFIG, Path(shutil.copytree(sample, tmp_path / "data")))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings, lambda: CLOCK) as opened:
        yield opened


def everything(store: Store) -> dict[str, list[str]]:
    return {name: sorted(map(str, store.scan(name).to_pylist())) for name in TABLES}


def translated(rows: dict[str, list[str]], new: Pseudonymiser) -> dict[str, list[str]]:
    return {
        name: sorted(FIRST.sub(lambda one: new.rotated(one.group()), row) for row in table)
        for name, table in rows.items()
    }


def test_every_pseudonym_is_the_new_keys_hash_of_the_old_one_and_nothing_else_changes(
    store: Store, settings: Settings
) -> None:
    before = everything(store)
    done = rekey(store, settings)
    new = site_pseudonymiser(settings, store.database)
    after = everything(store)
    assert (done.old_key, done.new_key, new.key_id) == (1, 2, 2)
    assert after == translated(before, new)
    text = str(after)
    assert not FIRST.search(text)
    assert SECOND.search(text)
    assert done.files > 3
    assert done.rows > 1000


def test_a_number_leads_to_its_pseudonym_through_all_keys_and_the_vault_shows_it(
    store: Store, settings: Settings
) -> None:
    old = Vault.open(settings, store.database, store.clock)
    name = old.pseudonymiser.pseudonym("+37128404019")
    old.put({name: ("+37128404019", CLOCK)})
    for generation in (2, 3):
        done = rekey(store, settings)
        assert done.numbers == old.size()
        vault = Vault.open(settings, store.database, store.clock)
        renamed = vault.pseudonymiser.pseudonym("+37128404019")
        assert renamed.startswith(f"n{generation}-")
        assert vault.reveal(renamed) == "+37128404019"
        assert vault.reveal(name) is None


def test_what_is_loaded_later_meets_what_was_there(settings: Settings, tmp_path: Path, sample: Path) -> None:
    with Store.open(settings, lambda: CLOCK) as store:
        rekey(store, settings)
        load([SAMPLE], settings, store)
        reports = load([SAMPLE / "cel"], settings, store)
        found = everything(store)
        new = site_pseudonymiser(settings, store.database)
    assert [report.status for report in reports] == ["known"]
    whole = Settings.load(CONFIG, tmp_path / "whole")
    whole.data.mkdir()
    shutil.copy(sample / "numbers.key", whole.data)
    with Store.open(whole, lambda: CLOCK) as store:
        load([SAMPLE], whole, store)
        expected = translated(everything(store), new)
    assert {name: found[name] for name in ("calls", "visits", "attempts", "messages")} == {
        name: expected[name] for name in ("calls", "visits", "attempts", "messages")
    }


def test_days_stay_up_to_date_and_equal_computing_them_anew(store: Store, settings: Settings) -> None:
    rekey(store, settings)
    with store.database.read() as connection:
        days = [day.local_date for day in catalog.known_days(connection, CLOCK.date(), CLOCK.date())]
    assert recompute(store, settings) == []
    fresh = fresh_tables(store, settings, days)
    for name, table in fresh.items():
        assert sorted(map(str, table.to_pylist())) == everything(store)[name]


def test_a_load_that_began_with_the_old_key_is_done_again_with_the_new_one(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load_module._load_once
    times: list[int] = []

    def slow(*arguments: object) -> object:
        if not times:  # the key changes between opening the vault and reading the file
            times.append(1)
            rekey(store, settings)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(load_module, "_load_once", slow)
    (report,) = load([SAMPLE / "cdr_custom" / "Master.csv"], settings, store)
    assert report.status in {"loaded", "known"}
    assert not FIRST.search(str(everything(store)))


@pytest.mark.parametrize("what", ["load", "compute"])
def test_what_was_begun_before_is_refused_at_its_end(
    store: Store, settings: Settings, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = CLOCK.date()
    based_on = store.counter()
    tables = fresh_tables(store, settings, [day])
    writer = store.writer(_batch(store))
    rekey(store, settings)
    ends = {
        "load": lambda: writer.commit(_batch(store)),
        "compute": lambda: store.replace_days([day], tables, based_on=based_on),
    }
    with pytest.raises(ConflictError, match="new key"):
        ends[what]()
    assert not FIRST.search(str(everything(store)))


def _batch(store: Store) -> catalog.Batch:
    return catalog.Batch("b", "pbx", "cel", "cel_csv", "x", "s", 1, "l")


def test_a_number_put_away_under_the_old_key_is_refused(store: Store, settings: Settings) -> None:
    late = Vault.open(settings, store.database, store.clock)
    rekey(store, settings)
    with pytest.raises(ConflictError, match="new key"):
        late.put({late.pseudonymiser.pseudonym("+37128404019"): ("+37128404019", CLOCK)})


def test_facts_that_come_while_files_are_rewritten_are_rewritten_too(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rekeying._commit
    times: list[int] = []

    def late(*arguments: object) -> object:
        if not times:
            times.append(1)
            load([SAMPLE / "voicemail"], settings, store)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rekeying, "_commit", late)
    rekey(store, settings)
    assert times
    assert not FIRST.search(str(everything(store)))


def test_who_keeps_writing_is_told_of(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise ConflictError("store: facts were added meanwhile")

    monkeypatch.setattr(rekeying, "_commit", busy)
    with pytest.raises(ConflictError, match="when they are done"):
        rekey(store, settings)
    assert site_pseudonymiser(settings, store.database).key_id == 1


def test_killed_at_any_step_everything_is_as_before_or_done(settings: Settings, tmp_path: Path) -> None:
    with Store.open(settings, lambda: CLOCK) as store:
        before = everything(store)
    outcomes = set()
    for step in (2, 9, 20, 34, 35, 36, 60):  # 36 is the commit, 38 the end
        folder = Path(shutil.copytree(settings.data, tmp_path / str(step)))
        mine = Settings.load(CONFIG, folder)
        _killed(mine, step)
        with Store.open(mine, lambda: CLOCK) as store:
            used = site_pseudonymiser(mine, store.database)
            outcomes.add(used.key_id)
            expected = before if used.key_id == 1 else translated(before, used)
            assert everything(store) == expected
            done = rekey(store, mine)  # and it can be done again
            assert done.new_key == used.key_id + 1
        shutil.rmtree(folder)
    assert outcomes == {1, 2}


def _killed(settings: Settings, last: int) -> None:
    """Rekeys in a process of its own that is killed at its n-th rename or transaction."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        _die_at(last)
        with Store.open(settings, lambda: CLOCK) as store:
            rekey(store, settings)
    finally:
        os._exit(0)


def _die_at(last: int) -> None:
    """Counts what changes anything outside the process; for good: the process is a fork."""
    steps = 0
    real_rename, real_replace, real_write = Path.rename, os.replace, Database.write

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def rename(path: Path, target: Path) -> Path:
        step()
        return real_rename(path, target)

    def replaced(source: Path, target: Path) -> None:
        step()
        real_replace(source, target)
        step()

    @contextlib.contextmanager
    def write(database: Database) -> Iterator[Connection]:
        with real_write(database) as connection:
            yield connection
            step()
        step()

    vars(os)["replace"] = replaced
    Path.rename = rename  # type: ignore[method-assign,assignment]
    Database.write = write  # type: ignore[method-assign,assignment]


def test_texts_lists_and_gaps_are_rewritten_in_place() -> None:
    name = OLD.pseudonym("+37128404019")
    other = NEW.rotated(name)
    table = pa.table(
        {
            "caller": pa.array([name, None, "201", "anonymous"]),
            "channel": pa.array([f"PJSIP/{name}-0000001a", "PJSIP/201-0000001b", None, ""]),
            "names": pa.array([[name, "201"], None, [], ["202", name]], pa.list_(pa.string())),
            "line": pa.array([1, 2, 3, None]),
        }
    )
    assert rekeyed(table, NEW).to_pydict() == {
        "caller": [other, None, "201", "anonymous"],
        "channel": [f"PJSIP/{other}-0000001a", "PJSIP/201-0000001b", None, ""],
        "names": [[other, "201"], None, [], ["202", other]],
        "line": [1, 2, 3, None],
    }
    assert rekeyed(table, NEW).schema == table.schema


def test_what_holds_no_pseudonym_of_that_key_stays_the_very_same() -> None:
    table = pa.table({"caller": ["201", NEW.pseudonym("+37128404019"), None]})
    assert rekeyed(table, NEW) is table
    with pytest.raises(ValueError, match="first key"):
        rekeyed(table, OLD)


def test_two_prepared_keys_are_one_too_many(store: Store, settings: Settings) -> None:
    file = settings.numbers.key_file
    file.write_text(f"{file.read_text()}2 {'a' * 64}\n3 {'b' * 64}\n")
    with pytest.raises(SettingsError, match="more than one key that is not in use"):
        rekey(store, settings)


def test_a_number_that_does_not_open_stops_it_before_anything_changed(
    store: Store, settings: Settings
) -> None:
    vault = Vault(
        store.database, site_pseudonymiser(settings, store.database), lambda at: CLOCK.replace(year=2027)
    )
    vault.clock = lambda: CLOCK
    vault.put({"n1-" + "0" * 32: ("+37128404019", CLOCK)})
    with store.database.write() as connection:
        from callstats.cases.models import numbers

        connection.execute(numbers.update().values(secret=b"\0\1" + b"x" * 40))
    before = everything(store)
    with pytest.raises(StoreError, match="does not open"):
        rekey(store, settings)
    assert everything(store) == before
    assert site_pseudonymiser(settings, store.database).key_id == 1


def test_the_command_says_what_went_and_what_to_save(settings: Settings) -> None:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert main(["rekey", "--config", str(CONFIG), "--data", str(settings.data)]) == 0
    assert "Key 2 is in use instead of key 1" in told.getvalue()
    assert str(settings.numbers.key_file) in told.getvalue()
