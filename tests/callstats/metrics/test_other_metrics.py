"""Ring time, rotation, answered, unanswered and abandoned share, counted by hand."""

from pathlib import Path
from typing import Any

from callstats.report import metrics_table
from tests.handmade import missed, settings, store_with, visit


def figures(
    tmp_path: Path, slug: str, *visits: dict[str, Any], by: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    site = settings(tmp_path)
    with store_with(site, visits=visits) as store:
        rows = metrics_table(store, site, [slug], by=by, departments=["social"]).to_pylist()
    return [{**row, "excluded": dict(row["excluded"])} for row in rows]


def test_ring_time_is_told_as_median_90th_percentile_and_maximum(tmp_path: Path) -> None:
    visits = [visit(str(s), ring_s=float(s)) for s in (2, 4, 6, 8, 30)]
    (found,) = figures(tmp_path, "ring_time", *visits, missed("not answered"))
    assert (found["value"], found["p90"], found["max"]) == (6.0, 21.2, 30.0)  # 8 + 0.6 of the way to 30
    assert (found["k"], found["n"], found["low"]) == (5, 5, None)


def test_the_median_of_many_has_an_interval(tmp_path: Path) -> None:
    (found,) = figures(tmp_path, "ring_time", *(visit(str(s), ring_s=float(s)) for s in range(1, 21)))
    assert (found["value"], found["low"], found["high"]) == (10.5, 6.0, 15.0)


def test_ring_signals_are_counted_from_one(tmp_path: Path) -> None:
    seconds = (0.2, 4.99, 5.0, 14.99, 15.0)
    rows = figures(tmp_path, "ring_time", *(visit(str(s), ring_s=s) for s in seconds), by=("rings",))
    assert [(row["rings"], row["n"]) for row in rows] == [(1, 2), (2, 1), (3, 1), (4, 1)]


def test_how_sure_the_number_of_signals_is_follows_the_bounds(tmp_path: Path) -> None:
    (found,) = figures(
        tmp_path,
        "ring_time",
        visit("exact"),
        visit("whole seconds inside a signal", ring_min_s=5.5, ring_max_s=7.5),
        visit("whole seconds over a boundary", ring_s=5.0, ring_min_s=4.0, ring_max_s=6.0),
        visit("upper bound only", ring_min_s=None),
        visit("wide", ring_min_s=0.0, ring_max_s=20.0),
        visit("nothing known", ring_s=None),
    )
    counts = [found[name] for name in ("certain", "borderline", "estimated", "unknown", "n")]
    assert counts == [2, 1, 2, 1, 5]


def rotation(call_id: str, of: str, **more: Any) -> dict[str, Any]:
    return visit(call_id, **{"rotation": of, **more})


def test_rotation_coverage_leaves_out_what_needed_none(tmp_path: Path) -> None:
    covered, answered = figures(
        tmp_path,
        "rotation_coverage",
        rotation("a", "rotated", rotation_cause="busy"),
        rotation("b", "rotated", rotation_cause="no_answer", outcome="unanswered", ring_s=40.0),
        rotation("c", "not_rotated", rotation_cause="no_answer", outcome="unanswered", ring_s=40.0),
        rotation("d", "not_needed"),
        rotation("e", "no_second_member"),
        rotation("f", "caller_left", outcome="abandoned"),
        rotation("g", "unknown"),
    )
    assert (covered["measure"], covered["k"], covered["n"], covered["unknown"]) == (
        "offered_to_colleague",
        2,
        3,
        1,
    )
    assert covered["excluded"] == {"not_needed": 1, "no_second_member": 1, "caller_left": 1}
    assert (answered["measure"], answered["k"], answered["n"]) == ("answered_after_rotation", 1, 2)


def test_rotation_by_cause(tmp_path: Path) -> None:
    visits = [
        rotation("a", "rotated", rotation_cause="busy"),
        rotation("b", "not_rotated", rotation_cause="no_answer"),
        rotation("c", "rotated", rotation_cause="no_answer"),
    ]
    rows = figures(tmp_path, "rotation_coverage", *visits, by=("rotation_cause",))
    covered = {
        row["rotation_cause"]: (row["k"], row["n"])
        for row in rows
        if row["measure"] == "offered_to_colleague"
    }
    assert covered == {"busy": (1, 1), "no_answer": (1, 2)}


def test_answered_and_unanswered_make_one_and_who_gave_up_is_in_the_unanswered(tmp_path: Path) -> None:
    visits = [
        visit("a"),
        visit("b", entered_by="attended_transfer"),
        missed("c"),
        missed("d", outcome="abandoned", wait_s=2.0),
        missed("e", outcome="overflowed"),
        missed("f", outcome=None),
        missed("menu", outcome="abandoned", phones_offered=0),
    ]
    found = {}
    for number, slug in enumerate(("answered_share", "unanswered_share", "abandoned_share")):
        (found[slug],) = figures(tmp_path / str(number), slug, *visits)
    assert {slug: (row["k"], row["n"], row["unknown"]) for slug, row in found.items()} == {
        "answered_share": (2, 5, 1),
        "unanswered_share": (3, 5, 1),
        "abandoned_share": (1, 5, 1),
    }
    assert found["unanswered_share"]["excluded"] == {"left_in_menu": 1}


def test_who_rang_first_in_vain_and_answers_later_is_no_colleague(tmp_path: Path) -> None:
    rotated = {"rotation": "rotated", "rotation_cause": "no_answer", "outcome": "answered"}
    visits = [
        visit("pbx:1", rotation_answered=True, **rotated),
        visit("pbx:2", rotation_answered=False, **rotated),
    ]
    rows = figures(tmp_path, "rotation_coverage", *visits)
    (answered,) = (row for row in rows if row["measure"] == "answered_after_rotation")
    assert (answered["k"], answered["n"]) == (1, 2)
