"""What `doctor` finds of the live feed, and the lines to paste into the PBX's files so that it tells all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from callstats.cases import crossings, feeds_live
from callstats.feed_status import FeedStatus, statuses
from callstats.settings import Settings
from callstats.store import Store

Found = tuple[str, bool, str]  # what was looked at, whether it is well, what was found
BEHIND: Final = timedelta(minutes=2)
IDLE: Final = timedelta(minutes=15)  # an idle feed is taken in every five minutes
RECENT: Final = timedelta(days=7)
RIGHTS: Final = "call,agent,user,cdr,system,reporting,dialplan"
# File, FreePBX's file for one's own lines, section, lines. FACTS: CEL's `apps=all` writes nothing, names do.
FILES: Final = (
    (
        "manager.conf", "manager_custom.conf, there [general](+)", "[general]",
        ("enabled = yes", "timestampevents = yes"),
    ),
    (
        "manager.conf", "manager_custom.conf", "[{user}]",
        (
            "secret = {secret}", "deny = 0.0.0.0/0.0.0.0", "permit = {permit}", f"read = {RIGHTS}",
            "write = reporting", "writetimeout = 10000", "eventfilter = !Event: VarSet",
        ),
    ),
    (
        "cel.conf", "cel_general_custom.conf, without the section's name", "[general]",
        ("enable = yes", "apps = dial,queue,voicemail", "events = ALL"),
    ),
    (
        "cdr.conf", "cdr_general_custom.conf, without the section's name", "[general]",
        ("enable = yes", "unanswered = yes", "congestion = yes"),
    ),
    ("cdr.conf", "cdr.conf", "[csv]", ("newcdrcolumns = yes",)),
)  # fmt: skip
SECRET: Final = "a long secret, the same as in [[ami]]"


def found(store: Store, settings: Settings) -> Iterator[Found]:
    """Of each manager in the settings: is it heard, what is wrong or lacking; is the journal taken in."""
    now = store.clock()
    told = {one.journal: one for one in statuses(settings.journal.folder)}
    pbxs = settings.managers
    for pbx in pbxs:
        own = [one for one in told.values() if one.pbx == pbx]
        yield f"live feed {pbx}", *_feed(own, now)
    if pbxs:
        yield "journal", *_journal(store, settings, now)
        yield "gaps", *_gaps(store, set(pbxs), now)


def _feed(own: list[FeedStatus], now: datetime) -> tuple[bool, str]:
    if not own:
        return False, "not collected yet; start callstats collect (or callstats run)"
    well = [one for one in own if one.state == "connected" and not one.silent(now)]
    if not well:
        one = max(own, key=lambda one: one.told_at)
        if one.state == "stopped" or one.silent(now):
            return False, f"the collector does not run since {one.told_at:%Y-%m-%d %H:%M} UTC; start it"
        return False, f"{one.state} since {one.since:%Y-%m-%d %H:%M} UTC: {one.fault or 'trying'}"
    lacks = sorted({right for one in well for right in one.lacks})
    if lacks:
        return False, f"connected, but manager.conf lacks {', '.join(lacks)}; the lines below have it"
    one = well[0]
    more = f", {len(well)} collectors" if len(well) > 1 else ""
    return True, f"connected to {one.peer} (manager {one.version}) since {one.since:%Y-%m-%d %H:%M} UTC{more}"


def _journal(store: Store, settings: Settings, now: datetime) -> tuple[bool, str]:
    """Whether what was collected gets into the facts."""
    with store.database.read() as connection:
        cursors = {one.journal: one for one in feeds_live.cursors(connection)}
    size = sum(path.stat().st_size for path in settings.journal.folder.glob("*/*.journal"))
    behind = []
    for one in statuses(settings.journal.folder):
        newest = max((settings.journal.folder / one.journal).glob("*.journal"), default=None)
        cursor = cursors.get(one.journal)
        if newest is None:
            continue
        turned = cursor is not None and int(newest.stem) > cursor.segment and now - cursor.at > BEHIND
        silent = cursor is not None and one.heard_at is not None and one.heard_at - cursor.at > IDLE
        late = cursor is None or turned or silent
        behind += [one.journal] if late and one.heard_at and now - one.heard_at < RECENT else []
    if behind:
        return False, f"{', '.join(behind)}: not taken into the figures; start callstats intake, see its log"
    return True, f"{size / 2**20:.1f} MiB, taken in"


def _gaps(store: Store, pbxs: set[str], now: datetime) -> tuple[bool, str]:
    """Gaps of the last days: their calls are not certain unless another source tells of them."""
    since, until = (int(at.timestamp() * 1e6) for at in (now - RECENT, now - BEHIND))
    with store.database.read() as connection:
        recent = [
            (begin, end)
            for pbx, begin, end in sorted(crossings.gaps(connection))
            if pbx in pbxs and begin > since and end < until
        ]
    if not recent:
        return True, f"none in the last {RECENT.days} days"
    seconds = sum(end - begin for begin, end in recent) / 1e6
    return True, (
        f"{len(recent)} in the last {RECENT.days} days, {seconds:.0f} s together; "
        "CDR, CEL and queue_log of that time heal them"
    )


def to_paste(settings: Settings) -> str:
    """The lines for manager.conf, cel.conf and cdr.conf, for FreePBX its custom files, then a test call."""
    server = settings.ami[0] if settings.ami else None
    near = server is None or server.on_loopback
    given = {
        "user": server.user if server else "callstats",
        "secret": SECRET,
        "permit": f"{'127.0.0.1' if near else 'address-of-this-machine'}/255.255.255.255",
    }
    lines = ["To paste into the PBX's files, then on the PBX: asterisk -rx 'core reload'"]
    for name, freepbx, section, said in FILES:
        lines += ["", f"; {name} (FreePBX: {freepbx})", section, *said]
    lines += [
        "",
        "Then make a test call: from outside to one of the phones, let it ring three times, answer, hang up.",
        "What each source told of it: the page Is all well? (/health), or callstats explain CALL_ID.",
    ]
    return "\n".join(lines).format(**given)
