"""The plan of a recording, worked out from its `truth.json`: who called what and when, and what each phone
did after how long. Nothing in it comes from what the PBX wrote.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from callstats.simulate.story import Act, Pickup, QueueAction, Story, Transfer

QUOTED, MARKED = 'Bērziņš, Jānis \\"Jancis\\"', "O'Hara; SIA \\\\Rīga\\\\"
# The trimmed recordings' truth has no names: caller → name.
NAMES = {
    "+37129640028": MARKED, "+37127871513": "Ēriks Čakāns", "+37162491001": QUOTED,
    "+37126851625": MARKED, "+37167897845": "Žanna Šņore", "+37124215400": QUOTED,
    "+37127434867": MARKED, "+37163091430": "Ilva Ģēģere", "+37127804950": QUOTED,
}  # fmt: skip

__all__ = ["names_told", "plan_of", "truth_of"]

Told = Mapping[str, Any]
DIALLED_ON_S = 2.32  # from the first digit of a feature code to the last one of the extension
OFF, SILENT = {"601"}, {"603"}
KEYS = {"201": "1", "202": "1", "203": "1", "301": "2", "302": "2", "303": "2", "602": "3", "100": "0"}
REFUSED = {"busy": "busy", "unavailable": "unavailable", "declined": "decline", "forwarded": "forward"}
LISTENING = ((3.0, "1"), (11.0, "#"))


def truth_of(recording: Path) -> dict[str, Any]:
    """A recording's truth."""
    read: dict[str, Any] = json.loads((recording / "truth.json").read_text(encoding="utf-8"))
    return read


def plan_of(truth: Told, names: Mapping[str, str]) -> list[Story | QueueAction]:
    """Stories and queue actions in rising time. `names`: caller's number → name that was sent."""
    calls = [_shifted(c, truth.get("clock_offset", 0)) for c in truth["calls"] if c.get("t_start")]
    picked = {_story_of(c): c for c in calls if c["dialled"] == "*8"}
    originate = [a["action"] for a in truth["ami_actions"] if isinstance(a["action"], dict)]
    shown = {a["Exten"]: a["CallerID"].partition(" <")[0] for a in originate if a["Action"] == "Originate"}
    plan: list[Story | QueueAction] = []
    for call in calls:
        if call["dialled"] != "*8":
            name = shown.get(call["dialled"], "") if call["kind"] == "ami" else names.get(call["caller"], "")
            plan.append(_story(call, name, picked.get(_story_of(call))))
    plan += [a for action in truth["ami_actions"] if (a := _action(action, truth)) is not None]
    return sorted(plan, key=lambda p: p.at_s)


def _shifted(call: Told, offset: float) -> Told:
    """Times as the PBX's clock has them."""
    if not offset:
        return call

    def moved(of: Told) -> dict[str, Any]:
        return {
            k: v + offset if k.startswith("t_") and isinstance(v, int | float) else v for k, v in of.items()
        }

    return moved(call) | {"caller_side": moved(call["caller_side"]), "legs": [moved(g) for g in call["legs"]]}


def _story_of(call: Told) -> str:
    return str(call["call_id"]).partition(".")[0]


def _action(told: Told, truth: Told) -> QueueAction | None:
    action = told["action"]
    if not isinstance(action, dict):
        return None
    at = told["t"] + truth.get("clock_offset", 0)
    kinds = {"QueueAdd": "add", "QueueRemove": "remove"}
    kind = kinds.get(action["Action"]) or (
        {"true": "pause", "false": "unpause"}[action["Paused"]] if action["Action"] == "QueuePause" else None
    )
    if kind is None:
        return None
    told_of = (action.get("MemberName", ""), action.get("Reason", ""))
    return QueueAction(at, kind, action["Queue"], action["Interface"], *told_of)  # type: ignore[arg-type]


def _story(call: Told, name: str, picker: Told | None) -> Story:
    side, legs = call["caller_side"], sorted(call["legs"], key=lambda g: g["t_invite"])
    start = call["t_start"]
    ended_by_caller = side.get("bye_by") == "caller"
    answered = call["t_answer"] is not None
    patience = None
    if "t_cancel" in side:
        patience = side["t_cancel"] - start
    elif ended_by_caller and not answered:
        patience = side["t_bye"] - start
    kinds = {"public": "public", "staff": "staff", "ami": "click_to_call"}
    return Story(
        at_s=start,
        kind=kinds[call["kind"]],  # type: ignore[arg-type]
        caller=call["caller"],
        dialled=call["dialled"],
        phones=_phones(call, legs, ended_by_caller),
        name=name,
        withheld={"plain": "plain", "pai": "asserted"}.get(call.get("withheld") or "", ""),  # type: ignore[arg-type]
        patience_s=patience,
        talk_s=side["t_bye"] - call["t_answer"] if answered and ended_by_caller else None,
        keys=_keys(call, legs),
        pickup=_pickup(call, legs, picker),
        tag=call["scenario"],
        unit=call["unit"],
        callback_of=call.get("callback_of") or "",
    )


def _pickup(call: Told, legs: Sequence[Told], picker: Told | None) -> Pickup | None:
    if picker is None or not legs:
        return None
    has_it = legs[0]["t_cancel"]
    return Pickup(
        picker["caller"],
        legs[0]["phone"],
        picker["t_start"] - call["t_start"],
        picker["caller_side"]["t_bye"] - has_it,
    )


def _keys(call: Told, legs: Sequence[Told]) -> tuple[tuple[float, str], ...]:
    if call["dialled"] == "*97":
        return LISTENING
    if call["dialled"] != "67012000" or not legs:
        return ()
    after = legs[0]["t_invite"] - 0.011 - call["caller_side"]["t_final"]
    return () if after > 8 else ((after, KEYS[legs[0]["phone"]]),)


def _phones(call: Told, legs: Sequence[Told], ended_by_caller: bool) -> dict[str, tuple[Act, ...]]:
    acts: dict[str, list[Act]] = defaultdict(list)
    for phone in OFF:
        acts[phone].append(Act("off"))
    for phone in SILENT:
        acts[phone].append(Act("silent"))
    for place, leg in enumerate(legs):
        acts[leg["phone"]].append(_act(leg, legs[place + 1 :], ended_by_caller))
    if call["kind"] == "ami" and legs:
        acts[call["caller"]].append(Act("answer", legs[0]["t_invite"] - call["t_start"] - 0.02))
    return {phone: tuple(done) for phone, done in acts.items()}


def _act(leg: Told, later: Sequence[Told], ended_by_caller: bool) -> Act:
    outcome, final = leg["outcome"], leg.get("t_final", 0.0)
    alerted = leg.get("t_180", leg.get("t_183"))
    if outcome == "answered":
        transfer = _transfer(leg, later)
        stays = transfer is not None or (ended_by_caller and "t_refer" not in leg)
        return Act(
            "answer" if "t_180" in leg else "progress",
            final - alerted,
            talk_s=None if stays else leg["t_bye"] - final,
            transfer=transfer,
        )
    if outcome == "declined":
        return Act("decline", final - alerted)
    if outcome == "forwarded":
        return Act("forward", final - leg["t_invite"], target=later[0]["phone"])
    if outcome in REFUSED:
        return Act(REFUSED[outcome], final - leg["t_invite"])  # type: ignore[arg-type]
    return Act("ring")


def _transfer(leg: Told, later: Sequence[Told]) -> Transfer | None:
    goal = next((g for g in later if g["t_invite"] > leg["t_final"]), None)
    if goal is None:
        return None
    if "t_refer" in leg:
        return Transfer("refer", goal["phone"], leg["t_refer"] - leg["t_final"])
    pressed = goal["t_invite"] - DIALLED_ON_S - leg["t_final"]
    if goal.get("via_transfer"):
        return Transfer("attended", goal["phone"], pressed, leg["t_bye"] - goal["t_final"])
    return Transfer("blind", goal["phone"], pressed)


def names_told(truth: Told) -> dict[str, str]:
    """Names that callers sent, where the truth tells them, else those of the trimmed recordings."""
    told = {c["caller"]: c.get("caller_name", "") for c in truth["calls"]}
    return {number: name for number, name in told.items() if name} or NAMES
