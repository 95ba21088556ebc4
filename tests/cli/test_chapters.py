"""The order of a room's commands: what is used every day first, nothing lost, nothing named that is not there."""

import pytest

from fettle.cli.chapters import CHAPTERS, OTHERS, PLUMBING, places
from fettle.workspace import catalog


def offered(room: str) -> list[tuple[str, bool]]:
    known = catalog()
    return [
        (each.verb.replace("_", "-"), each.plumbing) for each in (*known.errands(room), *known.acts(room))
    ]


@pytest.mark.parametrize("room", CHAPTERS)
def test_every_command_has_its_chapter_and_every_chapter_its_commands(room: str):
    listed = [name for names in CHAPTERS[room].values() for name in names.split()]
    assert len(listed) == len(set(listed))
    plain = {name for name, plumbing in offered(room) if not plumbing}
    assert set(listed) - {name for name, _ in offered(room)} == set()
    assert plain - set(listed) == set(), "add it to the chapter where it is looked for"


def test_what_nobody_placed_is_shown_behind():
    found = places("data", [("ingest", False), ("brandnew", False), ("roots", True)])
    assert found["ingest"] == ("Every day", 0)
    assert found["brandnew"][0] == OTHERS
    assert found["roots"][0] == PLUMBING
    assert places("nowhere", [("act", False)]) == {"act": ("", 0)}


@pytest.mark.parametrize("room", CHAPTERS)
def test_help_shows_the_chapters_in_order(fettle, room: str):
    said = fettle(room, "--help").out
    order = [said.index(f"─ {title} ─") for title in CHAPTERS[room]]
    assert order == sorted(order)


def test_help_begins_with_the_everyday_commands_and_ends_with_plumbing(fettle):
    said = fettle("data", "--help").out
    assert said.index(" ingest") < said.index(" add ") < said.index(" gc ") < said.index(" roots")


def test_an_unknown_verb_of_many_offers_the_nearest_and_how_to_list_all(fettle):
    said = fettle("data", "comit")
    assert said.code == 2
    assert "Did you mean `fettle data commit`" in said.err
    assert "`fettle data --help` lists all" in said.err
    assert "found:" not in said.err
    assert len(said.err) < 300
    assert "`fettle data restore`" in fettle("data", "resto").err
    assert "commands: " in fettle("features", "nonsense").err
