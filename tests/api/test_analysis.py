"""What a notebook shows equals API and page, for every metric; and who may ask for what."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest

import callstats
from api.figures import department_view
from api.site import Site
from api.table_routes import AT_ONCE, _one_of_few
from api.text import Words
from callstats.accounts import keeping, signing
from callstats.accounts.roles import OF_DEPARTMENT, Grant
from callstats.analysis import Analysis
from callstats.analysis.sources import LocalSource
from callstats.analysis.tables import TOLD
from callstats.cases import access_log
from callstats.errors import UsageError
from callstats.export import json_value
from callstats.metrics.registry import METRICS
from callstats.remote import RemoteError, RemoteSource
from callstats.settings import Numbers
from tests.api.asking import Asking, asking
from tests.api.conftest import rows
from tests.handmade import DAY, at, call, settings, store_with, visit

SECRET = "trīs zaļi zirgi"
AXES: tuple[tuple[str, ...], ...] = ((), ("department",), ("department", "week"), ("weekday", "hour"))
ASKED = [
    (slug, by) for slug, one in METRICS.items() for by in (*AXES, *([(one.split.name,)] if one.split else []))
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analysis]:
    """A store on this machine."""
    found = settings(tmp_path_factory.mktemp("here"))
    facts = rows()
    for n in (60, 61):
        facts["calls"].append(call(f"pbx:{n}", started_at=at("13:00"), caller="n1-" + "a" * 32))
    with Analysis(LocalSource(found, store_with(found, **facts))) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(here: Analysis) -> Iterator[Asking]:
    source = here._source
    assert isinstance(source, LocalSource)
    with asking(source.settings) as found:
        yield found


@pytest.fixture(scope="module")
def there(server: Asking) -> Iterator[Analysis]:
    """The same store, asked for over the network."""
    with callstats.open(str(server.base_url)) as opened:
        yield opened


def as_json(table: pa.Table) -> list[dict[str, Any]]:
    maps = [field.name for field in table.schema if pa.types.is_map(field.type)]
    found = [row | {name: dict(row[name] or ()) for name in maps} for row in table.to_pylist()]
    told: list[dict[str, Any]] = json.loads(json.dumps(found, default=json_value))
    return told


@pytest.mark.parametrize(
    ("slug", "by"), ASKED, ids=lambda part: part if isinstance(part, str) else "+".join(part)
)
def test_notebook_here_notebook_there_and_api_tell_the_same(
    here: Analysis, there: Analysis, server: Asking, slug: str, by: tuple[str, ...]
) -> None:
    own, far = here.metric(slug, by=by), there.metric(slug, by=by)
    assert far.table.schema.equals(own.table.schema)
    assert far.table.to_pylist() == own.table.to_pylist()
    answer = server.get(f"/api/v1/metrics/{slug}", params={"by": ",".join(by)})
    assert answer.json()["items"] == as_json(own.table)
    assert len(own) == len(own.df())
    assert {"told", "left_out", "k", "n", "rule_version"} <= set(own.df())


@pytest.mark.parametrize("slug", sorted(METRICS))
def test_the_page_shows_what_the_notebook_says(here: Analysis, slug: str) -> None:
    source = here._source
    assert isinstance(source, LocalSource)
    assert here.window
    site, (start, end), words = (
        Site(source.settings, source.store),
        here.window,
        Words("en", source.settings.zone),
    )
    for department in ("social", source.settings.hotline.department or "pr"):
        with source.store.reading() as facts:
            view = department_view(site, facts, department, start, end, "week", words)
        said = here.metric(slug, by=[], department=department).table.to_pylist()
        for row in view.totals.get(slug, []):
            same = next(one for one in said if one["measure"] == row["measure"])
            assert {name: row[name] for name in row if name in same} == {
                name: same[name] for name in row if name in same
            }
        assert slug in view.totals or METRICS[slug].hotline_only


@pytest.mark.parametrize("name", TOLD)
def test_a_table_is_the_same_here_and_there(here: Analysis, there: Analysis, name: str) -> None:
    order = ", ".join(TOLD[name].table.names)
    own, far = (one.sql(f"SELECT * FROM {name} ORDER BY {order}").arrow() for one in (here, there))
    assert far.to_pylist() == own.to_pylist()
    assert own.column_names == getattr(here, name).columns == list(TOLD[name].table.names)
    if name in ("calls", "visits", "attempts", "messages"):
        assert own.num_rows > 0


def test_clients_join_and_nobody_is_named(here: Analysis) -> None:
    twice = here.sql(
        "SELECT client, count(*) AS n FROM calls WHERE client IS NOT NULL GROUP BY 1 HAVING n > 1"
    )
    assert twice.count() > 0
    source = here._source
    assert isinstance(source, LocalSource)
    extensions = {"201", "202", "203", "801"}
    with source.store.reading() as facts:
        assert extensions & set(facts.scan("attempts")["employee"].to_pylist())
    for name in TOLD:
        said = {
            str(value)
            for row in here.sql(f"SELECT * FROM {name}").arrow().to_pylist()
            for value in row.values()
        }
        assert not extensions & said
        for hidden in ("employee", "answered_by", "employees_tried", "caller", "uniqueid", "channel"):
            with pytest.raises(UsageError, match=hidden):
                here.sql(f"SELECT {hidden} FROM {name}").df()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) AS n FROM this",
        "SELECT count(*) AS n FROM this; ",
        "SELECT count(*) AS n FROM this -- all of them",
        "SELECT count(*) AS n FROM this; -- all of them",
        "-- how many\n/* are there */ WITH more AS (SELECT * FROM this) SELECT count(*) AS n FROM more;\n;",
        "WITH more AS (SELECT * FROM this) SELECT count(*) AS n FROM more",
        "with recursive up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < 3) "
        "SELECT count(*) AS n FROM this",
    ],
)
def test_a_question_goes_on_from_another(here: Analysis, text: str) -> None:
    several = here.visits.where("external").select("call_id", "department").between(DAY, DAY + timedelta(9))
    assert several.sql(text).limit(5).df()["n"].tolist() == [several.count()]
    assert here.sql("SELECT * FROM visits;").where("external").count() == several.count()


def test_only_a_few_tables_are_given_away_at_once(there: Analysis) -> None:
    with ExitStack() as taken:
        for _ in range(AT_ONCE):
            taken.enter_context(_one_of_few())
        with pytest.raises(RemoteError, match="try again"):
            there.calls.between("2026-01-01", "2026-01-03").df()
    assert there.calls.between("2026-01-01", "2026-01-03").count() == 0


def test_who_goes_away_gives_back_what_was_held(here: Analysis, server: Asking) -> None:
    for _ in range(AT_ONCE + 1):
        with server.stream("GET", "/api/v1/tables/visits") as answer:
            assert answer.status_code == 200
        time.sleep(0.2)
    source = here._source
    assert isinstance(source, LocalSource)
    for _ in range(100):
        with source.store.database.read() as connection:
            if connection.exec_driver_sql("SELECT count(*) FROM readers").scalar_one() == 0:
                return
        time.sleep(0.05)
    pytest.fail("a reader is still entered")


def test_a_call_that_is_known_by_its_channel_joins_without_naming_it(tmp_path: Path) -> None:
    found, bare = settings(tmp_path), "pbx:SIP/201-000000ab@1773136800"
    facts = {"calls": [call(bare)], "visits": [visit(bare)]}
    with Analysis(LocalSource(found, store_with(found, **facts))) as cs:
        (one,) = cs.sql("SELECT call_id FROM calls JOIN visits USING (call_id)").df()["call_id"]
    assert one.startswith("pbx:")
    assert "201" not in one.replace(hashlib.md5(bare.encode()).hexdigest(), "")


def test_phones_are_numbers_within_their_call(here: Analysis) -> None:
    found = here.attempts.where("call_id = 'pbx:30'").order_by("position").df()
    assert found["phone"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda cs: cs.metric("rings"), "no metric 'rings'; known: .*third_signal_share"),
        (lambda cs: cs.metric("ring_time", by=["queue"]), "allowed: department, hour, weekday"),
        (lambda cs: cs.metric("ring_time", department="nobody"), "known: .*social"),
        (lambda cs: cs.metric("ring_time", start="yesterday"), "'yesterday' is no day"),
        (lambda cs: cs.metric("ring_time", start="2026-03-02", end="2026-03-02"), "empty"),
        (lambda cs: cs.visits.between("2026-03-03", "2026-03-02"), "empty"),
        (lambda cs: cs.visits["ring"].df(), "Candidate bindings: .*ring"),
        (lambda cs: cs.sql("SELECT * FROM visit").df(), "tables calls, visits"),
        (lambda cs: cs.sql("SELEC 1").df(), "syntax error"),
        (lambda cs: cs.sql("-- nothing").df(), "nothing is asked"),
        (lambda cs: cs.sql("SELECT 1; SELECT 2").count(), "syntax error"),
        (lambda cs: list(cs.visits.select("CAST(call_id AS INT)").batches()), "Could not convert"),
    ],
)
def test_a_wrong_question_is_told_what_is_allowed(
    here: Analysis, there: Analysis, ask: Any, says: str
) -> None:
    for cs in (here, there):
        with pytest.raises(UsageError, match=f"(?s){says}"):
            ask(cs)


def test_the_promise_of_the_third_signal_has_its_usual_name_too(here: Analysis) -> None:
    assert here.metric("rings_before_answer").table.equals(here.metric("third_signal_share").table)


def test_small_cells_are_hidden_here_as_there(here: Analysis) -> None:
    hours = here.metric("unanswered_share", by=["hour"]).df()
    assert hours["suppressed"].any()
    assert hours[hours["suppressed"]]["k"].isna().all()


def test_what_it_says_of_itself(here: Analysis, there: Analysis) -> None:
    assert "third_signal_share" in repr(here)
    assert "server" in repr(there)
    assert "ring_s" in repr(here.visits)
    assert "<code>ring_s</code>" in here.visits._repr_html_()
    assert "of" in repr(here.metric("answered_share"))
    assert "<table" in here.metric("answered_share")._repr_html_()
    assert here.visits.fields.loc["ring_s", "unit"] == "s"
    assert "1 - k" in here.explain("ring_time") or here.explain("ring_time")
    assert here.window == there.window
    assert here.metrics.index.tolist() == there.metrics.index.tolist() == list(METRICS)
    assert here.departments.equals(there.departments)
    assert here.cases().equals(there.cases())


# ------------------------------------------------------------------ who may


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A server with accounts: its address, and a token for an analyst, a head and the Chancellery."""
    folder = tmp_path_factory.mktemp("guarded")
    found = settings(folder, numbers=Numbers(key_file=folder / "numbers.key"))
    tokens = {}
    with store_with(found, **rows()) as store:
        for role in ("analyst", "head", "chancellery"):
            keeping.add(store, role, role.title(), SECRET, "admin")
            of = "social" if role in OF_DEPARTMENT else None
            keeping.grant(store, found, role, Grant(role, of, DAY - timedelta(400)), "admin")
            tokens[role] = signing.issue(store, found, role, "notebook", role, 30, "admin")
    with asking(found) as client:
        yield str(client.base_url), tokens


def test_an_analyst_reads_tables_and_figures(guarded: tuple[str, dict[str, str]]) -> None:
    address, tokens = guarded
    with callstats.open(address, token=tokens["analyst"]) as cs:
        assert cs.visits.count() > 0
        assert len(cs.metric("answered_share")) > 0


def test_a_token_in_the_environment_is_used(
    guarded: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSTATS_TOKEN", guarded[1]["analyst"])
    with callstats.open(guarded[0]) as cs:
        assert cs.calls.count() > 0


def test_a_head_has_the_figures_of_the_own_department_and_no_tables(
    guarded: tuple[str, dict[str, str]],
) -> None:
    address, tokens = guarded
    with callstats.open(address, token=tokens["head"]) as cs:
        assert set(cs.metric("answered_share").df()["department"]) == {"social"}
        with pytest.raises(RemoteError, match="not yours"):
            cs.metric("answered_share", department="finance")
        with pytest.raises(RemoteError, match="not for your role"):
            cs.visits.df()


@pytest.mark.parametrize("token", [None, "cs_x"])
def test_without_a_token_one_is_told_how_to_get_one(
    guarded: tuple[str, dict[str, str]], token: str | None
) -> None:
    with callstats.open(guarded[0], token=token) as cs, pytest.raises(RemoteError, match="account token"):
        cs.visits.df()


def test_reading_a_table_is_written_down(here: Analysis, there: Analysis, server: Asking) -> None:
    there.sql("SELECT count(*) FROM attempts", "2026-01-01", "2026-01-02").df()
    source = here._source
    assert isinstance(source, LocalSource)
    with source.store.database.read() as connection:
        assert "attempts_2026-01-01_2026-01-02" in [row.about for row in access_log.listed(connection)]


@pytest.mark.parametrize("cut", [0, 8, 20])
def test_a_stream_without_its_end_is_no_short_table(here: Analysis, cut: int) -> None:
    """Arrow itself takes an end between two batches for the whole."""
    whole, table = pa.BufferOutputStream(), here.calls.arrow()
    with pa.ipc.new_stream(whole, table.schema) as stream:
        stream.write_table(table)
    sent = whole.getvalue().to_pybytes()
    sends = httpx2.MockTransport(lambda request: httpx2.Response(200, content=sent[: len(sent) - cut]))
    with Analysis(RemoteSource("http://127.0.0.1:1", None, sends)) as cs:
        if not cut:
            assert cs.calls.count() == table.num_rows
            return
        with pytest.raises(RemoteError, match="ended early"):
            cs.calls.df()


# ------------------------------------------------------------------ much


def test_rows_come_bit_by_bit_and_go_to_a_file(here: Analysis, tmp_path: Path) -> None:
    many = here.sql("SELECT v.call_id, r.i FROM visits v CROSS JOIN range(100000) r(i)")
    sizes = [batch.num_rows for batch in many.batches(50_000)]
    assert sum(sizes) == 100_000 * here.visits.count()
    assert max(sizes) <= 100_000
    with pytest.raises(UsageError, match="Could not convert"):
        here.visits.select("CAST(call_id AS INT) AS n").save(tmp_path / "bad.parquet")
    assert not list(tmp_path.glob("*bad*"))
    path = many.limit(150_000).save(tmp_path / "some.parquet")
    assert pa.parquet.read_metadata(path).num_rows == 150_000


def test_only_the_days_asked_for_are_read(here: Analysis) -> None:
    day = DAY + timedelta(1)
    assert set(here.calls.between(day, day + timedelta(1)).df()["local_date"]) == {day}
    assert here.calls.between(date(2020, 1, 1), date(2020, 1, 2)).count() == 0
