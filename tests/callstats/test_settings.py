"""Settings: what is read, which source wins, and one clear line per fault."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from callstats.errors import SettingsError
from callstats.settings import Settings
from callstats.settings_rules import DEFAULT_HOURS
from callstats.settings_types import Window
from tests.shared import SHARED, needs_shared

DEPARTMENT = '[[departments]]\nid = "social"\nname.lv = "Sociālais dienests"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "callstats.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(write(folder, text))
    return str(caught.value).split("\n")


def test_without_a_file_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert (settings.timezone, settings.country, settings.pbx) == ("Europe/Riga", "LV", "pbx")
    assert settings.cadence.period_s == 5.0
    assert settings.third_signal.signals == 3
    assert settings.hours == DEFAULT_HOURS
    assert settings.data == tmp_path / "data"
    assert settings.numbers.key_file == tmp_path / "data" / "numbers.key"
    assert settings.numbers.vault_days == 5
    assert settings.database_url == f"sqlite:///{tmp_path}/data/callstats.sqlite3"


def test_file_here_is_found_without_naming_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'pbx = "town"')
    monkeypatch.chdir(tmp_path)
    assert Settings.load().pbx == "town"


@needs_shared
def test_the_laboratorys_file_is_valid(tmp_path: Path) -> None:
    settings = Settings.load(SHARED / "pbx" / "callstats.toml", tmp_path)
    assert len(settings.departments) == 9
    assert settings.hours.sun == (Window(0, 1440),)
    assert settings.hotline.mailboxes == ("8000@hotline",)
    assert settings.outbound_prefixes == ("9",)


def test_a_department_is_read_with_dates_names_and_own_hours(tmp_path: Path) -> None:
    text = DEPARTMENT + (
        'name.en = "Social services"\nparent = "administration"\nextensions = ["201", "202"]\n'
        'queues = ["q-social"]\nnumbers = ["670 122 00"]\nvalid_from = 2026-01-01\nvalid_to = 2026-07-01\n'
        'hours.mon = [["08:00", "12:00"], ["13:00", "17:00"]]\n'
    )
    (social,) = Settings.load(write(tmp_path, text)).departments
    assert social.name.en == "Social services"
    assert social.numbers == ("67012200",)
    assert social.hours is not None
    assert social.hours.mon == (Window(480, 720), Window(780, 1020))
    assert social.hours.tue == ()
    assert [social.valid_on(date(2026, m, 1)) for m in (1, 6, 7)] == [True, True, False]
    assert not social.valid_on(date(2025, 12, 31))


def test_data_is_relative_to_the_file_but_the_command_lines_folder_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    path = write(tmp_path / "etc", 'data = "facts"\n[calendar]\noverrides = "exceptions.csv"')
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(path)
    assert settings.data == tmp_path / "etc" / "facts"
    assert settings.calendar.overrides == tmp_path / "etc" / "exceptions.csv"
    assert Settings.load(path, Path("other")).data == tmp_path / "other"
    monkeypatch.setenv("CALLSTATS_DATA", "from-environment")
    assert Settings.load(path).data == tmp_path / "from-environment"


def test_environment_wins_over_the_file_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSTATS_CADENCE__OFF_S", "3.5")
    monkeypatch.setenv("CALLSTATS_MAIN_NUMBERS", '["67012000"]')
    settings = Settings.load(write(tmp_path, "[cadence]\non_s = 1.5\noff_s = 4.0"))
    assert (settings.cadence.on_s, settings.cadence.off_s) == (1.5, 3.5)
    assert settings.main_numbers == ("67012000",)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().pbx = "other"


def test_a_postgresql_address_gets_its_driver_and_is_not_shown(tmp_path: Path) -> None:
    settings = Settings.load(write(tmp_path, 'database = "postgresql://user:secret@localhost/calls"'))
    assert settings.database_url == "postgresql+psycopg://user:secret@localhost/calls"
    assert "secret" not in repr(settings)


FAULTS = {
    "unknown key": ('cuntry = "LV"', "cuntry: unknown key; did you mean 'country'?"),
    "unknown key in a section": ("[cadence]\noff = 4", "cadence.off: unknown key; did you mean 'off_s'?"),
    "unknown key in a department": (
        DEPARTMENT + 'extension = ["201"]',
        "departments[0].extension: unknown key; did you mean 'extensions'?",
    ),
    "extension as a number": (
        DEPARTMENT + "extensions = [201]",
        'departments[0].extensions[0]: must be a text in quotes, such as "201"',
    ),
    "one extension without a list": (
        DEPARTMENT + 'extensions = "201"',
        'departments[0].extensions: must be a list, such as ["201", "202"]',
    ),
    "interface for extension": (
        DEPARTMENT + 'extensions = ["PJSIP/201"]',
        "departments[0].extensions[0]: 'PJSIP/201' is not an extension; "
        'write it as the PBX dials it, "201" and not "PJSIP/201"',
    ),
    "emergency number for extension": (
        DEPARTMENT + 'extensions = ["112"]',
        "departments[0].extensions[0]: 112 is an emergency number and cannot be an extension",
    ),
    "extension twice": (
        DEPARTMENT + 'extensions = ["201", "201"]',
        "departments[0].extensions: names 201 twice; once is enough",
    ),
    "date in quotes that is none": (
        DEPARTMENT + 'valid_from = "soon"',
        "departments[0].valid_from: must be a date without quotes, such as 2026-01-31",
    ),
    "date as a number": (
        DEPARTMENT + "valid_from = 2026",
        "departments[0].valid_from: must be a date without quotes, such as 2026-01-31",
    ),
    "period backwards": (
        DEPARTMENT + "valid_from = 2026-02-01\nvalid_to = 2026-02-01",
        "departments[0]: valid_to is the first day no longer valid and must be later than valid_from",
    ),
    "no id": ("[[departments]]\nqueues = []", "departments[0].id: is missing"),
    "time zone": (
        'timezone = "Europe/Rga"',
        "timezone: 'Europe/Rga' is not a time zone; write one such as \"Europe/Riga\"",
    ),
    "country": (
        'country = "latvia"',
        "country: 'latvia' is not a country code known here; write two capital letters such as \"LV\"",
    ),
    "negative cadence": ("[cadence]\non_s = 0", "cadence.on_s: must be greater than 0.0"),
    "cadence that is no number": ("[cadence]\non_s = inf", "cadence.on_s: must be a finite number"),
    "truth for a number": ("[cadence]\non_s = true", "cadence.on_s: must be a number, not true or false"),
    "signals in parts": ("[third_signal]\nsignals = 2.5", "third_signal.signals: must be a whole number"),
    "word that is not allowed": (
        '[third_signal]\nclock = "wall"',
        "third_signal.clock: must be 'union' or 'leg'",
    ),
    "hours overlap": (
        '[hours]\nmon = [["08:00", "12:00"], ["11:00", "17:00"]]',
        "hours.mon: ['11:00', '17:00'] overlaps the one before it; write them in order, without overlap",
    ),
    "hours backwards": (
        '[hours]\nmon = [["17:00", "08:00"]]',
        "hours.mon: ['17:00', '08:00'] closes before it opens; write the earlier time first",
    ),
    "hours not in pairs": (
        '[hours]\nmon = ["08:00", "17:00"]',
        'hours.mon: must be a list of pairs such as [["08:00", "12:00"], ["13:00", "17:00"]], '
        "or [] for closed",
    ),
    "time of day": (
        '[hours]\nmon = [["8", "24:01"]]',
        'hours.mon: \'8\' is not a time of day; write "HH:MM" from "00:00" to "24:00"',
    ),
    "database": ('database = "mysql://x"', 'database: must begin with "sqlite:///" or "postgresql://"'),
    "hotline without department": (
        '[hotline]\nnumbers = ["80000000"]',
        "hotline.department: is missing; name the department that checks the hotline's messages",
    ),
    "hotline with unknown department": (
        DEPARTMENT + '[hotline]\ndepartment = "pr"',
        "hotline.department: no department 'pr'; known: social",
    ),
    "callback by an unknown department": (
        DEPARTMENT + '[hotline]\ncallback_departments = ["socal"]',
        "hotline.callback_departments[0]: no department 'socal'; known: social",
    ),
    "rule of an unknown department": (
        '[[rules]]\neffective_from = 2026-01-01\ndepartment = "x"',
        "rules[0].department: no department 'x'; known: none",
    ),
    "department under itself": (
        DEPARTMENT + 'parent = "social"',
        "departments[0].parent: goes in a circle (social > social)",
    ),
    "same id at the same time": (
        DEPARTMENT + "valid_to = 2026-02-01\n" + DEPARTMENT + "valid_from = 2026-01-31",
        "departments[1].id: 'social' is already departments[0] at the same time; "
        "give the earlier one valid_to and the later one valid_from",
    ),
    "number for a text": ("timezone = 3", 'timezone: must be a text in quotes, such as "Europe/Riga"'),
    "number for a text without default": (
        DEPARTMENT + "parent = 3",
        "departments[0].parent: must be a text in quotes",
    ),
    "text for sections": ('departments = "x"', "departments: must be sections, each under [[departments]]"),
    "text for a list of numbers": (
        'main_numbers = "x"',
        'main_numbers: must be a list, such as ["67012200"]',
    ),
    "unknown key that is like no other": (
        "[third_signal]\nbogus = 1",
        "third_signal.bogus: unknown key; allowed: boundary, clock, excluded, short_abandon_s, signals",
    ),
    "port that is none": (
        'database = "postgresql://u:secret@h:port/x"',
        'database: is no address; write it like "postgresql://user@host:5432/name"',
    ),
    "columns of a mapping that are none": (
        '[[cdr_custom]]\ncolumns = "${CDR(src)},${EPOCH},${CDR(dst)}"',
        "cdr_custom[0].columns: '${EPOCH}' is no CDR column; "
        "write ${CDR(name)}, or the columns as a list of names",
    ),
}


@pytest.mark.parametrize(("text", "line"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_one_line_that_says_where_and_what_is_allowed(
    tmp_path: Path, text: str, line: str
) -> None:
    assert faults(tmp_path, text) == [f"callstats.toml: {line}"]


def test_several_faults_are_told_together(tmp_path: Path) -> None:
    lines = faults(tmp_path, 'country = "XX"\n[cadence]\non_s = "long"\nof = 1')
    assert [line.split(": ")[1] for line in lines] == ["country", "cadence.on_s", "cadence.of"]


@pytest.mark.parametrize(
    ("kind", "value"), [("extensions", "201"), ("queues", "q-social"), ("numbers", "67012200")]
)
def test_one_owner_at_a_time(tmp_path: Path, kind: str, value: str) -> None:
    first = f'[[departments]]\nid = "a"\n{kind} = ["{value}"]\n'
    second = f'[[departments]]\nid = "b"\n{kind} = ["{value}"]\n'
    (line,) = faults(tmp_path, first + second)
    assert line.startswith(f"callstats.toml: departments[1].{kind}: {value} already belongs to 'a'")
    dated = first + "valid_to = 2026-02-01\n" + second + "valid_from = 2026-02-01\n"
    assert len(Settings.load(write(tmp_path, dated)).departments) == 2


def test_one_number_in_two_spellings_has_still_one_owner(tmp_path: Path) -> None:
    first = '[[departments]]\nid = "a"\nnumbers = ["67012200"]\n'
    (line,) = faults(tmp_path, first + '[[departments]]\nid = "b"\nnumbers = ["+371 67012200"]')
    assert "already belongs to 'a'" in line


def test_parents_in_a_circle_are_told_and_an_unlisted_institution_is_not(tmp_path: Path) -> None:
    circle = '[[departments]]\nid = "a"\nparent = "b"\n[[departments]]\nid = "b"\nparent = "a"\n'
    assert [line.split("(")[1] for line in faults(tmp_path, circle)] == ["a > b > a)", "b > a > b)"]
    assert Settings.load(write(tmp_path, DEPARTMENT + 'parent = "administration"')).departments


def test_a_hotline_number_belongs_to_the_hotlines_department_only(tmp_path: Path) -> None:
    text = (
        '[hotline]\nnumbers = ["80000000"]\ndepartment = "pr"\n[[departments]]\nid = "pr"\n'
        '[[departments]]\nid = "a"\nnumbers = ["80000000"]'
    )
    (line,) = faults(tmp_path, text)
    assert "departments[1].numbers: 80000000 is a hotline number" in line


def test_faults_of_the_environment_name_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSTATS_THIRD_SIGNAL__SIGNALS", "three")
    monkeypatch.setenv("CALLSTATS_DEPARTMNTS", "[]")
    monkeypatch.setenv("CALLSTATS_REWRITE_GOLDEN", "1")
    lines = faults(tmp_path, "[cadence]\non_s = -1")
    assert lines == [
        "environment variable CALLSTATS_DEPARTMNTS: unknown setting; did you mean 'departments'?",
        "callstats.toml: cadence.on_s: must be greater than 0.0",
        "environment variable CALLSTATS_THIRD_SIGNAL__SIGNALS: third_signal.signals: must be a whole number",
    ]


@pytest.mark.parametrize("name", ["CALLSTATS_MAIN_NUMBERS", "callstats_hotline__numbers"])
def test_a_list_in_the_environment_must_be_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "67012000,67012001")
    assert faults(tmp_path, "") == [
        f"environment variable {name}: not JSON; lists and sections are JSON there"
    ]


def test_a_secret_in_a_wrong_database_address_is_not_told(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, 'database = "mysql://root:secret@host/db"')
    assert "secret" not in line


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    assert "line 1, column 6" in faults(tmp_path, "pbx == 1")[0]
    (tmp_path / "callstats.toml").write_bytes(b'pbx = "\xff"')
    with pytest.raises(SettingsError, match=r"callstats.toml: not UTF-8 text; save the file as UTF-8"):
        Settings.load(tmp_path / "callstats.toml")
    with pytest.raises(SettingsError, match=r"cannot be read: No such file or directory; name the file"):
        Settings.load(tmp_path / "none.toml")


COLUMNS = {
    "list": '["clid", "start(%FT%T%z)", "duration,f"]',
    "fields": '"clid,start(%FT%T%z),duration"',
    "mapping": '"Master.csv => ${CSV_QUOTE(${CDR(clid)})},${CSV_QUOTE(${CDR(start,f)})},${CDR(duration)}"',
}


@pytest.mark.parametrize(
    ("written", "columns"),
    [
        (COLUMNS["list"], ("clid", "start(%FT%T%z)", "duration,f")),
        (COLUMNS["fields"], ("clid", "start(%FT%T%z)", "duration")),
        (COLUMNS["mapping"], ("clid", "start,f", "duration")),
    ],
    ids=COLUMNS.keys(),
)
def test_custom_columns_may_be_copied_from_the_pbx(
    tmp_path: Path, written: str, columns: tuple[str, ...]
) -> None:
    (custom,) = Settings.load(write(tmp_path, f"[[cdr_custom]]\ncolumns = {written}")).cdr_custom
    assert custom.columns == columns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('issuer = "http://login.novads.example"', "must begin with https://"),
        ('issuer = "login"', "is no address such as https://"),
        ('issuer = "https://login.novads.example"', "nobody would get a role"),
        ('[[sign_in.groups]]\ngroup = "a"\nrole = "head"', "role head needs a department"),
        ('[[sign_in.groups]]\ngroup = "a"\nrole = "pr"\ndepartment = "social"', "pr is of no department"),
        ('[[sign_in.groups]]\ngroup = "a"\nrole = "head"\ndepartment = "navy"', "no department 'navy'"),
        ('[[sign_in.groups]]\ngroup = "a"\nrole = "boss"', "employee"),
    ],
)
def test_a_provider_that_cannot_be_is_told(tmp_path: Path, text: str, said: str) -> None:
    (line,) = faults(tmp_path, f"[sign_in]\n{text}\n{DEPARTMENT}")
    assert "sign_in" in line
    assert said in line
