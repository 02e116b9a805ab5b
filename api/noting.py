"""Writing down who looked at, or took, what is about others (domain/05 requirement 8)."""

from __future__ import annotations

from api.site import Site
from callstats.accounts.roles import Visitor
from callstats.cases import access_log
from callstats.cases.access_log import Access


def noted(site: Site, visitor: Visitor, action: str, about: str) -> None:
    """A row of the access log; before the answer, so that no look is without its row."""
    with site.store.database.write() as connection:
        name = visitor.name or "this machine's user"
        access_log.note(connection, Access(site.store.clock(), name, action, about))
