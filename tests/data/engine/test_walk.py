"""The walk: every file once, links as links, and a clear word about what cannot be data."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from fettle.core.errors import Invalid, Unavailable
from fettle.data.engine.walk import Tracked, lstat_row, names_of, rows_of, shown, walk


def paths(root: Path, **options: object) -> set[str]:
    return {
        f"{each.folder}/{name}".lstrip("/")
        for each in walk(str(root), **options)  # type: ignore[arg-type]  # passed on as given
        for name in names_of(each.names)
    }


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_all_files_are_found_and_measured(tmp_path: Path) -> None:
    write(tmp_path, "a", "b/c", "b/d/e", ".hidden/f")
    (tmp_path / "link").symlink_to("b")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()
    assert paths(tmp_path) == {"a", "b/c", "b/d/e", ".hidden/f", "link", "broken"}
    for each in walk(str(tmp_path)):
        for name, row in zip(names_of(each.names), rows_of(each.stats), strict=True):
            assert row == lstat_row(os.path.join(tmp_path, each.folder, name))
    assert paths(tmp_path, start="b") == {"b/c", "b/d/e"}


def test_our_own_and_gits_folders_are_no_data(tmp_path: Path) -> None:
    write(
        tmp_path, "a", ".git/config", "sub/.git/config", ".fettle/x", "sub/.fettle-part-1", "sub/b", "m/.git"
    )
    assert paths(tmp_path) == {"a", "sub/b"}


def test_ignore_files_count_where_they_are_and_below(tmp_path: Path) -> None:
    write(
        tmp_path, "keep", "a.tmp", "sub/b.tmp", "sub/keep.tmp", "sub/deep/c.tmp", "cache/x/y", "other/cache/z"
    )
    (tmp_path / ".fettleignore").write_text("*.tmp\n/cache/\n")
    (tmp_path / "sub" / ".fettleignore").write_text("!keep.tmp\n")
    found = {"keep", "sub/keep.tmp", "other/cache/z", ".fettleignore", "sub/.fettleignore"}
    assert paths(tmp_path) == found
    assert paths(tmp_path, start="sub") == {"sub/keep.tmp", "sub/.fettleignore"}
    tracked = Tracked(lambda folder: {"y"} if folder == "cache/x" else (), "cache/x".startswith)
    assert paths(tmp_path, tracked=tracked) == found | {"cache/x/y"}


def test_any_name_survives(tmp_path: Path) -> None:
    names = {
        b"caf\xe9",
        b"new\nline",
        b"x" * 255,
        "cafe\u0301".encode(),
        "caf\u00e9".encode(),
        b"-dash",
        b"a b",
    }
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    assert {os.fsencode(each) for each in paths(tmp_path)} == names
    assert shown(os.fsdecode(b"caf\xe9/new\nline")) == "caf\\xe9/new\\nline"


def test_special_files_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid, match="pipe") as error:
        list(walk(str(tmp_path)))
    assert error.value.found == "a pipe"
    (tmp_path / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(Invalid) as error:
            list(walk(str(tmp_path)))
    assert error.value.found == "a socket"
    (tmp_path / ".fettleignore").write_text("s\n")
    assert paths(tmp_path) == {".fettleignore"}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        list(walk(str(tmp_path / "nowhere")))
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(Unavailable, match="closed"):
        list(walk(str(tmp_path)))
