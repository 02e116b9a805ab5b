"""Faults in settings as lines for people: what, where, what is allowed."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Loc = tuple[int | str, ...]

# Variables with the prefix that are read elsewhere and are no settings.
RESERVED = ("CONFIG", "TEST_", "BENCH_", "REWRITE_")
EXAMPLES = {
    "extensions": '["201", "202"]',
    "queues": '["q-social"]',
    "numbers": '["67012200"]',
    "main_numbers": '["67012200"]',
    "number_blocks": '["670122"]',
    "outbound_prefixes": '["9"]',
    "mailboxes": '["8000@hotline"]',
    "callback_departments": '["environment"]',
    "pickup": '["*8"]',
    "voicemail": '["*97"]',
}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Settings models within an annotation such as `tuple[Department, ...]` or `Hours | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def _model_at(root: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model that holds the last key of `loc`."""
    model: type[BaseModel] | None = root
    for step in loc[:-1]:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(step) if model else None
        model = next(_models(field.annotation), None) if field else None
    return model


def _such_as(root: type[BaseModel], loc: Loc) -> str:
    """An example of a text: of an entry in a list, or what stands there by default."""
    if isinstance(loc[-1], int):
        return ', such as "201"'
    model = _model_at(root, loc)
    default = model.model_fields[loc[-1]].default if model and loc[-1] in model.model_fields else None
    return f', such as "{default}"' if isinstance(default, str) else ""


def _list_of(root: type[BaseModel], loc: Loc) -> str:
    """How a list is written: of sections, or of texts."""
    model = _model_at(root, loc)
    field = model.model_fields.get(str(loc[-1])) if model else None
    if field and next(_models(field.annotation), None):
        return f"must be sections, each under [[{loc[-1]}]]"
    example = EXAMPLES.get(str(loc[-1]))
    return f"must be a list, such as {example}" if example else 'must be a list of texts: ["...", "..."]'


def key_path(loc: Loc) -> str:
    """`("departments", 2, "extensions")` as `departments[2].extensions`."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return text


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint for a mistyped word: the nearest known one, else all of them."""
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else f"allowed: {', '.join(known)}"


def _where(loc: Loc, file: str, environ: Mapping[str, str], prefix: str) -> str:
    names = [prefix + "__".join(str(s) for s in loc[:n]).upper() for n in range(1, len(loc) + 1)]
    present = {name.upper() for name in environ}
    found = next((name for name in reversed(names) if name in present), None)
    return f"environment variable {found}" if found else file


def _plain(root: type[BaseModel], error: ErrorDetails) -> str:
    """What is wrong and what is allowed, without the value (it may be secret or personal)."""
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        model = _model_at(root, error["loc"])
        hint = did_you_mean(str(error["loc"][-1]), sorted(model.model_fields)) if model else "remove it"
        return f"unknown key; {hint}"
    if kind == "literal_error":
        return f"must be {ctx['expected']}"
    if kind.startswith("date_") or kind == "date_type":
        return "must be a date without quotes, such as 2026-01-31"
    if kind == "string_type":
        return f"must be a text in quotes{_such_as(root, error['loc'])}"
    if kind == "tuple_type":
        return _list_of(root, error["loc"])
    limits = {
        "missing": "is missing",
        "string_pattern_mismatch": f"must match {ctx.get('pattern')}",
        "model_type": "must be a section with keys",
        "model_attributes_type": "must be a section with keys",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "float_type": "must be a number",
        "float_parsing": "must be a number",
        "int_type": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_from_float": "must be a whole number",
        "path_type": 'must be a path in quotes, such as "data"',
        "finite_number": "must be a finite number",
        "greater_than": f"must be greater than {ctx.get('gt')}",
        "greater_than_equal": f"must be at least {ctx.get('ge')}",
        "less_than_equal": f"must be at most {ctx.get('le')}",
        "too_short": f"must have at least {ctx.get('min_length')} entries",
        "value_error": str(ctx.get("error", "")),
    }
    return limits.get(kind) or error["msg"]


def fault_lines(
    root: type[BaseModel], error: ValidationError, file: str, environ: Mapping[str, str], prefix: str
) -> list[str]:
    """One line per fault of a validation, in the order of the settings."""
    lines: dict[str, None] = {}
    for detail in error.errors(include_url=False, include_input=False):
        loc = tuple(detail["loc"])
        text = _plain(root, detail)
        if loc:
            lines[f"{_where(loc, file, environ, prefix)}: {key_path(loc)}: {text}"] = None
        else:  # faults between sections: they carry their own key paths
            lines.update(dict.fromkeys(f"{file}: {line}" for line in text.splitlines()))
    return list(lines)


def unreadable_variable(fault: str, environ: Mapping[str, str], prefix: str) -> str:
    """The line for a variable that should be JSON and is not; `fault` names the setting, not the variable."""
    setting = re.search(r'field "(\w+)"', fault)
    name = prefix + setting[1].upper() if setting else prefix
    names = sorted(n for n in environ if n.upper() == name or n.upper().startswith(f"{name}__"))
    return f"environment variable {' or '.join(names) or name}: not JSON; lists and sections are JSON there"


def unknown_variables(root: type[BaseModel], environ: Mapping[str, str], prefix: str) -> list[str]:
    """Faults for variables that look like a mistyped setting; others with the prefix are not ours."""
    known = sorted(root.model_fields)
    lines = []
    for name in sorted(environ):
        key = name.upper()
        if not key.startswith(prefix) or key.removeprefix(prefix).startswith(RESERVED):
            continue
        word, nested, _ = key.removeprefix(prefix).lower().partition("__")
        mistyped = bool(nested) or bool(difflib.get_close_matches(word, known, n=1, cutoff=0.75))
        if word not in known and mistyped:
            lines.append(f"environment variable {name}: unknown setting; {did_you_mean(word, known)}")
    return lines
