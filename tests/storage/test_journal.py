"""What is particular to the journal of segments: growth, recovery, damage, full disks, forks."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, Unavailable
from fettle.storage import journal as journals
from fettle.storage import open_journal, read_journal
from fettle.storage.frames import HEADER_BYTES, read_groups, segment_path, segments, stride


def contents(folder: Path) -> list[bytes]:
    return [record for _, record in read_journal(folder)]


def written(folder: Path, records: list[bytes], segment_bytes: int = 4096) -> list[str]:
    journal = open_journal(folder, segment_bytes=segment_bytes)
    positions = [journal.append(record) for record in records]
    journal.close()
    return positions


def test_segments_grow_and_closing_gives_space_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=2 << 20)
    for _ in range(30):
        journal.append(b"x" * 100_000)
    sizes = [segment_path(tmp_path, number).stat().st_size for number in segments(tmp_path)]
    assert sizes[0] < 256 << 10
    assert sizes[-1] == 2 << 20
    journal.close()
    assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) < 30 * 100_100


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    records = [b"a", b"x" * 100_000, b"b", b"y" * 4096]
    written(tmp_path, records)
    assert contents(tmp_path) == records


def test_what_a_killed_writer_left_is_cut_and_followed(tmp_path: Path) -> None:
    written(tmp_path, [b"one", b"two"])
    last = segment_path(tmp_path, segments(tmp_path)[-1])
    with open(last, "ab") as file:
        file.write(bytes(8) + b"a record whose header was not written yet" + bytes(500))
    assert contents(tmp_path) == [b"one", b"two"]
    written(tmp_path, [b"three"])
    assert contents(tmp_path) == [b"one", b"two", b"three"]
    assert not list(tmp_path.glob("*.torn*"))


def test_a_torn_frame_is_kept_aside_when_the_writer_returns(tmp_path: Path) -> None:
    written(tmp_path, [b"one", b"two", b"three"])
    last = segment_path(tmp_path, segments(tmp_path)[-1])
    data = bytearray(last.read_bytes())
    data[HEADER_BYTES + 16 + 8] ^= 1  # in "two"
    last.write_bytes(data)
    assert contents(tmp_path) == [b"one"]
    written(tmp_path, [b"four"])
    assert contents(tmp_path) == [b"one", b"four"]
    (aside,) = tmp_path.glob("*.torn*")
    assert b"three" in aside.read_bytes()


@pytest.mark.parametrize("offset", [0, 4, 8, 200])
def test_damage_in_a_finished_segment_is_named_and_what_comes_before_it_read(
    tmp_path: Path, offset: int
) -> None:
    records = [bytes([number]) * 192 for number in range(100)]
    written(tmp_path, records)
    first = segment_path(tmp_path, segments(tmp_path)[0])
    data = bytearray(first.read_bytes())
    data[HEADER_BYTES + 3 * 200 + offset] ^= 0x10
    first.write_bytes(data)
    found: list[bytes] = []
    with pytest.raises(Unavailable, match="damaged") as caught:
        found.extend(record for _, record in read_journal(tmp_path))
    reading = read_journal(tmp_path)
    before = [next(reading)[1] for _ in range(3)]
    assert before == records[:3]
    after = caught.value.hint.split("'")[1]
    assert [record for _, record in read_journal(tmp_path, after)] == records[20:]


def test_a_newer_format_is_not_misread(tmp_path: Path) -> None:
    written(tmp_path, [b"one"])
    path = segment_path(tmp_path, 1)
    path.write_bytes(b"fettle journal 2" + path.read_bytes()[16:])
    with pytest.raises(Unavailable, match="not a journal segment"):
        contents(tmp_path)


def test_reading_goes_on_when_old_segments_were_removed(tmp_path: Path) -> None:
    positions = written(tmp_path, [bytes([number]) * 1000 for number in range(20)])
    numbers = segments(tmp_path)
    segment_path(tmp_path, numbers[0]).unlink()
    segment_path(tmp_path, numbers[1]).unlink()
    left = list(read_journal(tmp_path, positions[0]))
    assert left == list(read_journal(tmp_path))
    assert left[0][0] > positions[4]
    assert left[-1][0] == positions[-1]


@pytest.mark.parametrize("ack", ["memory", "os", "disk"])
def test_a_full_disk_is_an_error_and_space_makes_it_go_on(
    tmp_path: Path, ack: Literal["memory", "os", "disk"]
) -> None:
    journal = open_journal(tmp_path, ack=ack, segment_bytes=1 << 20)
    journal.append(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300 << 10, before[1]))  # a file can get no more than 300 KiB
    try:
        for _ in range(3):
            with pytest.raises(Unavailable, match="full"):
                journal.append(b"x" * 400_000)
        for _ in range(20):  # what needs less room than there is goes on
            journal.append(b"s" * 30_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    journal.append(b"x" * 400_000)
    journal.close()
    assert contents(tmp_path) == [b"before", *[b"s" * 30_000] * 20, b"x" * 400_000]


def test_a_failed_sync_is_never_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path, ack="os")
    journal.append(b"kept")
    working = os.fdatasync

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journals.os, "fdatasync", failing)
    with pytest.raises(Unavailable):
        journal.sync()
    monkeypatch.setattr(journals.os, "fdatasync", working)
    with pytest.raises(Unavailable, match="stopped"):
        journal.sync()
    with pytest.raises(Unavailable, match="stopped"):
        journal.append(b"refused")
    journal.close()
    again = open_journal(tmp_path)
    again.append(b"after")
    again.close()
    assert contents(tmp_path) == [b"kept", b"after"]


def test_a_forked_child_cannot_write_into_its_parents_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.append(b"parent")
    child = os.fork()
    if child == 0:
        try:
            journal.append(b"child")
        except Invalid:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    journal.append(b"parent again")
    journal.close()
    assert contents(tmp_path) == [b"parent", b"parent again"]


def test_a_forked_child_does_not_keep_the_journal_from_the_next_writer(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    journal.close()
    open_journal(tmp_path).close()
    os.close(writing)
    os.waitpid(child, 0)


def test_an_unwritable_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be read or written"):
        open_journal(tmp_path / "file" / "journal")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0, 3, 8, 40, 600_000]), st.integers(1, 50)), max_size=12))
def test_groups_are_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    lengths = [(length, 1 if length > 1000 else times) for length, times in lengths]
    records = [bytes([n % 256]) * length for length, times in lengths for n in range(times)]
    positions = written(folder, records)
    found = [(position, length, frames) for position, length, frames in read_groups(folder)]
    assert [record for _, length, frames in found for record in split(length, frames)] == records
    assert {position for position, _, _ in found} <= set(positions)
    if found:
        behind = list(read_groups(folder, found[0][0]))
        assert sum(len(frames) for _, _, frames in behind) == sum(len(frames) for _, _, frames in found[1:])


def split(length: int, frames: bytes) -> list[bytes]:
    return [frames[at + 8 : at + 8 + length] for at in range(0, len(frames), stride(length))]


def test_groups_end_at_damage_too(tmp_path: Path) -> None:
    written(tmp_path, [b"x" * 40] * 300)
    first = segment_path(tmp_path, 1)
    data = bytearray(first.read_bytes())
    data[HEADER_BYTES + 48 * 5 + 20] ^= 1
    first.write_bytes(data)
    found = []
    with pytest.raises(Unavailable, match="damaged"):
        for _, length, frames in read_groups(tmp_path):
            found += split(length, frames)
    assert found == [b"x" * 40] * 5


def test_an_appender_refuses_when_the_journal_is_closed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    append = journal.appender(8)
    append(b"12345678")
    journal.close()
    with pytest.raises(Invalid, match="closed"):
        append(b"12345678")
    assert contents(tmp_path) == [b"12345678"]
