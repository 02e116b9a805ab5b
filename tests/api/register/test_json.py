"""The register for programs: the same steps and rights as its pages."""

from __future__ import annotations

from callstats.settings import Settings
from tests.api.asking import Asking
from tests.api.register.conftest import ANDRIS, ILZE, as_person


def test_programs_do_the_same_by_json(client: Asking, site: Settings) -> None:
    assert client.get("/api/v1/cases/1").status_code == 403
    as_person(client, ILZE)
    case = client.get("/api/v1/cases/1").json()
    assert (case["case"], case["status"], case["steps"], case["urgency"]) == (1, "new", 1, "overdue")
    step = {"step": "forwarded", "said": {"department": "social"}, "seen": 1}
    after = client.post("/api/v1/cases/1/steps", json=step)
    assert (after.json()["status"], after.json()["waits_for_whom"]) == ("forwarded", "social")
    assert client.post("/api/v1/cases/1/steps", json=step).status_code == 409
    assert client.post("/api/v1/cases/1/steps", json=step | {"seen": 2, "extra": 1}).status_code == 422
    assert client.post("/api/v1/cases/1/heard", json={"number": "26007777", "seen": 2}).status_code == 200
    told = client.get("/api/v1/cases/1").text
    assert "26007777" not in told
    assert "n1-" not in told
    assert [one["step"] for one in client.get("/api/v1/cases/1").json()["history"]] == [
        "left",
        "forwarded",
        "heard",
    ]
    assert client.post("/api/v1/cases/1/number", json={}).json()["number"] == "+37126007777"
    assert client.post("/api/v1/cases", json={"about": "Zvans", "number": "26005555"}).json()["case"] == 4
    promise = {"kind": "promise", "number": "26006666", "by": "2030-01-02T12:00:00+02:00"}
    assert client.post("/api/v1/cases", json=promise).json()["department"] == "pr"
    assert client.post("/api/v1/cases", json={"kind": "promise", "number": "26006666"}).status_code == 422
    as_person(client, ANDRIS)
    assert client.get("/api/v1/cases/2").status_code == 403
    assert client.post("/api/v1/cases/2/steps", json={"step": "checked", "seen": 1}).status_code == 403
    assert client.post("/api/v1/cases/2/number", json={}).status_code == 403
    assert client.post("/api/v1/cases", json={"about": "x"}).status_code == 403
    away = {"step": "forwarded", "said": {"department": "finance"}, "seen": 3}
    assert client.post("/api/v1/cases/1/steps", json=away).json()["status"] == "out_of_sight"
    heads = {"sec-fetch-site": "cross-site"}
    assert client.post("/api/v1/cases/1/steps", json=away, headers=heads).status_code == 403
