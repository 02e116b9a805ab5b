"""What the register's pages call things, in Latvian and English (glossary, rows 31-40 and 65-68)."""

from __future__ import annotations

from typing import Final

from callstats.metrics.base import Said

STATUS_NAMES: Final = {
    "new": Said("Jauna", "New"),
    "checked": Said("Noklausīta", "Checked"),
    "forwarded": Said("Pārsūtīta", "Forwarded"),
    "attempted": Said("Mēģināts sazvanīt", "Tried"),
    "reached": Said("Sazvanīts", "Reached"),
    "contacted": Said("Sazinājās citādi", "Contacted otherwise"),
    "closed": Said("Slēgta", "Closed"),
}
CATEGORIES: Final = {
    "question": Said("jautājums", "question"),
    "suggestion": Said("ierosinājums", "suggestion"),
    "complaint": Said("sūdzība", "complaint"),
    "thanks": Said("pateicība", "thanks"),
    "fault": Said("bojājums", "fault report"),
}
HOWS: Final = {
    "mobile": Said("sazinājos no mobilā", "by mobile phone"),
    "email": Said("e-pasts", "e-mail"),
    "in_person": Said("klātienē", "in person"),
    "letter": Said("vēstule", "letter"),
    "other": Said("citādi", "otherwise"),
}
FORMS: Final = {
    "call": Said("zvans", "a call"),
    "email": Said("e-pasts", "an e-mail"),
    "in_person": Said("tikšanās klātienē", "a meeting in person"),
    "letter": Said("vēstule", "a letter"),
}
REASONS: Final = {
    "settled": Said("jautājums atrisināts", "settled"),
    "written_application": Said("noformēts kā iesniegums", "taken as a written application"),
    "not_our_competence": Said("nav pašvaldības kompetencē", "not within the municipality's competence"),
    "not_contactable": Said("ar klientu nav iespējams sazināties", "the client cannot be contacted"),
    "empty": Said("tukša ziņa", "empty message"),
    "duplicate": Said("atkārtota ziņa", "the same matter as another message"),
    "other": Said("cits iemesls", "another reason"),
}
WHYS: Final = {
    "moved_day": Said("pārceltā darba diena", "moved working day"),
    "holiday": Said("pēc svētku dienas vai brīvdienas", "after a holiday"),
    "weekend": Said("pēc nedēļas nogales", "after the weekend"),
    "promised": Said("solītais laiks", "as promised"),
}
WAITS: Final = {
    "check": Said("jānoklausās", "to be checked"),
    "forward": Said("jāpārsūta", "to be forwarded"),
    "contact": Said("jāsazinās", "to be contacted"),
    "reach": Said("jāsazvana vēlreiz", "to be tried again"),
    "close": Said("jāslēdz", "to be closed"),
    "nothing": Said("–", "–"),
}
URGENCIES: Final = {
    "overdue": Said("termiņš pagājis", "overdue"),
    "today": Said("šodien", "due today"),
    "later": Said("laikā", "on time"),
    "none": Said("bez termiņa", "no due time"),
}
STEP_NAMES: Final = {
    "left": Said("atstāta ziņa", "message left"),
    "promised": Said("solīts sazināties", "promised"),
    "seen": Said("centrālē redzams", "seen by the PBX"),
    "checked": Said("noklausīta", "checked"),
    "described": Said("aprakstīta", "described"),
    "forwarded": Said("pārsūtīta", "forwarded"),
    "taken": Said("pieņemta darbā", "taken"),
    "attempted": Said("mēģināts sazvanīt", "tried"),
    "reached": Said("sazvanīts", "reached"),
    "called_again": Said("klients zvanīja vēlreiz", "the client called again"),
    "contacted": Said("sazinājās citādi", "contacted otherwise"),
    "confirmed_reached": Said("apstiprināts: sazvanīts", "confirmed: reached"),
    "confirmed_attempt": Said("apstiprināts: mēģināts", "confirmed: tried"),
    "dismissed": Said("zvans nav par šo ziņu", "this call was about something else"),
    "heard": Said("ziņā nosaukts numurs", "number heard in the message"),
    "noted": Said("piezīme", "note"),
    "closed": Said("slēgta", "closed"),
    "reopened": Said("atvērta no jauna", "reopened"),
    "undone": Said("atsaukts", "taken back"),
    "merged": Said("tā pati ziņa", "the same message"),
}
