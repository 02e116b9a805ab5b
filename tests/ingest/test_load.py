import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callstats.cases.vault import Vault
from tests.ingest.loading import SAMPLE, Site, lines_of

LINE_FILES = ["cdr_csv/Master.csv", "cdr_custom/full_tz.csv", "cel/Master.csv", "queue_log"]


def parts_of(name: str, number: int) -> list[bytes]:
    lines = lines_of(name)
    cuts = sorted(random.Random(name).sample(range(1, len(lines)), number - 1))
    return [b"".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]


def test_every_file_of_the_sample_adds_up(site: Site) -> None:
    reports = site.load(SAMPLE, compute=True)
    loaded = [report for report in reports if report.status == "loaded"]
    assert {report.dialect for report in loaded} >= {
        "ami",
        "cdr_csv",
        "cdr_custom",
        "cel_csv",
        "queue_log",
        "voicemail",
    }
    for report in loaded:
        assert report.read == report.kept + report.ignored + report.rejected > 0
        assert report.new == report.kept
    assert all(report.clean for report in reports)
    assert site.store.scan("calls").num_rows > 0
    skipped = {Path(report.path).name for report in reports if report.status == "skipped"}
    assert {"truth.json", "callstats.toml", "expected_calls.csv"} <= skipped


def test_the_same_again_is_a_no_op_under_any_name(site: Site) -> None:
    site.load(SAMPLE)
    version = site.store.data_version()
    again = [r for r in site.load(SAMPLE) if r.status != "skipped"]
    assert {(r.status, r.new) for r in again} == {("known", 0)}
    assert all(r.read == r.kept + r.ignored + r.rejected > 0 for r in again)
    renamed = site.put("Master.csv.1", (SAMPLE / "cel/Master.csv").read_bytes())
    assert site.load(renamed)[0].status == "known"
    assert site.store.data_version() == version


@pytest.mark.parametrize("name", [*LINE_FILES, "ami.raw"])
def test_a_file_that_grows_brings_what_is_new_and_nothing_twice(sites: list[Site], name: str) -> None:
    whole = (SAMPLE / name).read_bytes()
    sites[0].load(sites[0].put("log", whole))
    rng = random.Random(1)
    sizes = sorted(rng.randrange(len(whole) // 2, len(whole)) for _ in range(4))
    for size in [*sizes, len(whole)]:
        reports = sites[1].load(sites[1].put("log", whole[:size]))
    assert sites[1].said() == sites[0].said()
    assert 0 < reports[0].new < reports[0].kept
    assert reports[0].known == reports[0].kept - reports[0].new


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_line_that_was_cut_off_is_a_reject_until_the_file_is_longer(site: Site, name: str) -> None:
    whole = (SAMPLE / name).read_bytes()
    cut = whole[: whole.rindex(b"\n", 0, -1) + 10]
    assert site.load(site.put("log", cut))[0].rejected == 1
    rejects = site.store.scan("rejects").to_pylist()
    assert [row["line"] for row in rejects] == [len(lines_of(name))]
    assert "cut off" in rejects[0]["reason"]
    grown = site.load(site.put("log", whole))[0]
    assert (grown.new, grown.rejected) == (1, 0)
    assert site.store.scan("rejects").num_rows == 0


@pytest.mark.parametrize("name", LINE_FILES)
@pytest.mark.parametrize("whole_when", ["never", "first", "last", "between"])
def test_rotated_parts_in_any_order_amount_to_the_whole(
    sites: list[Site], name: str, whole_when: str
) -> None:
    whole = (SAMPLE / name).read_bytes()
    sites[0].load(sites[0].put("log", whole))
    parts = parts_of(name, 4)
    random.Random(name).shuffle(parts)
    place = {"never": None, "first": 0, "last": 4, "between": 2}[whole_when]
    given = parts if place is None else [*parts[:place], whole, *parts[place:]]
    for number, content in enumerate(given):
        report = sites[1].load(sites[1].put(f"log.{number}", content))[0]
        assert report.kept == report.new + report.known
    assert sites[1].said() == sites[0].said()


@pytest.mark.parametrize("whole_when", [0, 1, 2])
def test_the_ends_of_rotated_ami_parts_give_way_to_those_of_the_whole(
    sites: list[Site], whole_when: int
) -> None:
    whole = (SAMPLE / "ami.raw").read_bytes()
    sites[0].load(sites[0].put("ami.raw", whole))
    cut = whole.index(b"\r\n\r\n", len(whole) // 2) + 4
    given = [whole[:cut], whole[cut:]]
    given.insert(whole_when, whole)
    for number, content in enumerate(given):
        sites[1].load(sites[1].put(f"ami.{number}", content))
    assert sites[1].said() == sites[0].said()


def test_files_in_any_order_give_the_same_calls(sites: list[Site]) -> None:
    names = [*LINE_FILES, "ami.raw"]
    for site, order in zip(sites, (names, random.Random(3).sample(names, len(names))), strict=True):
        for name in order:
            site.load(SAMPLE / name, compute=True)
    for table in ("calls", "visits", "attempts"):
        first, second = (sorted(map(str, site.store.scan(table).to_pylist())) for site in sites)
        assert first == second
        assert first


def test_two_formats_of_one_cdr_are_both_kept(site: Site) -> None:
    reports = site.load(SAMPLE / "cdr_csv", SAMPLE / "cdr_custom")
    assert {report.dialect for report in reports} == {"cdr_csv", "cdr_custom"}
    assert all(report.new == report.kept for report in reports)


def test_wrong_lines_are_rejects_and_the_rest_is_loaded(site: Site) -> None:
    lines = lines_of("queue_log")
    lines[2:2] = [b"\xff\xfe\n", b"nonsense with 28404019\n", b"0|a|b|c|d\x00|\n"]
    report = site.load(site.put("queue_log", b"".join(lines)), compute=True)[0]
    assert report.rejected == 3
    assert not report.clean
    assert report.new == report.kept == len(lines) - 3
    rejects = site.store.scan("rejects").to_pylist()
    assert [row["line"] for row in rejects] == [3, 4, 5]
    assert {row["batch"] for row in rejects} == {report.batch}
    assert all("28404019" not in row["text"] for row in rejects)


def test_numbers_of_clients_go_to_the_vault_and_not_to_the_facts(site: Site) -> None:
    site.store.clock = lambda: datetime(2026, 11, 24, tzinfo=UTC)  # the day after the sample
    site.load(SAMPLE, compute=True)
    vault = Vault.open(site.settings, site.store.database, site.store.clock)
    callers = site.store.scan("calls", columns=["caller"])["caller"].drop_null().unique().to_pylist()
    clients = [name for name in callers if name.startswith("n1-")]
    assert len(clients) > 10
    facts = str(site.store.scan("events").to_pylist())
    for name in clients:
        number = vault.reveal(name)
        assert number is not None
        assert vault.pseudonymiser.pseudonym(number) == name
        assert number.removeprefix("+371") not in facts


def test_numbers_that_were_seen_long_ago_do_not_go_to_the_vault(site: Site) -> None:
    site.store.clock = lambda: datetime(2027, 1, 4, tzinfo=UTC)
    site.load(SAMPLE)
    assert Vault.open(site.settings, site.store.database, site.store.clock).size() == 0


MESSAGES = SAMPLE / "voicemail/hotline/8000/INBOX"


def mailboxes(site: Site) -> set[str]:
    return set(site.store.scan("events", columns=["mailbox"])["mailbox"].to_pylist())


def test_messages_named_from_within_their_folder_keep_their_mailbox(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = sites[0].put("spool/office/8000/INBOX/msg0000.txt", (MESSAGES / "msg0000.txt").read_bytes())
    monkeypatch.chdir(spool.parent)
    sites[0].load(Path())
    assert mailboxes(sites[0]) == {"8000@office"}
    assert [r.status for r in sites[0].load(Path("msg0000.txt"), spool.parents[3])] == ["known"]
    (sites[1].inbox / "link.txt").symlink_to(spool)
    sites[1].load(sites[1].inbox)
    assert mailboxes(sites[1]) == {"8000@office"}


def test_one_message_in_two_mailboxes_is_two(site: Site) -> None:
    content = (MESSAGES / "msg0000.txt").read_bytes()
    for context in ("office", "home"):
        site.put(f"{context}/8000/INBOX/msg0000.txt", content)
    assert [r.new for r in site.load(site.inbox)] == [1, 1]
    assert mailboxes(site) == {"8000@office", "8000@home"}


def test_a_message_out_of_its_place_belongs_to_the_one_mailbox_of_that_number(site: Site) -> None:
    site.load(site.put("copies/msg0000.txt", (MESSAGES / "msg0000.txt").read_bytes()))
    assert mailboxes(site) == {"8000@hotline"}


def test_a_message_of_no_known_mailbox_is_a_reject_until_it_lies_in_its_place(site: Site) -> None:
    content = (MESSAGES / "msg0000.txt").read_bytes().replace(b"origmailbox=8000", b"origmailbox=8001")
    lost = site.load(site.put("copies/msg0000.txt", content))[0]
    assert (lost.rejected, lost.new) == (1, 0)
    assert "no mailbox" in site.store.scan("rejects")["reason"][0].as_py()
    found = site.load(site.put("spool/office/8001/Old/msg0003.txt", content))[0]
    assert (found.rejected, found.new) == (0, 1)
    assert mailboxes(site) == {"8001@office"}
    assert site.store.scan("rejects").num_rows == 0


BAD = b"nonsense with 28404019\n"


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 2, 0], [2, 0, 1]])
def test_a_rejected_line_is_there_once_in_whatever_parts_it_comes(site: Site, order: list[int]) -> None:
    lines = lines_of("queue_log")[:20]
    lines.insert(12, BAD)
    lines.insert(15, BAD.replace(b"\n", b" again\n"))
    parts = [b"".join(lines), b"".join(lines[:10]), b"".join(lines[10:])]
    reports = [site.load(site.put(f"queue_log.{place}", parts[place]))[0] for place in order]
    assert sorted(report.rejected for report in reports) == [0, 2, 2]
    assert site.store.scan("rejects").num_rows == 2
    assert len(set(site.store.scan("rejects")["line_key"].to_pylist())) == 2


def test_two_equal_wrong_lines_of_a_file_are_two_rejects(site: Site) -> None:
    lines = [*lines_of("queue_log")[:5], BAD, BAD]
    assert site.load(site.put("queue_log", b"".join(lines)))[0].rejected == 2
    assert site.store.scan("rejects").num_rows == 2


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_reject_goes_when_a_sound_copy_of_its_line_comes(site: Site, name: str) -> None:
    lines = lines_of(name)
    part = b"".join([*lines[5:9], BAD, lines[9]])
    cut = site.load(site.put("part", part[:-1]))[0]
    assert cut.rejected == 2  # its last line is whole but for its end
    assert site.store.scan("rejects").num_rows == 2
    whole = site.load(site.put("log", b"".join(lines)), compute=True)[0]
    assert (whole.rejected, whole.known) == (0, cut.kept)
    assert site.store.scan("rejects")["line"].to_pylist() == [5]


def test_the_rejects_of_a_file_that_grew_are_those_of_the_longer_one(site: Site) -> None:
    lines = [*lines_of("queue_log")[:5], BAD]
    site.load(site.put("part", b"".join(lines[3:])))
    for length in (4, 5):
        lines += lines_of("queue_log")[length + 1 : length + 2]
        site.load(site.put("queue_log", b"".join(lines)))
        assert site.store.scan("rejects").num_rows == 1
