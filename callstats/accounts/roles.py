"""The roles of domain/05 requirement 5, and the visitor who has some of them today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from callstats.accounts.periods import within
from callstats.metrics.base import Said

Role = Literal["employee", "head", "pr", "chancellery", "analyst", "admin", "dpo"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
OF_DEPARTMENT: Final[frozenset[Role]] = frozenset({"employee", "head"})
ROLE_NAMES: Final[dict[Role, Said]] = {
    "employee": Said("darbinieks", "employee"),
    "head": Said("vadītājs", "head"),
    "pr": Said("sabiedrisko attiecību speciālists", "Public Relations specialist"),
    "chancellery": Said("Kanceleja", "Chancellery"),
    "analyst": Said("analītiķis", "analyst"),
    "admin": Said("administrators", "administrator"),
    "dpo": Said("datu aizsardzības speciālists", "data protection officer"),
}


@dataclass(frozen=True)
class Grant:
    """A role, of a department where the role has one, over local days ``[valid_from, valid_to)``."""

    role: Role
    department: str | None = None
    valid_from: date = date.min
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether it holds on a local day."""
        return within(day, self.valid_from, self.valid_to)


@dataclass(frozen=True)
class Visitor:
    """Who asks: the name that steps are signed with, the grants of today, the extensions of one's own.

    `program`: asks with a token. `trusted`: nobody has an account yet, and the server answers this machine
    alone.
    """

    name: str
    grants: tuple[Grant, ...] = ()
    account: int | None = None
    extensions: tuple[str, ...] = ()
    trusted: bool = False
    program: bool = False  # asks with a token
    roles: frozenset[Role] = field(init=False)
    departments: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        roles = frozenset(one.role for one in self.grants)
        own = dict.fromkeys(one.department for one in self.grants if one.department)
        object.__setattr__(self, "roles", roles)
        object.__setattr__(self, "departments", tuple(own))

    def departments_as(self, *roles: Role) -> tuple[str, ...]:
        """Departments in which the visitor has one of some roles, in the order of the grants."""
        found = (one.department for one in self.grants if one.role in roles and one.department)
        return tuple(dict.fromkeys(found))
