"""Batches of small files, read by one process and by two: the same bytes, and nothing that is not as it was listed."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from fettle.data.engine import bulk
from fettle.data.engine.bulk import Batch, batches, reading
from fettle.data.engine.repository import Repository
from fettle.data.engine.walk import names_of, rows_of, walk
from fettle.storage.files import FileBlobStore

COUNT = 2500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some thousand files of a few hundred bytes; some empty, some alike."""
    made = tmp_path_factory.mktemp("bulk")
    random_ = random.Random(1)
    for number in range(COUNT):
        place = made / f"{number % 3}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.bin").write_bytes(random_.randbytes(0 if number % 50 == 0 else number % 700))
    return made


def listed(folder: Path) -> list[Batch]:
    return [
        batch
        for each in walk(os.fspath(folder))
        if each.names
        for batch in batches(
            os.path.join(folder, each.folder), names_of(each.names), list(rows_of(each.stats))
        )
    ]


def read(work: list[Batch]) -> dict[str, tuple[bytes, bytes]]:
    """Path → bytes and digest."""
    found: dict[str, tuple[bytes, bytes]] = {}
    with reading(work) as given:
        for got in given:
            batch, at = work[got.number], 0
            for name, row, digest in zip(batch.names, batch.rows, got.each(), strict=True):
                path = os.path.join(batch.folder, name)
                assert path not in found
                found[path] = bytes(got.data[at : at + row[0]]), digest
                at += row[0]
    return found


def right(folder: Path) -> dict[str, tuple[bytes, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), blake3(path.read_bytes()).digest()) for path in files}


def test_two_processes_read_what_one_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "worth_a_process", lambda files: False)
    alone = read(listed(folder))
    assert alone == right(folder)
    monkeypatch.setattr(bulk, "worth_a_process", lambda files: True)
    monkeypatch.setattr(bulk, "BATCH_FILES", 50)
    assert read(listed(folder)) == alone


def test_a_helper_that_ends_early_costs_time_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "worth_a_process", lambda files: True)
    monkeypatch.setattr(bulk, "BATCH_FILES", 20)
    begun: list[int] = []
    real = os.fork

    def forked() -> int:
        process = real()
        begun.append(process)
        if process:
            os.kill(process, signal.SIGKILL)
        return process

    monkeypatch.setattr(os, "fork", forked)
    assert read(listed(folder)) == right(folder)
    assert len(begun) == 1


def test_what_is_not_as_it_was_listed_must_be_read_again(tmp_path: Path) -> None:
    names = ("changed", "gone", "grown", "link", "same")
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    (batch,) = listed(tmp_path)
    (tmp_path / "changed").write_bytes(b"CHANGED")
    (tmp_path / "gone").unlink()
    (tmp_path / "grown").write_bytes(b"grown and grown")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("same")
    with reading([batch]) as given:
        (got,) = given
        found = dict(zip(batch.names, got.each(), strict=True))
    assert {name for name in names if found[name]} == {"same"}


def test_no_process_is_forked_beside_other_threads() -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        assert not bulk.worth_a_process(1_000_000)
    finally:
        over.set()
        other.join()
    assert not bulk.worth_a_process(10)


def test_batches_hold_no_more_than_their_size() -> None:
    rows = (
        [(bulk.BATCH_BYTES // 2 - 1, 0, 0, 0, 0)] * 5
        + [(bulk.BATCH_BYTES, 0, 0, 0, 0)]
        + [(0, 0, 0, 0, 0)] * 2000
    )
    made = list(batches("f", [str(number) for number in range(len(rows))], rows))
    assert [name for each in made for name in each.names] == [str(number) for number in range(len(rows))]
    assert all(sum(row[0] for row in each.rows) <= bulk.BATCH_BYTES for each in made)
    assert all(len(each.names) <= bulk.BATCH_FILES for each in made)


def test_batches_are_kept_as_single_files_are(folder: Path, tmp_path: Path) -> None:
    """Some are compressed, some known before, some twice in a batch; each comes back."""
    text = tmp_path / "text"
    text.mkdir()
    for number in range(100):
        (text / f"{number}.txt").write_text(f"{number % 40} " * 200)
        (text / f"{number}.bin").write_bytes(random.Random(number % 60).randbytes(300))
    repository = Repository(FileBlobStore(tmp_path / "store"), tmp_path / "cache")
    with repository.writer() as writer:
        writer.put_bytes((text / "3.bin").read_bytes())
    for _again in range(2):
        with repository.writer() as writer:
            for work in (listed(text), listed(folder)):
                with reading(work) as given:
                    for got in given:
                        assert writer.put_batch(work[got.number], got) == got.each()
            stored = writer.stored_bytes
    assert stored == 0
    for content, digest in (*right(text).values(), *right(folder).values()):
        assert repository.read(digest.hex()) == content
