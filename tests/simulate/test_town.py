"""The invented municipality: its configuration and its PBX speak of the same departments."""

from __future__ import annotations

from pathlib import Path

import pytest

from callstats.departments import Departments
from callstats.errors import UsageError
from callstats.settings import Settings
from callstats.simulate.calls_in import behind
from callstats.simulate.plant import Enqueue
from callstats.simulate.town import HOTLINE, MAILBOX, town
from callstats.simulate.town_config import config_text


def settings(tmp_path: Path, size: int = 1) -> Settings:
    path = tmp_path / "callstats.toml"
    path.write_text(config_text(town(size)), encoding="utf-8")
    return Settings.load(path)


@pytest.mark.parametrize("size", [1, 3])
def test_the_configuration_loads_and_knows_every_phone_queue_and_number(tmp_path: Path, size: int) -> None:
    found, made = settings(tmp_path, size), town(size)
    assert {e for d in found.departments for e in d.extensions} == set(made.plant.phones)
    assert {q for d in found.departments for q in d.queues} == set(made.plant.queues)
    assert len(Departments.from_settings(found).ids) == 13 * size + 1
    assert found.simulated


def test_every_department_has_a_latvian_and_an_english_name(tmp_path: Path) -> None:
    for department in settings(tmp_path).departments:
        assert department.name.lv
        assert department.name.en


def test_the_hotline_ends_in_its_mailbox(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.hotline.numbers == (HOTLINE,)
    assert found.hotline.mailboxes == (MAILBOX,)
    assert found.hotline.department == "pr"
    assert behind(town().plant, HOTLINE).voicemail


@pytest.mark.parametrize("size", [1, 3])
def test_every_way_leads_somewhere(size: int) -> None:
    made = town(size)
    for way in made.ways:
        there = behind(made.plant, way.number, way.key)
        assert there.offers or there.voicemail or way.number == "60000699"
        assert way.unit in made.units


def test_a_queue_is_reached_by_the_number_of_its_department() -> None:
    made = town(2)
    for number, steps in made.plant.numbers.items():
        for step in steps[:2]:
            if isinstance(step, Enqueue):
                owner = next(u for u in made.units.values() if number in u.numbers)
                assert owner.queue == step.queue


def test_a_parish_has_phones_and_numbers_of_its_own() -> None:
    made = town(3)
    assert len(set(made.plant.phones)) == len(made.plant.phones) == 3 * len(town().plant.phones)
    assert all(len(number) == 8 for number in made.plant.numbers)


def test_a_town_beyond_its_numbers_is_refused() -> None:
    with pytest.raises(UsageError, match="1 to 900"):
        town(901)
