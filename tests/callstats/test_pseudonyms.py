"""Pseudonyms and the file of their keys."""

import hmac
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callstats.errors import SettingsError
from callstats.pseudonyms import PSEUDONYM, Pseudonymiser, load_pseudonymiser


def test_a_pseudonym_is_keyed_and_tells_its_key() -> None:
    one, other = Pseudonymiser(b"a" * 32), Pseudonymiser(b"b" * 32, 7)
    assert one.pseudonym("+37128404019") == one.pseudonym("+37128404019")
    assert one.pseudonym("+37128404019") != one.pseudonym("+37128404018")
    assert other.pseudonym("+37128404019").startswith("n7-")
    assert other.pseudonym("+37128404019")[3:] != one.pseudonym("+37128404019")[3:]
    assert PSEUDONYM.fullmatch(one.pseudonym("+37128404019"))


def test_a_known_value_so_that_stored_pseudonyms_go_on_matching() -> None:
    # printf +37128404019 | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert Pseudonymiser(b"k" * 32).pseudonym("+37128404019") == "n1-a9424b4e249294608a020166048d74e1"


def test_names_have_their_own_pseudonyms() -> None:
    keyed = Pseudonymiser(b"a" * 32)
    assert keyed.name("Jānis Bērziņš").startswith("x1-")
    assert keyed.name("28404019")[3:] != keyed.pseudonym("28404019")[3:]


def test_after_a_rotation_stored_pseudonyms_are_rewritten_without_the_numbers() -> None:
    old = Pseudonymiser(b"a" * 32, 1)
    new = Pseudonymiser(b"b" * 32, 2, old)
    assert new.rotated(old.pseudonym("+37128404019")) == new.pseudonym("+37128404019")
    assert new.rotated(old.name("Jānis")) == new.name("Jānis")
    assert new.pseudonym("+37128404019").startswith("n2-")


def test_the_key_never_shows_in_a_log() -> None:
    assert repr(Pseudonymiser(b"secret" * 6)) == "Pseudonymiser(key_id=1)"


def test_the_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "data" / "numbers.key"
    first = load_pseudonymiser(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_pseudonymiser(path) == first
    assert len(first.key) == 32
    assert os.listdir(path.parent) == ["numbers.key"]
    assert load_pseudonymiser(tmp_path / "other.key").key != first.key


def test_many_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_pseudonymiser(tmp_path / "numbers.key"), range(40)))
    assert len({p.key for p in found}) == 1


def test_several_keys_are_a_chain(tmp_path: Path) -> None:
    path = tmp_path / "numbers.key"
    path.write_text(f"1 {'aa' * 32}\n3 {'bb' * 32}\n")
    path.chmod(0o600)
    chain = load_pseudonymiser(path)
    assert chain == Pseudonymiser(b"\xbb" * 32, 3, Pseudonymiser(b"\xaa" * 32, 1))


def test_a_missing_key_is_told_where_facts_are_there_already(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="key file of the numbers is missing; restore it"):
        load_pseudonymiser(tmp_path / "numbers.key", create=False)


@pytest.mark.parametrize("text", ["", "1 abc\n", "x\n", f"2 {'aa' * 32}\n1 {'bb' * 32}\n", "1 " + "ā" * 64])
def test_a_damaged_key_file_is_told_without_its_content(tmp_path: Path, text: str) -> None:
    path = tmp_path / "numbers.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(
        SettingsError, match=r"line \d is no key; .* restore the file from the backup"
    ) as caught:
        load_pseudonymiser(path)
    assert "bb" * 32 not in str(caught.value)


def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.key"
    load_pseudonymiser(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="everybody may read this key; type: chmod 600"):
        load_pseudonymiser(path)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be made"):
        load_pseudonymiser(tmp_path / "file" / "numbers.key")


@pytest.mark.parametrize("size", [1, 32, 64, 65, 200])
def test_a_pseudonym_is_the_hmac_of_rfc_2104(size: int) -> None:
    key = bytes(range(256))[:size]
    expected = hmac.digest(key, b"+37120000001", "sha256").hex()[:32]
    assert Pseudonymiser(key).pseudonym("+37120000001") == f"n1-{expected}"


def test_many_pseudonyms_are_those_of_each_whatever_the_chain_of_keys() -> None:
    first = Pseudonymiser(b"a" * 32)
    numbers = ["+37120000001", "+4915112345678", "1234567", "\ud800"]
    for one in (first, Pseudonymiser(b"b" * 32, 2, first)):
        assert one.pseudonyms(numbers) == [one.pseudonym(number) for number in numbers]
