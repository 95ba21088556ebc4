"""Streams of every length arrive whole, past the page cache or not."""

import errno
from pathlib import Path

import pytest

from fettle.core.errors import Unavailable
from fettle.storage import direct, open_blobs

SIZES = [0, 1, 4096, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (8 << 20) + 4097]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [70_001, 1 << 20, 16 << 20])
def test_streams_arrive(tmp_path: Path, size: int, piece: int):
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    blobs = open_blobs(tmp_path / "blobs")
    blobs.put("a/b", (memoryview(data)[at : at + piece] for at in range(0, size, piece)))
    assert blobs.get("a/b") == data


def test_a_file_system_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(direct, "_switch", lambda file, direct: False)
    blobs = open_blobs(tmp_path / "blobs")
    blobs.put("a", iter([b"x" * (5 << 20)]))
    assert len(blobs.get("a")) == 5 << 20


def test_a_write_that_is_refused_is_tried_the_usual_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import os

    write, refused = os.write, 1

    def picky(descriptor: int, data: memoryview) -> int:
        nonlocal refused
        if refused:
            refused -= 1
            raise OSError(errno.EINVAL, "not aligned to my taste")
        return write(descriptor, data[: len(data) // 2 + 1])

    monkeypatch.setattr(direct.os, "write", picky)
    with open(tmp_path / "x", "wb") as file:
        direct.write_chunks(file, [b"y" * (4 << 20), b"z" * 10])
    assert (tmp_path / "x").read_bytes() == b"y" * (4 << 20) + b"z" * 10


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    blobs = open_blobs(tmp_path / "blobs")
    monkeypatch.setattr(direct.os, "write", full)
    with pytest.raises(Unavailable, match="full"):
        blobs.put("a", iter([b"x" * (5 << 20)]))
    monkeypatch.undo()
    assert blobs.info("a") is None
