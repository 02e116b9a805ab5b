"""A call as a person would tell it, with the lines behind each fact (`callstats explain`)."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from callstats import phrases
from callstats.departments import Departments
from callstats.evidence import Line
from callstats.metrics.third_signal_share import METRIC as THIRD
from callstats.phrases import Language
from callstats.pseudonyms import PSEUDONYM
from callstats.settings import Settings
from callstats.store import Store
from callstats.timeline import Step, Timeline, timeline

SHORT: Final = 8  # hex digits of a pseudonym that people are shown
WIDTH: Final = 100
MEASURED_S: Final = 1.0  # bounds that are farther apart hold no measured ring time
TIED: Final = "\N{NO-BREAK SPACE}"  # a line's number and kind are not torn apart
Naming = Callable[[str], str]


def explain(store: Store, call_id: str, settings: Settings, language: str = "en") -> str:
    """A call told in Latvian (`lv`) or English (`en`): what happened, how it is judged, the lines behind it.

    `call_id` may be a merged id or a bare linkedid. `settings` judge it and name its departments. Raises
    InputError for an unknown call, UsageError for another language.
    """
    chosen = phrases.checked(language)
    found = timeline(store, call_id, settings)
    naming = _department_names(settings, chosen)
    teller = Teller(chosen, ZoneInfo(store.timezone), fine=_fine(found), department=naming)
    return "\n".join(_told(found, teller))


def short(value: str) -> str:
    """A client's pseudonym in the length that people are shown; anything else as it is."""
    if not PSEUDONYM.fullmatch(value):
        return value
    key, _, digest = value.partition("-")
    return f"{key}-{digest[:SHORT]}"


def _department_names(settings: Settings, language: Language) -> Naming:
    departments = Departments.from_settings(settings)
    return lambda department: departments.name(department, language)


def _fine(found: Timeline) -> bool:
    """Whether any source of the call tells times finer than whole seconds."""
    return bool({"ami", "cel"} & set(found.call["sources"]))


class Teller:
    """Tells steps in one language and zone. `department` names an id, `employee` an extension,
    `client` a client's pseudonym, `number` a number of the site's own that was dialled, `mailbox` a mailbox,
    `queue` a queue (pages hide persons: a direct number or a mailbox is an employee's too).

    `fine` shows tenths of seconds, for calls that a source tells so finely.
    """

    def __init__(
        self,
        language: Language,
        zone: ZoneInfo,
        *,
        fine: bool = True,
        department: Naming = str,
        employee: Naming = str,
        client: Naming | None = None,
        number: Naming = str,
        mailbox: Naming = str,
        queue: Naming = str,
    ) -> None:
        self.number = number
        self.mailbox = mailbox
        self.queue = queue
        self.language = language
        self.zone = zone
        self.fine = fine
        self.department = department
        self.employee = employee
        self.client = client or short

    def word(self, key: str, **values: str) -> str:
        """A phrase of `phrases.WORDS`."""
        return phrases.WORDS[key][self.language].format(**values)

    def time(self, at: datetime | None) -> str:
        """Local time of day, such as 04:47:30,5."""
        if at is None:
            return self.word("unknown_time")
        if not self.fine:
            return at.astimezone(self.zone).strftime("%H:%M:%S")
        rounded = at + timedelta(microseconds=50_000)
        point = "," if self.language == "lv" else "."
        return f"{rounded.astimezone(self.zone):%H:%M:%S}{point}{rounded.microsecond // 100_000}"

    def seconds(self, value: float | None) -> str:
        """Seconds in words; an unknown time where there are none."""
        return self.word("unknown_time") if value is None else phrases.seconds(value, self.language)

    def step(self, step: Step) -> str:
        """The sentence of a step."""
        key, values = self._sentence(step)
        return phrases.STEPS[key][self.language].format(**values)

    def _sentence(self, step: Step) -> tuple[str, Mapping[str, str]]:
        values = step.values
        if step.kind == "called":
            return "called", {"caller": self._caller(values), "dialled": self._dialled(values)}
        if step.kind == "entered":
            how = phrases.ENTERED_BY[values["entered_by"]][self.language]
            return "entered", {"department": self._department(values["department"]), "entered_by": how}
        if step.kind in ("rang", "offered", "not_rung"):
            return self._phone(step)
        if step.kind in ("answered", "answered_sometime"):
            return self._answer(step)
        if step.kind in ("blind_transfer", "attended_transfer"):
            return step.kind, {"target": self._target(values["target"])}
        if step.kind == "message":
            box = self.mailbox(str(values["mailbox"]))
            told = {"duration": self.seconds(values["duration_s"]), "mailbox": box}
            if values["duration_s"] is None:
                return "message_of_some_length", told
            return ("empty_message" if values["empty"] else "message"), told
        if step.kind == "client_answered":
            return "client_answered", {"ring": self.seconds(values["ring_s"])}
        if step.kind == "ended":
            return self._ending(step)
        if step.kind == "third_signal" and values["left_out"]:
            return "not_scored", {"reason": self._left_out(values["left_out"])}
        if step.kind in ("third_signal", "rotation", "counted", "neutral"):
            return step.kind, self._judgement(step)
        if step.kind == "disagreement":
            return "disagreement", self._disagreement(values)
        times = {"at": self.time(step.at), "until": self.time(step.until)}
        told = {
            "queue": self.queue(str(values.get("queue", ""))),
            "seconds": self.seconds(values.get("seconds")),
        }
        return step.kind, times | told

    def _caller(self, values: Mapping[str, Any]) -> str:
        caller, kind = values["caller"], values["caller_class"]
        if caller is None:
            return self.word("nobody")
        if kind == "anonymous":
            return self.word("anonymous")
        if kind == "extension":
            return self.word("employee", who=self.employee(caller))
        return self.word("client", who=self.client(caller))

    def _dialled(self, values: Mapping[str, Any]) -> str:
        dialled = values["dialled"]
        if dialled is None:
            return self.word("no_number")
        if PSEUDONYM.fullmatch(dialled):
            return self.word("client_number", who=self.client(dialled))
        return self.employee(dialled) if values["dialled_class"] == "extension" else self.number(str(dialled))

    def _target(self, target: str | None) -> str:
        if target is None:
            return self.word("colleague")
        return self.client(target) if PSEUDONYM.fullmatch(target) else self.employee(target)

    def _department(self, department: str | None) -> str:
        return self.word("no_department") if department is None else self.department(department)

    def _phone(self, step: Step) -> tuple[str, Mapping[str, str]]:
        values = step.values
        outcome = phrases.ATTEMPTS[values["outcome"]][self.language]
        if values["certainty"] not in ("certain", "unknown"):
            outcome += f" ({phrases.CERTAINTY[values['certainty']][self.language]})"
        told = {
            "employee": self.employee(values["employee"]),
            "outcome": outcome,
            "at": self.time(step.at),
            "until": self.time(step.until),
            "ring": self.seconds(values["ring_s"]),
        }
        return ("rings_still" if step.kind == "rang" and step.until is None else step.kind), told

    def _answer(self, step: Step) -> tuple[str, Mapping[str, str]]:
        values = step.values
        told = {
            "answered_by": self.employee(values["answered_by"]),
            "ring": self.seconds(values["ring_s"]),
            "wait": self.seconds(values["wait_s"]),
            "longest": self.seconds(values["ring_max_s"]),
            "rings": phrases.plural("signals", values["rings"] or 0, self.language),
        }
        if step.kind == "answered_sometime":
            return "answered_sometime", told
        if values["ring_s"] is None or values["rings"] is None:
            return "answered_unmeasured", told
        if values["ring_max_s"] is not None and values["ring_max_s"] - values["ring_min_s"] > MEASURED_S:
            return "answered_at_most", told
        return ("took_over" if values["took_over"] else "answered"), told

    def _ending(self, step: Step) -> tuple[str, Mapping[str, str]]:
        values = step.values
        outcome = phrases.OUTCOMES[values["outcome"] or "unknown"][self.language]
        if values["outcome"] == "answered":
            outcome = self.word("answered_by", who=self._who_answered(values))
        if values["outcome_certainty"] not in ("certain", "unknown"):
            outcome += f" ({phrases.CERTAINTY[values['outcome_certainty']][self.language]})"
        told = {"outcome": outcome, "talk": self.seconds(values["talk_s"])}
        if step.at is None:
            return "not_ended", told
        talked = values["outcome"] == "answered" and values["talk_s"] is not None
        return ("ended_talk" if talked else "ended"), told

    def _who_answered(self, values: Mapping[str, Any]) -> str:
        who = values["answered_by"]
        if values["direction"] == "outbound":
            return self.word("the_client")
        return self.word("phone_unknown") if who is None else self.employee(who)

    def _judgement(self, step: Step) -> Mapping[str, str]:
        values = step.values
        if step.kind == "counted":
            return {name: self._yes_or_no(values[name]) for name in ("in_hours", "external")}
        if step.kind == "neutral":
            states = [phrases.NEUTRAL_STATES[name][self.language] for name in values["states"]]
            states += [self.word("entry", number=str(number)) for number in values["entries"]]
            return {"states": ", ".join(states)}
        if step.kind == "rotation":
            rotation = phrases.ROTATIONS[values["rotation"]][self.language]
            if values["rotation_cause"]:
                cause = phrases.CAUSES[values["rotation_cause"]][self.language]
                rotation = self.word("because", rotation=rotation, cause=cause)
            return {"rotation": rotation, "certainty": self._certainty(values["rotation_certainty"])}
        return {
            "verdict": self._yes_or_no(values["within_third_signal"]),
            "certainty": self._certainty(values["third_signal_certainty"]),
            "reason": self._reason(values),
        }

    def _left_out(self, reason: str) -> str:
        """Why a visit is not scored, in the words of the figure that leaves it out."""
        if reason in phrases.LEFT_OUT:
            return phrases.LEFT_OUT[reason][self.language]
        return THIRD.exclusions[reason][self.language]

    def _reason(self, values: Mapping[str, Any]) -> str:
        limit = values["limit_s"]

        def bound(value: float | None) -> str:
            return "" if value is None else phrases.bound(value, limit, self.language)

        return phrases.REASONS[values["reason"]][self.language].format(
            shortest=bound(values["ring_min_s"]),
            longest=bound(values["ring_max_s"]),
            limit="" if limit is None else self.word("limit", seconds=bound(limit)),
        )

    def _disagreement(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        difference = values["difference_s"]
        fact = phrases.FACTS.get(values["fact"], {"en": values["fact"], "lv": values["fact"]})
        return {
            "fact": fact[self.language],
            "taken_source": phrases.SOURCES[values["taken_source"]],
            "other_source": phrases.SOURCES[values["other_source"]],
            "difference": ""
            if difference is None
            else self.word("differs_by", seconds=self.seconds(abs(difference))),
        }

    def _certainty(self, value: str) -> str:
        return phrases.CERTAINTY[value][self.language]

    def _yes_or_no(self, value: bool | None) -> str:
        return self.word("cannot_tell" if value is None else "yes" if value else "no")

    def lines(self, evidence: Sequence[Line]) -> list[str]:
        """Where a fact was said: one text per file, such as `cel/Master.csv: line 25 CHAN_START, 27 …`."""
        found = []
        for (path, source), group in groupby(evidence, key=lambda line: (line.path, line.source)):
            word = self.word("event" if source == "ami" else "line")
            found.append(f"{path}: {word} " + ", ".join(f"{line.line}{TIED}{line.kind}" for line in group))
        return found


def _told(found: Timeline, teller: Teller) -> Iterable[str]:
    call = found.call
    started = call["started_at"].astimezone(teller.zone)
    day = phrases.day(started, teller.language)
    zone, time = teller.zone.key, teller.time(call["started_at"])
    yield teller.word("title", call_id=call["call_id"], day=day, time=time, zone=zone)
    sources = ", ".join(phrases.SOURCES[source] for source in call["sources"])
    yield f"{teller.word('seen_by', sources=sources)} {phrases.plural('lines', found.lines, teller.language)}"
    if call["aliases"]:
        yield teller.word("merged", aliases=", ".join(call["aliases"]))
    if found.silent:
        gone = ", ".join(phrases.SOURCES[source] for source in found.silent)
        yield from _wrapped(teller.word("purged", sources=gone), "")
        if found.purged_before is not None and call["local_date"] < found.purged_before:
            before = phrases.day(found.purged_before, teller.language)
            yield from _wrapped(teller.word("purged_before", before=before), "")
    yield ""
    for step in found.steps:
        yield from _step(step, teller)
    for visit, judged in groupby(found.judgements, key=lambda step: step.visit):
        steps = list(judged)
        department = teller._department(steps[0].values["department"])
        yield ""
        yield teller.word("judged", department=department, visit=str(visit))
        for step in steps:
            yield from _wrapped(teller.step(step), "  ")
            if step.kind == "neutral":  # other judgements rest on lines that stand above
                for line in teller.lines(step.evidence):
                    yield from _wrapped(line, "      ")
    if found.disagreements:
        yield ""
        yield teller.word("disagree")
        for step in found.disagreements:
            yield from _wrapped(teller.step(step), "  ")


def _step(step: Step, teller: Teller) -> Iterable[str]:
    time = "" if step.at is None else teller.time(step.at)
    margin = " " * (len("00:00:00.0") + 2 if teller.fine else len("00:00:00") + 2)
    first, *rest = _wrapped(teller.step(step), margin)
    yield time.ljust(len(margin)) + first[len(margin) :]
    yield from rest
    for line in teller.lines(step.evidence):
        yield from _wrapped(line, margin + "    ")


def _wrapped(text: str, margin: str) -> list[str]:
    wrapper = textwrap.TextWrapper(
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(TIED, " ") for line in wrapper.wrap(text)]
