"""Pointer files: the same version, the same bytes; and whatever else stands in one is told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core.errors import Invalid
from fettle.data.copies import pointers
from fettle.data.copies.pointers import Pointer

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
POINTERS = st.builds(
    Pointer,
    dataset=TEXT,
    commit=TEXT,
    branch=TEXT,
    kind=st.sampled_from(["folder", "file"]),
    files=st.integers(0, 2**40),
    size_bytes=st.integers(0, 2**60),
    paths=st.lists(TEXT, max_size=3),
)


@given(POINTERS)
def test_a_pointer_survives_its_text(pointer: Pointer) -> None:
    text = pointers.encode(pointer)
    assert pointers.decode(text, "x") == pointer
    assert tomllib.loads(text)["dataset"] == pointer.dataset


def test_the_text_is_stable() -> None:
    assert pointers.encode(Pointer("images", "3f9a", files=2, size_bytes=7)) == (
        "# A version of a dataset; `fettle data checkout` brings it to the place beside this file.\n"
        'dataset = "images"\nbranch = "main"\ncommit = "3f9a"\nkind = "folder"\nfiles = 2\nsize_bytes = 7\n'
    )


@pytest.mark.parametrize(
    "text", ["", "dataset = 1", '<<<<<<< HEAD\ncommit = "a"\n', 'dataset = "a"\nfiles = "many"\ncommit = "b"']
)
def test_what_is_no_pointer_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "images.data.toml").write_text(text)
    with pytest.raises(Invalid, match=r"images\.data\.toml is no pointer"):
        pointers.read(str(tmp_path / "images"))


def test_pointers_are_found_below_a_folder_but_not_in_data(tmp_path: Path) -> None:
    for name in ("a", "sub/b", "a/inner", ".git/c", "sub/deep/d"):
        path = tmp_path / f"{name}.data.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    found = [str(Path(each).relative_to(tmp_path)) for each in pointers.below(str(tmp_path))]
    assert found == ["a", "sub/b", "sub/deep/d"]
    assert pointers.read(str(tmp_path / "nothing")) is None
