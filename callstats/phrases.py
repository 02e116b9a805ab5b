"""The sentences in which a call is told, Latvian and English; numbers, dates and plurals through Babel.

A department is *struktūrvienība*; nobody is blamed, and a phone's silence is never called an absence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from callstats.errors import UsageError

Language = Literal["lv", "en"]
Both = Mapping[Language, str]
LANGUAGES: Final[tuple[Language, ...]] = ("lv", "en")

STEPS: Final[Mapping[str, Both]] = {
    "called": {"en": "{caller} called {dialled}.", "lv": "{caller} zvanīja uz {dialled}."},
    "click_to_call": {
        "en": "The PBX rang the employee's own phone first (click-to-call).",
        "lv": "Telefonu centrāle vispirms zvanīja uz paša darbinieka tālruni (zvans no datora).",
    },
    "menu": {"en": "The caller came into the menu.", "lv": "Zvanītājs nonāca izvēlnē."},
    "queued": {"en": "The call entered the queue: {queue}.", "lv": "Zvans nonāca zvanu rindā: {queue}."},
    "entered": {
        "en": "The call came to: {department} ({entered_by}).",
        "lv": "Zvans nonāca struktūrvienībā: {department} ({entered_by}).",
    },
    "rang": {
        "en": "Phone {employee} rang from {at} to {until} ({ring}): {outcome}.",
        "lv": "Tālrunis {employee} zvanīja no {at} līdz {until} ({ring}): {outcome}.",
    },
    "rings_still": {
        "en": "Phone {employee} rang from {at}; no source tells until when: {outcome}.",
        "lv": "Tālrunis {employee} zvanīja no {at}, beigas neviens avots nenorāda: {outcome}.",
    },
    "offered": {
        "en": "Phone {employee} was offered the call from {at} to {until}, when it "
        "rang is not told: {outcome}.",
        "lv": "Tālrunim {employee} zvanu piedāvāja no {at} līdz {until} (zvanīšanas brīdis "
        "nav zināms): {outcome}.",
    },
    "not_rung": {
        "en": "Phone {employee} was tried and did not ring: {outcome}.",
        "lv": "Uz tālruni {employee} mēģināja zvanīt, tas nezvanīja: {outcome}.",
    },
    "silence": {
        "en": "Nothing rang from {at} to {until} ({seconds}).",
        "lv": "No {at} līdz {until} ({seconds}) nezvanīja neviens tālrunis.",
    },
    "no_phone": {
        "en": "No phone was free to be offered the call until {until}.",
        "lv": "Līdz {until} nebija neviena tālruņa, kam zvanu piedāvāt.",
    },
    "answered": {
        "en": "{answered_by} answered after {ring} of ringing ({rings}) and {wait} in the department.",
        "lv": "Atbildēja {answered_by}; signālu ilgums līdz atbildei {ring} ({rings}), "
        "gaidīšanas laiks struktūrvienībā {wait}.",
    },
    "took_over": {
        "en": "{answered_by} took the call over after {ring} of ringing ({rings}) "
        "and {wait} in the department.",
        "lv": "Zvanu pārņēma {answered_by}; signālu ilgums līdz atbildei {ring} ({rings}), "
        "gaidīšanas laiks struktūrvienībā {wait}.",
    },
    "answered_at_most": {
        "en": "{answered_by} answered after at most {longest} of ringing and {wait} in the department.",
        "lv": "Atbildēja {answered_by}; signālu ilgums līdz atbildei ne vairāk kā {longest}, "
        "gaidīšanas laiks struktūrvienībā {wait}.",
    },
    "answered_unmeasured": {
        "en": "{answered_by} answered after {wait} in the department; how long it rang, no source tells.",
        "lv": "Atbildēja {answered_by}; gaidīšanas laiks struktūrvienībā {wait}, "
        "signālu ilgums nav nosakāms.",
    },
    "answered_sometime": {
        "en": "{answered_by} answered; when, no source tells.",
        "lv": "Atbildēja {answered_by}; atbildes brīdis nav nosakāms.",
    },
    "client_answered": {
        "en": "The client's phone answered after {ring} of ringing.",
        "lv": "Klienta tālrunī atbildēja; signālu ilgums {ring}.",
    },
    "blind_transfer": {
        "en": "The call was transferred to {target} (blind transfer).",
        "lv": "Zvanu pāradresēja: {target} (bez iepriekšējas sarunas).",
    },
    "attended_transfer": {
        "en": "The call was transferred to {target} (attended transfer).",
        "lv": "Zvanu pāradresēja: {target} (pēc sarunas ar kolēģi).",
    },
    "message": {
        "en": "A voice message of {duration} was left in {mailbox}.",
        "lv": "Balss pastā {mailbox} atstāta balss ziņa ({duration}).",
    },
    "message_of_some_length": {
        "en": "A voice message was begun in {mailbox}; how long it is, no source tells.",
        "lv": "Balss pastā {mailbox} sākta balss ziņa, tās ilgums nav nosakāms.",
    },
    "empty_message": {
        "en": "Nothing was said after the beep: an empty message of {duration} in {mailbox}.",
        "lv": "Pēc signāla nekas nav pateikts: tukša balss ziņa ({duration}) balss pastā {mailbox}.",
    },
    "ended": {"en": "The call ended: {outcome}.", "lv": "Zvans beidzās: {outcome}."},
    "ended_talk": {
        "en": "The call ended: {outcome}, talk {talk}.",
        "lv": "Zvans beidzās: {outcome}, sarunas ilgums {talk}.",
    },
    "not_ended": {
        "en": "No source tells when the call ended: {outcome}.",
        "lv": "Zvana beigas neviens avots nenorāda: {outcome}.",
    },
    "third_signal": {
        "en": "Answered no later than after the third signal (15.1): {verdict} ({certainty}). {reason}",
        "lv": "Atbildēts ne vēlāk kā pēc trešā signāla (15.1.): {verdict} ({certainty}). {reason}",
    },
    "not_scored": {"en": "Not scored: {reason}.", "lv": "Netiek vērtēts: {reason}."},
    "rotation": {
        "en": "Rotation (15.1, recommended): {rotation} ({certainty}).",
        "lv": "Zvanu rotācija (15.1., ieteicama): {rotation} ({certainty}).",
    },
    "counted": {
        "en": "In working hours: {in_hours}. Caller from outside: {external}.",
        "lv": "Darba laikā: {in_hours}. Ārējais klients: {external}.",
    },
    "neutral": {
        "en": "Not scored: everyone who could answer was in a neutral state ({states}).",
        "lv": "Netiek vērtēts: visi, kas varēja atbildēt, bija neitrālā stāvoklī ({states}).",
    },
    "disagreement": {
        "en": "{fact}: {taken_source} was believed, {other_source} differs{difference}.",
        "lv": "{fact}: ņemts vērā {taken_source}, {other_source} atšķiras{difference}.",
    },
}
WORDS: Final[Mapping[str, Both]] = {
    "entry": {"en": "entry {number}", "lv": "ieraksts {number}"},
    "client": {"en": "A client ({who})", "lv": "Klients ({who})"},
    "anonymous": {"en": "A client with a withheld number", "lv": "Klients ar slēptu numuru"},
    "employee": {"en": "Employee {who}", "lv": "Darbinieks {who}"},
    "nobody": {"en": "A caller whom no source names", "lv": "Zvanītājs, kura numuru neviens avots nenorāda"},
    "client_number": {"en": "a client ({who})", "lv": "klienta numuru ({who})"},
    "no_number": {"en": "a number that no source tells", "lv": "numuru, ko neviens avots nenorāda"},
    "direct_number": {"en": "an employee's direct number", "lv": "darbinieka tiešo numuru"},
    "own_mailbox": {"en": "an employee's own", "lv": "darbinieka personīgā"},
    "the_client": {"en": "the client", "lv": "klients"},
    "no_department": {"en": "no department's phone", "lv": "nepieder nevienai struktūrvienībai"},
    "colleague": {"en": "a colleague", "lv": "kolēģim"},
    "phone_unknown": {"en": "an outside phone", "lv": "ārējs tālrunis"},
    "unknown_time": {"en": "an unknown time", "lv": "nezināma laika"},
    "yes": {"en": "yes", "lv": "jā"},
    "no": {"en": "no", "lv": "nē"},
    "cannot_tell": {"en": "cannot be told", "lv": "nav nosakāms"},
    "differs_by": {"en": " by {seconds}", "lv": " par {seconds}"},
    "limit": {"en": " of {seconds}", "lv": " {seconds}"},
    "event": {"en": "event", "lv": "notikums"},
    "line": {"en": "line", "lv": "rinda"},
    "title": {
        "en": "Call {call_id}, {day}, {time} ({zone})",
        "lv": "Zvans {call_id}, {day}, {time} ({zone})",
    },
    "seen_by": {"en": "Seen by: {sources}.", "lv": "Avoti: {sources}."},
    "merged": {"en": "Joined with: {aliases}.", "lv": "Apvienots ar: {aliases}."},
    "judged": {"en": "{department}, visit {visit}", "lv": "{department}, {visit}. posms"},
    "disagree": {"en": "Where the sources disagree", "lv": "Kur avoti atšķiras"},
    "purged": {
        "en": "The lines of {sources} were purged at the end of their retention period: "
        "what is told here is all "
        "that was kept of them.",
        "lv": "{sources} rindas ir dzēstas, beidzoties glabāšanas termiņam: šeit "
        "redzams viss, kas no tām saglabāts.",
    },
    "purged_before": {
        "en": "Lines from before {before} are kept no longer; the day is sealed, its facts stay as they are.",
        "lv": "Rindas, kas vecākas par {before}, vairs neglabā; diena ir noslēgta, tās dati nemainās.",
    },
    "answered_by": {"en": "answered by {who}", "lv": "atbildēja {who}"},
    "because": {"en": "{rotation}: {cause}", "lv": "{rotation}: {cause}"},
}
ENTERED_BY: Final[Mapping[str, Both]] = {
    "dialled": {"en": "dialled", "lv": "zvanīts tieši"},
    "menu": {"en": "through the menu", "lv": "caur izvēlni"},
    "overflow": {"en": "went on from the department before", "lv": "pāreja no iepriekšējās struktūrvienības"},
    "forward": {"en": "a phone forwarded it", "lv": "tālruņa pāradresācija"},
    "blind_transfer": {"en": "transferred", "lv": "pāradresēts"},
    "attended_transfer": {"en": "a colleague rang first", "lv": "vispirms zvanīja kolēģis"},
}
OUTCOMES: Final[Mapping[str, Both]] = {
    "answered": {"en": "answered", "lv": "atbildēts zvans"},
    "abandoned": {"en": "the caller gave up", "lv": "nesagaidīja atbildi"},
    "unanswered": {"en": "nobody answered", "lv": "neatbildēts zvans"},
    "busy": {"en": "busy", "lv": "aizņemts"},
    "voicemail": {"en": "voicemail", "lv": "balss pasts"},
    "unavailable": {"en": "no phone could be reached", "lv": "neviens tālrunis nav sasniedzams"},
    "failed": {"en": "there is no such number", "lv": "šāda numura nav"},
    "unknown": {"en": "how, cannot be told", "lv": "iznākums nav nosakāms"},
}
ATTEMPTS: Final[Mapping[str, Both]] = {
    "answered": {"en": "answered", "lv": "atbildēts"},
    "no_answer": {"en": "no answer", "lv": "neatbildēja"},
    "busy": {"en": "busy", "lv": "aizņemts"},
    "declined": {"en": "declined", "lv": "zvanu noraidīja"},
    "unavailable": {"en": "not reachable", "lv": "tālrunis nav sasniedzams"},
    "forwarded": {"en": "forwarded by the phone", "lv": "tālrunis zvanu pāradresēja"},
    "answered_elsewhere": {"en": "another phone answered", "lv": "atbildēja pie cita tālruņa"},
    "abandoned": {"en": "the caller gave up", "lv": "zvanītājs nesagaidīja atbildi"},
    "unknown": {"en": "what became of it cannot be told", "lv": "iznākums nav nosakāms"},
}
CERTAINTY: Final[Mapping[str, Both]] = {
    "certain": {"en": "certain", "lv": "izmērīts"},
    "borderline": {"en": "borderline", "lv": "robežgadījums"},
    "estimated": {"en": "estimated", "lv": "aptuveni"},
    "unknown": {"en": "unknown", "lv": "nav nosakāms"},
}
NEUTRAL_STATES: Final[Mapping[str, Both]] = {
    "in_person": {"en": "serving in person", "lv": "klātienes apkalpošana"},
    "reception": {"en": "receiving visitors", "lv": "apmeklētāju pieņemšana"},
    "training": {"en": "training", "lv": "mācības"},
    "substitution": {"en": "substitution", "lv": "aizvietošana"},
    "absence": {"en": "absence", "lv": "prombūtne"},
    "break": {"en": "break", "lv": "pārtraukums"},
    "outage": {"en": "outage", "lv": "traucējums"},
}
REASONS: Final[Mapping[str, Both]] = {
    "longest_under": {
        "en": "Even the longest ring time that is possible, {longest}, is under the limit{limit}.",
        "lv": "Arī ilgākais iespējamais signālu ilgums {longest} ir zem robežvērtības{limit}.",
    },
    "shortest_over": {
        "en": "Even the shortest ring time that is possible, {shortest}, is not under the limit{limit}.",
        "lv": "Arī īsākais iespējamais signālu ilgums {shortest} nav zem robežvērtības{limit}.",
    },
    "straddles": {
        "en": "It rang for {shortest} to {longest}: the limit{limit} lies within "
        "what the source can resolve.",
        "lv": "Signālu ilgums ir no {shortest} līdz {longest}: robežvērtība{limit} "
        "ir avota precizitātes robežās.",
    },
    "stand_in": {
        "en": "When the phones rang is not told, only when they were asked to: it rang "
        "for {shortest} to {longest}, "
        "the limit{limit} lies between.",
        "lv": "Zināms tikai, kad tālruņiem lika zvanīt: signālu ilgums ir no {shortest} līdz {longest}, "
        "robežvērtība{limit} ir pa vidu.",
    },
    "outcome_unsure": {
        "en": "Whether a person answered is itself not certain.",
        "lv": "Nav droši zināms, vai atbildēja cilvēks.",
    },
    "early_media": {
        "en": "A phone alerted with 183 instead of 180: what the caller heard meanwhile is not known.",
        "lv": "Tālrunis ziņoja ar 183, nevis 180: ko zvanītājs pa to laiku dzirdēja, nav zināms.",
    },
    "not_answered": {"en": "Nobody answered.", "lv": "Neviens neatbildēja."},
    "no_bound": {"en": "No source tells how long it rang.", "lv": "Signālu ilgumu neviens avots nenorāda."},
}
LEFT_OUT: Final[Mapping[str, Both]] = {  # beside what the figure itself leaves out
    "internal": {"en": "an internal call", "lv": "iekšējs zvans"},
    "unknown": {
        "en": "whether it was answered in time cannot be told",
        "lv": "nav nosakāms, vai atbildēts laikā",
    },
}
ROTATIONS: Final[Mapping[str, Both]] = {
    "not_needed": {"en": "not needed", "lv": "nebija vajadzīga"},
    "rotated": {"en": "the call was offered to a colleague", "lv": "zvans piedāvāts kolēģim"},
    "not_rotated": {"en": "the call was not offered to a colleague", "lv": "zvans nav piedāvāts kolēģim"},
    "no_second_member": {
        "en": "the department has one phone",
        "lv": "struktūrvienībā ir viens tālrunis",
    },
    "caller_left": {
        "en": "the caller gave up while the first phone rang",
        "lv": "zvanītājs nesagaidīja atbildi, kamēr zvanīja pirmais tālrunis",
    },
    "unknown": {"en": "cannot be told", "lv": "nav nosakāms"},
}
CAUSES: Final[Mapping[str, Both]] = {
    "busy": {"en": "the first phone was busy", "lv": "pirmais tālrunis bija aizņemts"},
    "declined": {"en": "the first phone declined", "lv": "pie pirmā tālruņa zvanu noraidīja"},
    "unavailable": {"en": "the first phone was not reachable", "lv": "pirmais tālrunis nebija sasniedzams"},
    "no_answer": {"en": "the first phone was not answered", "lv": "pie pirmā tālruņa neatbildēja"},
}
FACTS: Final[Mapping[str, Both]] = {
    "answered_at": {"en": "When it was answered", "lv": "Atbildes brīdis"},
    "ended_at": {"en": "When it ended", "lv": "Zvana beigas"},
    "answered_by": {"en": "Who answered", "lv": "Kurš atbildēja"},
}
SOURCES: Final[Mapping[str, str]] = {
    "ami": "AMI", "cel": "CEL", "queue_log": "queue_log", "cdr": "CDR", "voicemail": "voicemail",
}  # fmt: skip
PLURALS: Final[Mapping[str, Mapping[Language, Mapping[str, str]]]] = {
    "signals": {
        "en": {"one": "{n} signal", "other": "{n} signals"},
        "lv": {"zero": "{n} signālu", "one": "{n} signāls", "other": "{n} signāli"},
    },
    "lines": {
        "en": {"one": "{n} line stands behind this call.", "other": "{n} lines stand behind this call."},
        "lv": {
            "zero": "Šo zvanu apliecina {n} rindu.",
            "one": "Šo zvanu apliecina {n} rinda.",
            "other": "Šo zvanu apliecina {n} rindas.",
        },
    },
}


def checked(language: str) -> Language:
    """The language, if there are sentences in it. Raises UsageError otherwise."""
    for known in LANGUAGES:
        if language == known:
            return known
    raise UsageError(f"language: {language!r} is not there; allowed: {', '.join(LANGUAGES)}")


def plural(key: str, n: int, language: Language) -> str:
    """A count with its noun, such as 21 signāls."""
    forms = PLURALS[key][language]
    return forms[Locale.parse(language).plural_form(n)].format(n=n)


def seconds(value: float, language: Language) -> str:
    """Seconds with one decimal, such as 19,5 s."""
    return f"{format_decimal(value, format='#,##0.0', locale=language)} s"


def bound(value: float, limit: float | None, language: Language) -> str:
    """Seconds with two decimals; with six where two would make them equal to a limit that they are not."""
    near = limit is not None and value != limit and round(value, 2) == round(limit, 2)
    form = "#,##0.######" if near else "#,##0.##"
    return f"{format_decimal(value, format=form, locale=language)} s"


def day(value: date, language: Language) -> str:
    """A date as people write it: 23.11.2026. or 23 November 2026."""
    return format_date(value, "dd.MM.y." if language == "lv" else "d MMMM y", locale=language)
