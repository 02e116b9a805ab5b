"""Who may see what: one table, route by route and role by role (domain/05 requirements 4 and 5).

Each route is in it, or it answers nobody. *Own* means own departments, their calls and cases; *all* means
every department.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final, Literal

from fastapi import Request

from api.errors import ForbiddenError, UnknownVisitorError
from api.people import visitor_of
from callstats.accounts.roles import ROLES, Role, Visitor
from callstats.departments import Departments
from callstats.small_cells import never_apart

Reach = Literal["own", "all"]
Row = dict[Role, Reach]


def _all(*roles: Role) -> Row:
    return dict.fromkeys(roles, "all")


HOMES: Final = (
    ("overview_page", "/overview"),
    ("register_page", "/register"),
    ("health_page", "/health"),
    ("access_log_page", "/access-log"),
)
EVERYBODY: Final = frozenset(
    {
        "sign_in_page", "sign_in", "provider_begin", "provider_back", "who_page", "be_who", "plotly_file",
        "openapi",
    }
)  # fmt: skip
OF_A_BROWSER: Final = frozenset({"account_page", "sign_out", "sign_out_everywhere", "call_phone"})
ANY: Final[Row] = _all(*ROLES)
FIGURES: Final[Row] = {"head": "own", **_all("chancellery", "analyst")}
CASES: Final[Row] = {"employee": "own", "head": "own", **_all("pr")}
MATRIX: Final[dict[str, Row]] = {
    # pages
    "departments_page": ANY,  # leads everybody to a page of one's own
    "department_page": FIGURES,
    "figures_page": FIGURES,
    "calls_page": {"head": "own", **_all("analyst")},
    "call_page": {"head": "own", **_all("analyst")},
    "call_phone": {"head": "own"},
    "missed_page": {"head": "own"},
    "missed_number": {"head": "own"},
    "neutral_page": {"head": "own"},
    "enter_neutral": {"head": "own"},
    "withdraw_neutral": {"head": "own"},
    "remarks_page": {"head": "own"},
    "enter_remark": {"head": "own"},
    "withdraw_remark": {"head": "own"},
    "answer_correction": {"head": "own"},
    "overview_page": _all("chancellery"),
    "live_page": {"head": "own", **_all("chancellery")},
    "live_part": {"head": "own", **_all("chancellery")},
    "live_events": {"head": "own", **_all("chancellery")},
    "months_page": {"head": "all", **_all("chancellery", "analyst", "admin")},
    "health_page": _all("admin"),
    "access_log_page": _all("dpo"),
    "requests_page": _all("dpo"),
    "enter_request": _all("dpo"),
    "request_file": _all("dpo"),
    "forget_number": _all("dpo"),
    "close_request": _all("dpo"),
    "account_page": ANY,
    "mine_page": {"employee": "own", "head": "own"},
    "ask_page": {"employee": "own", "head": "own"},
    "ask": {"employee": "own", "head": "own"},
    "sign_out": ANY,
    "sign_out_everywhere": ANY,
    # the register of messages: what of it, `people.may` says case by case
    "register_page": CASES,
    "register_file": CASES,
    "register_summary": _all("pr", "chancellery"),
    "case_page": CASES,
    "case_sound": CASES,
    "search": CASES,
    "bulk_step": CASES,
    "case_step": CASES,
    "case_number": CASES,
    "new_case": CASES,
    # API
    "departments": ANY,
    "catalogue": ANY,
    "figures": FIGURES,
    "window": FIGURES,
    "facts_table": _all("analyst"),
    "all_months": {"head": "all", **_all("chancellery", "analyst", "admin")},
    "cases": _all("pr", "chancellery", "analyst"),
    "department_calls": {"head": "own", **_all("analyst")},
    "one_call": {"head": "own", **_all("analyst")},
    "api_case": CASES,
    "api_step": CASES,
    "api_heard": CASES,
    "api_new_case": CASES,
    "api_number": CASES,
}


def admitted(request: Request) -> None:
    """A dependency of every route: lets those in whom the table names.

    Raises UnknownVisitorError where nobody has signed in, ForbiddenError for another role or department.
    """
    route, visitor = str(request.scope["route"].name), visitor_of(request)
    if route in EVERYBODY or visitor.trusted:
        return
    if visitor.program and route in OF_A_BROWSER:
        raise ForbiddenError("this is for who signs in with a browser, not for a token")
    if not visitor.roles:
        if visitor.account is not None:
            raise ForbiddenError("your account has no role today; ask the administrator")
        raise UnknownVisitorError("sign in first: /signin (a program sends 'Authorization: Bearer TOKEN')")
    found = departments_in(visitor, route)
    if found is None:
        return
    if not found:
        raise ForbiddenError("this is not for your role")
    asked = [request.path_params.get("department"), *request.query_params.getlist("department")]
    foreign = sorted({one for one in asked if one is not None and one not in found})
    if foreign:
        raise ForbiddenError(f"department {', '.join(foreign)} is not yours")


def apart(visitor: Visitor, departments: Departments, end: date) -> frozenset[str]:
    """Departments that a visitor sees only together with others: small ones, for the Chancellery.

    Heads see their own, analysts all: of pseudonymised calls, without anybody's name.
    """
    if visitor.trusted or "chancellery" not in visitor.roles or "analyst" in visitor.roles:
        return frozenset()
    return never_apart(departments, end) - set(visitor.departments_as("head"))


def not_apart(visitor: Visitor, departments: Departments, asked: Collection[str], end: date) -> None:
    """Raises ForbiddenError where one of the departments is shown within its institution only."""
    if found := sorted(apart(visitor, departments, end) & set(asked)):
        raise ForbiddenError(
            f"department {', '.join(found)} is told together with others of its institution: /overview"
        )


def home_of(visitor: Visitor) -> str:
    """The page that somebody begins with who sees no department's figures."""
    return next((path for route, path in HOMES if departments_in(visitor, route) != ()), "/account")


def departments_in(visitor: Visitor, route: str) -> tuple[str, ...] | None:
    """Departments that a visitor sees in a route: some, none, or None: all of them."""
    row = MATRIX.get(route, {})
    if visitor.trusted or any(row.get(role) == "all" for role in visitor.roles):
        return None
    return visitor.departments_as(*(role for role, reach in row.items() if reach == "own"))
