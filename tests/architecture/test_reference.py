"""The generated reference pages say what the code says."""

import pytest

from fettle.workspace.rooms import ROOMS
from tools.reference import REFERENCE, pages


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """What the generator makes of the code as it is."""
    return pages()


@pytest.mark.parametrize("name", ["cli.md", "configuration.md", "exit-codes.md"])
def test_a_generated_page_is_current(made: dict[str, str], name: str):
    written = (REFERENCE / name).read_text("utf-8")
    assert written == made[name], "run `make docs`"


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_page(room: str):
    assert (REFERENCE / f"{room}.md").is_file()
