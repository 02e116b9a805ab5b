import os
import shutil
from pathlib import Path

import pytest

from callstats.errors import UsageError
from callstats.settings import Settings
from ingest import load as module
from ingest.base import Dialect
from ingest.reader import identify
from ingest.report import as_text
from tests.ingest.loading import SAMPLE, Site


def test_a_file_of_no_format_is_skipped_in_a_folder_and_a_fault_by_name(site: Site) -> None:
    stranger = site.put("letter.txt", b"Dear Sir or Madam,\n")
    assert [r.status for r in site.load(site.inbox)] == ["skipped"]
    named = site.load(stranger, SAMPLE / "queue_log")
    assert [r.status for r in named] == ["failed", "loaded"]
    assert named[0].reason is not None
    assert "letter.txt" in named[0].reason


def test_an_empty_file_is_skipped(site: Site) -> None:
    assert [(r.status, r.reason) for r in site.load(site.put("queue_log", b""))] == [("skipped", "empty")]


def test_a_path_that_does_not_exist_stops_before_anything_is_loaded(site: Site) -> None:
    with pytest.raises(UsageError, match=r"nowhere: no such file"):
        site.load(SAMPLE / "queue_log", site.folder / "nowhere")
    assert site.store.data_version() == "0"


def test_a_file_given_twice_is_loaded_once(site: Site) -> None:
    path = site.put("a/queue_log", (SAMPLE / "queue_log").read_bytes())
    (site.inbox / "link").symlink_to(path)
    assert len(site.load(path, site.inbox, site.inbox / "link")) == 1


def test_our_own_data_is_never_loaded(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    shutil.copy(SAMPLE / "queue_log", site.settings.data / "queue_log")
    assert site.load(site.folder) == []
    site.store.close()


def test_a_fault_of_ours_costs_one_file_and_quotes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, settings: Settings) -> Dialect:
        if path.name == "broken":
            raise OverflowError("caller 28404019")
        return identify(path, settings)

    monkeypatch.setattr(module, "identify", fails)
    broken = site.put("broken", b"caller 28404019\n")
    reports = site.load(broken, SAMPLE / "queue_log")
    assert [r.status for r in reports] == ["failed", "loaded"]
    assert reports[0].reason is not None
    assert reports[0].reason.startswith("unexpected OverflowError (load.py, line ")
    assert "28404019" not in reports[0].reason


def test_what_is_no_file_is_a_fault_by_name_and_told_in_a_folder(site: Site) -> None:
    os.mkfifo(site.inbox / "pipe")
    named = site.load(site.inbox / "pipe")[0]
    assert named.status == "failed"
    assert named.reason is not None
    assert "pipe: no regular file" in named.reason
    inside = site.load(site.inbox)
    assert [(r.status, r.reason) for r in inside] == [("skipped", module.NO_FILE)]


def test_links_in_a_circle_and_links_to_folders_are_told(site: Site) -> None:
    elsewhere = site.folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(SAMPLE / "queue_log", elsewhere / "queue_log")
    (site.inbox / "a").symlink_to(site.inbox / "b")
    (site.inbox / "b").symlink_to(site.inbox / "a")
    (site.inbox / "month").symlink_to(elsewhere)
    reports = {Path(r.path).name: (r.status, r.reason) for r in site.load(site.inbox)}
    assert reports["month"] == ("skipped", module.LINK)
    assert reports["a"] == reports["b"] == ("skipped", module.NO_FILE)
    assert [r.status for r in site.load(site.inbox / "month")] == ["loaded"]


def test_a_folder_that_cannot_be_listed_is_a_fault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = site.put("closed/queue_log", b"").parent
    real = os.scandir

    def scandir(path: str) -> object:  # root may list any folder
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    reports = site.load(site.inbox)
    assert [(r.path, r.status) for r in reports] == [(str(closed), "failed")]


def test_text_that_nobody_reads_is_named_and_the_rest_of_a_folder_is_counted(site: Site) -> None:
    site.put("letter.txt", "Labdien! Šī ir vēstule.\n".encode())
    site.put("sound.wav", bytes(range(256)) * 20)
    site.put("image.png", b"\x89PNG\x00\x00\x00\x01" * 99)
    site.put("empty", b"")
    site.put("queue_log", (SAMPLE / "queue_log").read_bytes())
    lines = as_text(site.load(site.inbox)).splitlines()
    assert lines[0].endswith(f"letter.txt: skipped: {module.UNKNOWN}")
    assert "queue_log: queue_log: read 107" in lines[1]
    assert lines[2:4] == ["Skipped (no text): 2", "Skipped (empty): 1"]
    assert len(lines) == 5
