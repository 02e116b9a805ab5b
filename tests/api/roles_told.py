"""The table of `api.access` as Markdown: ``python -m tests.api.roles_told`` writes docs/roles.md anew."""

from __future__ import annotations

from pathlib import Path

from api.access import EVERYBODY, MATRIX
from callstats.accounts.roles import ROLE_NAMES, ROLES

DOC = Path(__file__).parents[2] / "docs" / "roles.md"
HEAD = """# Who may see what: route by role

Written from `api/access.py` (`python -m tests.api.roles_told`); a test compares. *own*: own departments,
calls and cases; *all*: every department; nothing: refused. What of a case somebody may do is
`api.people.may`; the Chancellery sees units of one or two people only within their institution
(`api.access.apart`); the register tells its clocks per department, as clause 17 makes each one
answerable.
"""


def told() -> str:
    """The document."""
    heads = [ROLE_NAMES[role].en for role in ROLES]
    lines = [
        HEAD,
        f"| route | {' | '.join(heads)} |",
        f"|---|{'---|' * len(heads)}",
        *(
            f"| `{route}` | {' | '.join(row.get(role, '') for role in ROLES)} |"
            for route, row in sorted(MATRIX.items())
        ),
        "",
        f"Without signing in: {', '.join(f'`{one}`' for one in sorted(EVERYBODY))}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    DOC.write_text(told(), encoding="utf-8")
