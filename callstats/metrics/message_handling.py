"""What people did with the messages on the information phone: checked, forwarded, contacted (clause 17)."""

from callstats.metrics.base import Measure, Metric, Said

# Of the department that checks messages up to forwarding, of the responsible one from then on. What people
# say is certain; what the PBX's calls show is as sure as they are.
_ROW = """
SELECT '{name}' AS measure, {department} AS department, local_date, left_at AS at,
       CAST(NULL AS STRING) AS split, {reason} AS reason, {hit} AS hit, {value} AS value_us,
       {certainty} AS certainty, CAST(NULL AS STRING) AS rule_version
FROM handled
{where}
"""
_EMPTY = "CASE WHEN empty THEN 'empty' END"
_OF_CONTACT = "CASE WHEN empty THEN 'empty' WHEN NOT callable THEN 'not_callable' {more}END"
_NULL = "CAST(NULL AS BIGINT)"


def _share(name: str, column: str, **more: str) -> str:
    given = {"department": "department", "certainty": "'certain'", "where": ""} | more
    reason = more.get("reason", "CASE WHEN empty THEN 'empty' {more}END").format(
        more=f"WHEN {column} IS NULL THEN 'not_due' "
    )
    return _ROW.format(
        **given | {"name": name, "reason": reason, "hit": f"coalesce({column}, FALSE)", "value": _NULL}
    )


def _spread(name: str, column: str, **more: str) -> str:
    given = {"department": "department", "certainty": "'certain'", "reason": _EMPTY, "where": ""} | more
    return _ROW.format(**given | {"name": name, "hit": "FALSE", "value": column})


_RESPONSIBLE = {
    "department": "responsible",
    "certainty": "contact_certainty",
    "where": "WHERE responsible IS NOT NULL",
}

METRIC = Metric(
    module=__name__,
    title=Said("Ziņu apstrāde", "Handling of messages"),
    meaning=Said(
        "Cik ilgs darba laiks pagāja, līdz informatīvajā tālrunī atstāto ziņu noklausījās un pārsūtīja, un "
        "no pārsūtīšanas līdz pirmajai saziņai ar klientu. Ietver to, ko darbinieki ierakstījuši ziņu "
        "reģistrā, un zvanus caur centrāli.",
        "How much working time passed until a message on the information phone was listened to and "
        "forwarded, and from forwarding to the first contact with the client. It holds what people entered "
        "in the register of messages and calls through the PBX.",
    ),
    formula="forwarded in time: k / n, by the end of the first working day after the message's date; "
    "contacted in time: by the end of the responsible department's next working day after forwarding",
    source=Said("standarta 17. punkts", "clause 17 of the standard"),
    better=None,
    denominator=Said(
        "ziņas informatīvajā tālrunī; saziņai – tās, kas pārsūtītas struktūrvienībai",
        "messages on the information phone; for contact, those forwarded to the department",
    ),
    exclusions={
        "empty": Said("tukša ziņa", "empty message"),
        "not_due": Said("termiņš vēl nav pagājis", "the time for it is not over yet"),
        "not_callable": Said(
            "ar klientu nav iespējams sazināties (anonīma ziņa)",
            "the client cannot be contacted (anonymous message)",
        ),
    },
    measures=(
        Measure(
            "forwarded_in_time",
            Said("Pārsūtīta nākamajā dienā", "Forwarded by the next day"),
            "share",
            Said("līdz nākamās darba dienas beigām", "by the end of the next working day"),
        ),
        Measure(
            "forwarded_next_date",
            Said("Pārsūtīta līdz nākamajam datumam", "Forwarded by the next date"),
            "share",
            Said("stingri pēc kalendāra", "strictly by the calendar"),
        ),
        Measure(
            "checked_working_s",
            Said("Laiks līdz ziņas pārbaudei", "Time until it was checked"),
            "spread",
            Said("darba laiks", "working time"),
            step_us=1_000_000,
        ),
        Measure(
            "forwarded_working_s",
            Said("Laiks līdz pārsūtīšanai", "Time until it was forwarded"),
            "spread",
            Said("darba laiks", "working time"),
            step_us=1_000_000,
        ),
        Measure(
            "contacted_in_time",
            Said("Saziņa laikā", "Contact in time"),
            "share",
            Said(
                "līdz struktūrvienības nākamās darba dienas beigām pēc pārsūtīšanas",
                "by the end of the department's next working day after forwarding",
            ),
        ),
        Measure(
            "contacted_working_s",
            Said("No pārsūtīšanas līdz saziņai", "From forwarding to contact"),
            "spread",
            Said("struktūrvienības darba laiks", "working time of the department"),
            step_us=1_000_000,
        ),
    ),
    inputs=("handled",),
    sql="UNION ALL".join(
        [
            _share("forwarded_in_time", "forwarded_in_time"),
            _share("forwarded_next_date", "forwarded_next_date"),
            _spread("checked_working_s", "checked_us"),
            _spread("forwarded_working_s", "forwarded_us"),
            _share("contacted_in_time", "contacted_in_time", **_RESPONSIBLE, reason=_OF_CONTACT),
            _spread(
                "contacted_working_s", "contacted_us", **_RESPONSIBLE, reason=_OF_CONTACT.format(more="")
            ),
        ]
    ),
)
