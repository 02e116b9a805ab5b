"""The laboratory's PBX (extensions.conf, queues.conf, pjsip.conf of the recordings) as a `Plant`."""

from __future__ import annotations

from dataclasses import replace

from callstats.simulate.plant import (
    Answer,
    Dial,
    Enqueue,
    Hangup,
    Member,
    Menu,
    NoOp,
    Plant,
    Playback,
    QueueOf,
    SetOther,
    SetUserfield,
    Voicemail,
    Wait,
)

__all__ = ["NAMES", "lab_plant"]

NAMES = {
    "100": "Ieva Liepa", "201": "Anna Kalniņa", "202": "Jānis Bērziņš", "203": "Līga Ozola",
    "204": "Pēteris Krūmiņš", "301": "Māris Šmits", "302": "Žanete Ķēniņa", "303": "Andris Ģērmanis",
    "401": "Inese Vītola", "402": "Jana Ozola", "501": "Dace Zariņa", "601": "Roberts Lācis",
    "602": "Kristīne Āboliņa", "603": "Uldis Čakste", "701": "Ilze Ozola", "702": "Edgars Īvāns",
    "703": "Santa Ņikitina", "801": "Gints Egle", "802": "Baiba Priede", "803": "Arvis Kļava",
    "804": "Elīna Saulīte", "805": "Oskars Ūdris", "806": "Zane Apine",
}  # fmt: skip
UNITS = {
    "1": "reception", "2": "social", "3": "construction", "4": "finance", "5": "registry", "6": "legal",
    "7": "culture", "8": "environment",
}  # fmt: skip
SAID = Hangup("${HANGUPCAUSE}")


def _unit(name: str) -> SetOther:
    return SetOther(f"CDR(unit)={name}")


def _members(*phones: str) -> tuple[Member, ...]:
    return tuple(Member(f"PJSIP/{phone}", NAMES[phone], phone) for phone in phones)


def _local(*phones: str) -> tuple[Member, ...]:
    return tuple(Member(f"Local/{phone}@agents/n", NAMES[phone], phone) for phone in phones)


HOTLINE = (Answer(), Wait(1), Voicemail("8000@hotline"), Hangup())
MENU = Menu(
    choices={
        "1": (_unit("social"), Enqueue("q-social", 60), Hangup()),
        "2": (_unit("construction"), Enqueue("q-construction", 60), Hangup()),
        "3": (_unit("legal"), Dial(("602",), 15, "tTr"), Hangup()),
        "0": (_unit("reception"), Dial(("100",), 30), Hangup()),
    },
    otherwise="0",
    sound_s=1.42,
)


def lab_plant(systemname: str = "") -> Plant:
    """`systemname` as asterisk.conf has it ("" for none)."""
    plant = Plant(
        phones=tuple(NAMES),
        queues={
            "q-social": QueueOf("ringall", 15, 2, _members("201", "202", "203")),
            "q-construction": QueueOf("rrmemory", 12, 2, _members("301", "302", "303")),
            "q-finance": QueueOf("linear", 10, 1, _members("401", "402")),
            "q-culture": QueueOf("linear", 10, 1, _local("701", "702", "703")),
        },
        numbers={
            "67012000": (MENU,),
            "67012200": (
                _unit("social"),
                SetUserfield("unit=social"),
                Enqueue("q-social", 60),
                NoOp("queue ended: ${QUEUESTATUS}"),
                Hangup("19"),
            ),
            "67012210": (_unit("social"), *(Dial((phone,), 15) for phone in ("201", "202", "203")), SAID),
            "67012250": (_unit("social"), *HOTLINE),
            "67012300": (
                _unit("construction"),
                Answer(),
                Enqueue("q-construction", 60),
                Playback("vm-goodbye"),
                Hangup(),
            ),
            "67012310": (_unit("construction"), Dial(("301", "302", "303"), 40), SAID),
            "67012400": (
                _unit("finance"),
                Answer(),
                Enqueue("q-finance", 24),
                SetUserfield("overflow=social"),
                Enqueue("q-social", 40),
                Hangup(),
            ),
            "67012420": (_unit("finance"), Dial(("402",), 15), Voicemail("402@staff", "us"), Hangup()),
            "67012500": (_unit("registry"), Dial(("501",), 30), SAID),
            "67012610": (_unit("legal"), Dial(("601",), 15), Dial(("602",), 15), SAID),
            "67012620": (_unit("legal"), Dial(("603",), 15), Dial(("602",), 15), SAID),
            "67012700": (_unit("culture"), Answer(), Enqueue("q-culture", 60, "t"), Hangup()),
            "80000000": (_unit("hotline"), *HOTLINE),
        },
        main_number="67012000",
        main_name="Novada pašvaldība",
        direct_prefix="67012",
        mailboxes=("8000@hotline", "402@staff"),
        listen_mailbox="8000@hotline",
        accounts={phone: UNITS[phone[0]] for phone in NAMES},
        names=NAMES,
    )
    return replace(plant, systemname=f"{systemname}-") if systemname else plant
