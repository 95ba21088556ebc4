"""Streams of every length arrive whole, past the page cache or not."""

import errno
from collections.abc import Iterator
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


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_chunk_is_done_with_when_the_next_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
):
    monkeypatch.setattr(direct, "_in_memory", lambda device: in_memory)
    lent = bytearray(700_000)

    def chunks() -> Iterator[memoryview]:
        for number, size in enumerate((700_000, 10, 300_000, 200_000, 699_999, 1)):
            lent[:size] = bytes([number]) * size
            yield memoryview(lent)[:size]
            lent[:] = bytes(len(lent))

    blobs = open_blobs(tmp_path / "blobs")
    blobs.put("a", chunks())  # type: ignore[arg-type]  # views will do
    sizes = (700_000, 10, 300_000, 200_000, 699_999, 1)
    assert blobs.get("a") == b"".join(bytes([number]) * size for number, size in enumerate(sizes))


def test_what_lies_in_memory_is_known():
    assert not direct._in_memory(1 << 40)
    for line in (
        Path("/proc/self/mountinfo").read_text().splitlines() if Path("/proc/self/mountinfo").exists() else ()
    ):
        place, kind = line.split(" ")[4], line.partition(" - ")[2].split(" ")[0]
        if kind == "tmpfs" and Path(place).is_dir():
            assert direct._in_memory(Path(place).stat().st_dev)


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
