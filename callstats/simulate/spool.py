"""The voicemail spool: a `msgNNNN.txt` per message, as `app_voicemail` leaves it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from callstats.simulate.channel import SECOND_US, Channel
from callstats.simulate.trace import Sink, Values

__all__ = ["Spool"]


class Spool(Sink):
    """Writes into `folder`/context/box/INBOX; a message that was heard goes to Old."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers: dict[str, int] = {}
        self.old: dict[str, int] = {}
        self.made = 0

    def opened(self, t: int) -> None:
        """See `Sink.opened`: message ids count from 0."""
        self.made = 0

    def message(self, t: int, channel: Channel, values: Values) -> None:
        """See `Sink.message`."""
        box, _, context = str(values["mailbox"]).partition("@")
        home = self.folder / context / box
        inbox = home / "INBOX"
        if not values["left"]:
            self._heard(home, str(values["mailbox"]))
            return
        inbox.mkdir(parents=True, exist_ok=True)
        number = self.numbers.get(values["mailbox"], 0)
        self.numbers[values["mailbox"]] = number + 1
        path = inbox / f"msg{number:04d}.txt"
        path.write_text(self._text(box, channel, values), encoding="utf-8")

    def _heard(self, home: Path, mailbox: str) -> None:
        """The first message moves to Old, the others move up."""
        count = self.numbers.get(mailbox, 0)
        if not count:
            return
        old = home / "Old"
        old.mkdir(parents=True, exist_ok=True)
        (home / "INBOX" / "msg0000.txt").rename(old / f"msg{self.old.get(mailbox, 0):04d}.txt")
        self.old[mailbox] = self.old.get(mailbox, 0) + 1
        for number in range(1, count):
            inbox = home / "INBOX"
            (inbox / f"msg{number:04d}.txt").rename(inbox / f"msg{number - 1:04d}.txt")
        self.numbers[mailbox] = count - 1

    def _text(self, box: str, channel: Channel, values: Values) -> str:
        began = values["began"] // SECOND_US
        date = datetime.fromtimestamp(began, UTC).strftime("%a %b %d %I:%M:%S %p UTC %Y")
        caller = f'"{channel.caller_name}" <{channel.num}>' if channel.caller_name else channel.num
        self.made += 1
        return (
            ";\n; Message Information file\n;\n[message]\n"
            f"origmailbox={box}\ncontext={channel.context}\nexten={channel.exten}\nrdnis=unknown\n"
            f"priority={channel.priority}\ncallerchan={channel.name}\ncallerid={caller}\n"
            f"origdate={date}\norigtime={began}\ncategory=\nmsg_id={began}-{self.made - 1:08x}\n"
            f"flag=\nduration={values['seconds']}\n"
        )
