"""Numbers: every form a PBX writes gets its class and one spelling; nobody's number stays in the clear."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.numbers import (
    CLIENT_CLASSES,
    Number,
    NumberPlan,
    Pseudonymiser,
    _understood,
    normalise,
    normalise_column,
    scrub,
    stored,
    stored_column,
)
from callstats.settings import Department, Hotline, Settings

SETTINGS = Settings(
    main_numbers=("67012000",),
    outbound_prefixes=("9",),
    number_blocks=("670555",),
    hotline=Hotline(numbers=("80000000",), department="social"),
    departments=(
        Department(id="social", extensions=("201", "202", "67012777"), queues=("q-social",)),
        Department(id="construction", extensions=("301",), numbers=("+37167012300", "67012310")),
    ),
)
PLAN = NumberPlan.from_settings(SETTINGS)
KEYED = Pseudonymiser(b"k" * 32)

# What is written, its class, E.164, text (domain 3b and 3c, and the forms of the recordings).
FORMS = [
    ("+37163022238", "fixed", "+37163022238", "63022238"),
    ("0037163022238", "fixed", "+37163022238", "63022238"),
    ("37163022238", "fixed", "+37163022238", "63022238"),
    ("63022238", "fixed", "+37163022238", "63022238"),
    ("+371 6302 2238", "fixed", "+37163022238", "63022238"),
    ("26009600", "mobile", "+37126009600", "26009600"),
    ("80007999", "freephone", "+37180007999", "80007999"),
    ("81007999", "shared_cost", "+37181007999", "81007999"),
    ("90007999", "premium", "+37190007999", "90007999"),
    ("78001234", "other_service", "+37178001234", "78001234"),
    ("70012345", "m2m", "+37170012345", "70012345"),
    ("300001234567", "m2m", "+371300001234567", "300001234567"),
    ("30000123456", "unparsed", None, "30000123456"),
    ("928404019", "mobile", "+37128404019", "28404019"),
    ("90037128404019", "mobile", "+37128404019", "28404019"),
    ("tel:+37126009600;ext=12", "mobile", "+37126009600", "26009600"),
    ("sip:26009600@192.0.2.1:5060", "mobile", "+37126009600", "26009600"),
    ("SIPS:26009600@host;user=phone", "mobile", "+37126009600", "26009600"),
    ("%2B37126009600", "mobile", "+37126009600", "26009600"),
    ('"Bērziņš, Jānis" <+37126009600>', "mobile", "+37126009600", "26009600"),
    ("<sip:26009600@host>;tag=1", "mobile", "+37126009600", "26009600"),
    ("+4915112345678", "foreign", "+4915112345678", "+4915112345678"),
    ("004915112345678", "foreign", "+4915112345678", "+4915112345678"),
    ("9004915112345678", "foreign", "+4915112345678", "+4915112345678"),
    ("anonymous", "anonymous", None, ""),
    ('"Anonymous" <anonymous>', "anonymous", None, ""),
    ("sip:anonymous@anonymous.invalid", "anonymous", None, ""),
    ("<unknown>", "anonymous", None, ""),
    ("Restricted", "anonymous", None, ""),
    ("Number Withheld", "anonymous", None, ""),
    ("", "empty", None, ""),
    ('"" <>', "empty", None, ""),
    ("201", "extension", None, "201"),
    ("sip:201@pbx", "extension", None, "201"),
    ("67012777", "extension", None, "67012777"),
    ("+37167012777", "extension", None, "67012777"),
    ("112", "emergency", None, "112"),
    ("01", "emergency", None, "01"),
    ("9112", "emergency", None, "112"),
    ("1188", "short_code", None, "1188"),
    ("91188", "short_code", None, "1188"),
    ("116006", "short_code", None, "116006"),
    ("8200", "short_code", None, "8200"),
    ("82001", "short_code", None, "82001"),
    ("67012000", "own", "+37167012000", "67012000"),
    ("+37167012000", "own", "+37167012000", "67012000"),
    ("67012300", "own", "+37167012300", "67012300"),
    ("0037180000000", "own", "+37180000000", "80000000"),
    ("67055512", "own", "+37167055512", "67055512"),
    ("*8", "service", None, "*8"),
    ("*97", "service", None, "*97"),
    ("s", "label", None, "s"),
    ("q-social", "label", None, "q-social"),
    ("janis.berzins", "unparsed", None, "janis.berzins"),
    ("2001", "unparsed", None, "2001"),
    ("6302223", "legacy7", None, "6302223"),
    ("+3712001", "unparsed", None, "+3712001"),
]


@pytest.mark.parametrize(("raw", "cls", "e164", "text"), FORMS, ids=[f[0] or "nothing" for f in FORMS])
def test_forms_of_numbers(raw: str, cls: str, e164: str | None, text: str) -> None:
    assert normalise(raw, PLAN) == Number(cls, e164, text)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", ["026009600", "0026009600", "9026009600", "90026009600"])
def test_a_number_that_needs_zeros_taken_off_is_doubtful(raw: str) -> None:
    assert normalise(raw, PLAN) == Number("mobile", "+37126009600", "26009600", doubtful=True)


def test_an_outbound_prefix_is_only_taken_off_where_a_whole_number_remains() -> None:
    assert normalise("90123456", PLAN).cls == "premium"
    assert normalise("9201", PLAN) == Number("unparsed", None, "9201")
    assert normalise("928404019", NumberPlan()).cls == "unparsed"


def test_extensions_are_the_known_ones_and_no_pattern() -> None:
    assert normalise("203", PLAN).cls == "unparsed"
    assert normalise("101", PLAN).cls == "short_code"
    assert normalise("101", NumberPlan(extensions=frozenset({"101"}))).cls == "extension"


def test_direct_numbers_follow_from_extensions_only_in_a_block_that_is_surely_the_sites() -> None:
    assert normalise("67012201", PLAN).cls == "own"  # three listed numbers begin 67012
    assert normalise("67012999", PLAN).cls == "fixed"
    two = SETTINGS.model_copy(update={"main_numbers": ()})
    assert normalise("67012201", NumberPlan.from_settings(two)).cls == "fixed"


def test_another_country_goes_by_the_package() -> None:
    estonia = NumberPlan.from_settings(Settings(country="EE", outbound_prefixes=("9",)))
    assert normalise("51234567", estonia) == Number("mobile", "+37251234567", "51234567")
    assert normalise("+37251234567", estonia).cls == "mobile"
    assert normalise("+37128404019", estonia) == Number("foreign", "+37128404019", "+37128404019")
    assert normalise("112", estonia).cls == "emergency"


@given(st.text())
def test_any_text_gets_a_class_and_a_storable_form(raw: str) -> None:
    number = normalise(raw, PLAN)
    kept = stored(number, KEYED)
    assert (kept == "") == (number.cls == "empty")
    assert normalise(raw, PLAN) == number


@given(
    st.from_regex(r"(2|6)\d{7}", fullmatch=True).filter(lambda n: normalise(n, PLAN).cls in CLIENT_CLASSES)
)
def test_every_form_of_a_clients_number_has_the_same_pseudonym_and_never_shows(number: str) -> None:
    forms = [number, f"+371{number}", f"00371{number}", f"371{number}", f"9{number}", f'"N" <sip:{number}@x>']
    kept = {stored(normalise(form, PLAN), KEYED) for form in forms}
    assert len(kept) == 1
    assert number not in kept.pop()


@given(st.from_regex(r"(\+371|00371|371|9|)(670(12|555)|[0-9]{3,5})[0-9]{3,5}", fullmatch=True))
def test_the_short_way_says_what_the_long_way_says(raw: str) -> None:
    assert normalise(raw, PLAN) == _understood(raw, PLAN)


def test_what_is_stored() -> None:
    plain = ["201", "67012000", "112", "1188", "*8", "s", "2001"]
    assert [stored(normalise(raw, PLAN), KEYED) for raw in plain] == plain
    assert stored(normalise("Unknown", PLAN), KEYED) == "anonymous"
    assert stored(normalise("", PLAN), KEYED) == ""
    hidden = ["28404019", "+4915112345678", "6302223", "30000123456", "janis.berzins", "80007999"]
    kept = [stored(normalise(raw, PLAN), KEYED) for raw in hidden]
    assert len(set(kept)) == len(hidden)
    assert all(k.startswith("n1-") and len(k) == 35 for k in kept)


def test_a_divert_code_hides_the_number_in_it() -> None:
    assert stored(normalise("*21*28404019#", PLAN), KEYED) == "*21*28••••19#"


def test_a_number_in_a_log_is_masked() -> None:
    assert repr(normalise("28404019", PLAN)) == "Number(mobile, 28••••19)"
    assert repr(normalise("janis.berzins", PLAN)) == "Number(unparsed, ••••)"


def test_columns_are_as_single_numbers_and_keep_nulls() -> None:
    raw = [form[0] for form in FORMS]
    column = pa.chunked_array([raw, [None], raw[::-1]], pa.string())
    whole = normalise_column(column, PLAN).to_pylist()
    kept = stored_column(column, PLAN, KEYED).to_pylist()
    for value, full, short in zip(column.to_pylist(), whole, kept, strict=True):
        if value is None:
            assert full is None
            assert short is None
        else:
            number = normalise(value, PLAN)
            assert full == {"cls": number.cls, "e164": number.e164, "text": number.text, "doubtful": False}
            assert short == {"stored": stored(number, KEYED), "cls": number.cls}
    assert stored_column(pa.array([], pa.string()), PLAN, KEYED).to_pylist() == []
    assert stored_column(pa.array([None], pa.string()), PLAN, KEYED).to_pylist() == [None]


HIDDEN = KEYED.pseudonym("+37128404019")


@pytest.mark.parametrize(
    ("data", "clean"),
    [
        ("PJSIP/public/sip:28404019@127.0.0.2:7000,45,T", f"PJSIP/public/sip:{HIDDEN}@127.0.0.2:7000,45,T"),
        ("Local/28404019@out/n", f"Local/{HIDDEN}@out/n"),
        ("SIP/trunk/0037128404019", f"SIP/trunk/{HIDDEN}"),
        ("PJSIP/201&PJSIP/+37128404019@public,15,tT", f"PJSIP/201&PJSIP/{HIDDEN}@public,15,tT"),
        ("CALLERID(num)=+37128404019", f"CALLERID(num)={HIDDEN}"),
        ("CALLERID(name)=Jānis Bērziņš", "CALLERID(name)="),
        ('CALLERID(all)="Jānis" <28404019>', "CALLERID(all)="),
        ("PJSIP/201,15,tT", "PJSIP/201,15,tT"),
        ("q-social,tT,,,60", "q-social,tT,,,60"),
        ("8000@hotline,s", "8000@hotline,s"),
        ("Local/702@agents/n", "Local/702@agents/n"),
        ("67012300@from-public", "67012300@from-public"),
        ("PJSIP/x@[2001:db8::1]:50601,30000", "PJSIP/x@[2001:db8::1]:50601,30000"),
        ("record-1795402047.149", "record-1795402047.149"),
        ("", ""),
    ],
)
def test_application_data_loses_clients_numbers_and_nothing_else(data: str, clean: str) -> None:
    assert scrub(data, PLAN, KEYED) == clean
    assert scrub(clean, PLAN, KEYED) == clean
