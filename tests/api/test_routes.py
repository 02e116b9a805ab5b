"""The API: catalogue, values, calls, one call."""

from base64 import urlsafe_b64encode
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from api.figures import Step, drawable_step
from api.formats import MEDIA
from callstats.calendar import bucket_start, days
from callstats.metrics.registry import METRICS
from callstats.report import figure_fields, metrics_table
from callstats.settings import Settings
from callstats.store import Store
from tests.api.asking import Asking
from tests.handmade import DAY, at, fill, visit

THIRD = next(slug for slug in METRICS if slug.startswith("third"))
FIGURE = f"/api/v1/metrics/{THIRD}"
CALLS = "/api/v1/departments/social/calls"


def cursor(said: str) -> str:
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def items(client: Asking, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_departments_have_names_in_both_languages(client: Asking) -> None:
    found = {
        row["department"]: (row["name_lv"], row["name_en"]) for row in items(client, "/api/v1/departments")
    }
    assert found["social"] == ("Sociālais dienests", "Social services")
    assert list(found) == sorted(found)


def test_the_catalogue_says_what_each_figure_means(client: Asking) -> None:
    found = {row["metric"]: row for row in items(client, "/api/v1/metrics")}
    assert set(found) == set(METRICS)
    for slug, row in found.items():
        assert row["axes"] == list(METRICS[slug].axes)
        assert [m["measure"] for m in row["measures"]] == [m.name for m in METRICS[slug].measures]
        assert row["target"] is None
        assert {
            text for text in (row["title"]["lv"], row["title"]["en"], row["formula"]) if not text
        } == set()


@pytest.mark.parametrize("slug", METRICS)
def test_every_metric_can_be_asked_for_along_every_axis_it_has(client: Asking, slug: str) -> None:
    for axis in METRICS[slug].axes:
        for row in items(client, f"/api/v1/metrics/{slug}", by=axis):
            assert list(row) == [field.name for field in figure_fields((axis,))]


def test_a_value_is_the_one_that_the_report_computes(client: Asking, site: Settings) -> None:
    (row,) = items(client, FIGURE, department="social", by="")
    assert (row["k"], row["n"], row["excluded"]) == (8, 12, {"gave_up_early": 1})
    assert row["value"] == pytest.approx(8 / 12)
    assert (row["from"], row["to"]) == ("2026-03-02", "2026-03-04")
    with Store.open(site) as store:
        (same,) = metrics_table(store, site, [THIRD], by=(), departments=["social"]).to_pylist()
    assert {**row, "from": None, "to": None} == {
        **same,
        "excluded": dict(same["excluded"]),
        "from": None,
        "to": None,
    }


def test_a_department_without_calls_has_null_and_not_zero(client: Asking) -> None:
    (row,) = items(client, FIGURE, department="finance")
    assert (row["value"], row["low"], row["n"]) == (None, None, 0)


def test_the_window_is_half_open(client: Asking) -> None:
    def calls(start: date, end: date) -> int:
        (row,) = items(client, FIGURE, department="social", by="", **{"from": start, "to": end})
        return int(row["n"])

    day = timedelta(1)
    assert [calls(DAY, DAY + day), calls(DAY + day, DAY + 2 * day), calls(DAY, DAY + 2 * day)] == [11, 1, 12]


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        ("/api/v1/metrics/speed", {}, 404, "no metric 'speed'; known: abandoned_share"),
        (CALLS.replace("social", "navy"), {}, 404, "no department 'navy'; known: pr, social"),
        ("/api/v1/calls/pbx:999", {}, 404, "no call 'pbx:999'"),
        ("/api/v1/calls/x' OR '1'='1", {}, 404, "no call"),
        ("/api/v1/calls/a\\b", {}, 404, "no call"),
        ("/api/v1/nothing", {}, 404, "Not Found"),
        (FIGURE, {"by": "colour"}, 422, "cannot be split by 'colour'; allowed: department, hour"),
        (FIGURE, {"department": "navy"}, 422, "no department 'navy'; known: pr, social"),
        (
            FIGURE,
            {"colour": "red"},
            422,
            "colour: is not a parameter here; allowed: format, from, to, department, by",
        ),
        (FIGURE, {"from": "2026-03-02", "to": "2026-03-02"}, 422, "is empty"),
        (FIGURE, {"from": "yesterday"}, 422, "from: must be a day such as 2026-03-02"),
        (FIGURE, {"from": "0"}, 422, "from: must be a day such as 2026-03-02"),
        (FIGURE, {"to": "2026-03-02T00:00:00"}, 422, "to: must be a day such as 2026-03-02"),
        (FIGURE, {"to": "2026-02-30"}, 422, "to: must be a day such as 2026-03-02"),
        (FIGURE, {"from": "9999-12-31"}, 422, "from: must be from 1970-01-01 to 2200-01-01"),
        (CALLS, {"from": "0001-01-01"}, 422, "from: must be from 1970-01-01 to 2200-01-01"),
        (CALLS, {"to": "2200-01-02"}, 422, "to: must be from 1970-01-01 to 2200-01-01"),
        (CALLS, {"from": "1980-01-01", "to": "2020-02-01"}, 422, "it may span 40 years at most"),
        (FIGURE, {"from": "1970-01-01"}, 422, "it may span 40 years at most"),
        ("/departments/social", {"from": "9999-12-31"}, 422, "from: must be from 1970-01-01 to 2200-01-01"),
        ("/", {"from": "0001-01-01"}, 422, "from: must be from 1970-01-01 to 2200-01-01"),
        (FIGURE, {"format": "xls"}, 422, "'json', 'csv', 'xlsx', 'parquet' or 'arrow'"),
        (CALLS, {"limit": 0}, 422, "limit: "),
        (CALLS, {"limit": 1001}, 422, "limit: "),
        (CALLS, {"cursor": "no"}, 422, "cursor: is none that this server gave"),
        (CALLS, {"cursor": "WzEsMiwzXQ"}, 422, "cursor: is none that this server gave"),
        (CALLS, {"cursor": cursor('[1, "a", 9223372036854775808]')}, 422, "cursor: is none"),
        (CALLS, {"cursor": cursor('[1, "a", -1]')}, 422, "cursor: is none"),
        (CALLS, {"cursor": cursor('[1, "\\ud800", 1]')}, 422, "cursor: is none"),
        (f"{CALLS}?limit=1&limit=2", None, 422, "limit: given more than once"),
        (f"{FIGURE}?by=day&by=day&department=pr&department=pr", None, 422, "by: given more than once; only"),
    ],
)
def test_a_wrong_question_gets_a_problem_that_helps(
    client: Asking, path: str, query: dict[str, str] | None, status: int, words: str
) -> None:
    answer = client.get(path, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", [FIGURE, CALLS, "/departments/social"])
@pytest.mark.parametrize(
    "query",
    [
        {"from": "2200-01-01"},
        {"to": "1970-01-01"},
        {"from": "1990-01-01", "to": "2030-01-01"},
        {"from": "2026-03-02", "to": "2026-03-03"},
    ],
)
def test_the_farthest_and_longest_windows_are_answered(
    client: Asking, path: str, query: dict[str, str]
) -> None:
    assert client.get(path, params=query).status_code == 200


@pytest.mark.parametrize(
    ("length", "asked", "drawn"),
    [
        (1000, "day", "day"),
        (1001, "day", "week"),
        (6986, "week", "week"),
        (6993, "week", "month"),
        (14610, "day", "month"),
        (14610, "month", "month"),
    ],
)
def test_a_page_draws_no_more_than_a_thousand_steps(length: int, asked: Step, drawn: Step) -> None:
    for shift in range(7):
        start = DAY + timedelta(shift)
        end = start + timedelta(length)
        assert drawable_step(start, end, asked) == drawn
        assert len({bucket_start(day, drawn) for day in days(start, end)}) <= 1000


def test_only_reading_is_possible(client: Asking) -> None:
    answer = client.post(FIGURE)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


def test_several_departments_may_be_asked_for_at_once(client: Asking) -> None:
    found = items(client, f"{FIGURE}?department=social&department=pr")
    assert [row["department"] for row in found] == ["pr", "social"]


def test_single_calls_are_stored_nowhere(client: Asking) -> None:
    for path in (CALLS, f"{CALLS}?format=csv", "/api/v1/calls/pbx:30"):
        assert client.get(path).headers["cache-control"] == "no-store"
    assert client.get(FIGURE).headers["cache-control"] == "private, no-cache"


def test_pages_of_calls_follow_each_other_without_gap_or_overlap(client: Asking) -> None:
    whole = items(client, CALLS, limit=1000)
    assert [row["call_id"] for row in whole] == [
        *(f"pbx:{n}" for n in range(1, 11)),
        "pbx:20",
        "pbx:21",
        "pbx:30",
    ]
    seen, path = [], f"{CALLS}?limit=5"
    for size in (5, 5, 3):
        answer = client.get(path)
        seen += answer.json()["items"]
        assert len(answer.json()["items"]) == size
        path = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
        assert bool(path) == (answer.json()["next"] is not None) == (size == 5)
    assert seen == whole


def test_calls_that_begin_in_the_same_microsecond_are_paged_too(site: Settings, client: Asking) -> None:
    day = DAY + timedelta(7)
    with Store.open(site) as store:
        fill(store, visits=[visit("pbx:1", entered_at=at("12:00", day), visit=n) for n in (1, 2, 3)])
    window: dict[str, Any] = {"from": day, "to": day + timedelta(1), "limit": 1}
    cursor, seen = None, []
    for _ in range(3):
        answer = client.get(CALLS, params={**window, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["visit"] for row in answer["items"]]
        cursor = answer["next"]
    assert (seen, cursor) == ([1, 2, 3], None)


def test_a_call_names_phones_by_letters_and_no_client(client: Asking) -> None:
    answer = client.get("/api/v1/calls/pbx:30")
    found = answer.json()
    assert found["answered_by"] == "B"
    assert [(one["phone"], one["outcome"]) for one in found["attempts"]] == [("A", "busy"), ("B", "answered")]
    assert [one["answered_by"] for one in found["visits"]] == ["B"]
    for hidden in ("n1-", '"201"', '"202"', "67012200", "employees_tried", '"caller":', '"dialled":'):
        assert hidden not in answer.text
    listed = [row for row in items(client, CALLS) if row["call_id"] == "pbx:30"]
    assert [row["answered_by"] for row in listed] == ["B"]


def test_no_extension_and_no_client_leaves_with_the_calls_of_a_department(client: Asking) -> None:
    for form in ("json", "csv"):
        text = client.get(CALLS, params={"format": form}).text
        assert "n1-" not in text
        assert not {"201", "202", "801"} & set(text.replace('"', ",").split(","))


def test_every_format_holds_the_same_rows_as_json(client: Asking) -> None:
    rows = items(client, FIGURE, by="day")
    stream = client.get(
        FIGURE, params={"by": "day"}, headers={"accept": "application/vnd.apache.arrow.stream"}
    )
    table = pa.ipc.open_stream(stream.content).read_all()
    assert table["n"].to_pylist() == [row["n"] for row in rows]
    assert table.schema.field("ring_s" if "ring_s" in table.schema.names else "value").metadata[b"meaning"]
    text = client.get(FIGURE, params={"by": "day"}, headers={"accept": "text/csv"})
    read = pacsv.read_csv(BytesIO(text.content))
    assert read["n"].to_pylist() == [row["n"] for row in rows]
    assert read["excluded"].to_pylist() == ["gave_up_early=1", ""]
    assert read["metric"].to_pylist() == [THIRD, THIRD]
    parquet = pq.read_table(BytesIO(client.get(FIGURE, params={"by": "day", "format": "parquet"}).content))
    assert parquet == table
    workbook = client.get(FIGURE, params={"by": "day", "format": "xlsx"})
    assert 'filename="third_signal_share_' in workbook.headers["content-disposition"]
    cells = list(openpyxl.load_workbook(BytesIO(workbook.content)).worksheets[0].values)
    shown = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    assert [row["n"] for row in shown] == [row["n"] for row in rows]
    assert [row["excluded"] for row in shown] == ["gave_up_early=1", ""]


def test_nothing_loaded_gives_empty_lists_and_no_error(empty: Asking) -> None:
    assert [row["n"] for row in items(empty, FIGURE)] == [0, 0, 0, 0]
    assert items(empty, CALLS) == []


def test_openapi_says_units_and_meanings(client: Asking) -> None:
    described = client.get("/api/v1/openapi.json").json()
    schemas = described["components"]["schemas"]
    assert schemas["Visit"]["properties"]["ring_s"]["unit"] == "s"
    assert "union of alerting intervals" in schemas["Visit"]["properties"]["ring_s"]["description"]
    for field in figure_fields(("department",)):
        assert schemas["Figure"]["properties"][field.name]["description"] == field.meaning
    figures = described["paths"]["/api/v1/metrics/{metric}"]["get"]
    slug = next(p for p in figures["parameters"] if p["name"] == "metric")
    assert slug["schema"]["enum"] == list(METRICS)
    assert set(figures["responses"]["200"]["content"]) == {
        "application/json", "text/csv", *(MEDIA[name] for name in ("xlsx", "parquet", "arrow")),
    }  # fmt: skip
    assert set(figures["responses"]["422"]["content"]) == {"application/problem+json"}
