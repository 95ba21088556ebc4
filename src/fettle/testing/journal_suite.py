"""What every `Journal` and its reading must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fettle.core.errors import Conflict, Invalid
from fettle.storage.ports import Journal

OpenJournal = Callable[[], Journal]
ReadJournal = Callable[[str | None], Iterator[tuple[str, bytes]]]


class JournalSuite:
    """Subclass, and provide the fixtures `open_journal` and `read_journal` of the same, at first empty, journal.

    Open it with small segments, so that the suite crosses from one to the next.
    """

    @pytest.fixture
    def journal(self, open_journal: OpenJournal) -> Iterator[Journal]:
        opened = open_journal()
        yield opened
        opened.close()
        opened.close()

    def test_records_come_back_in_order_with_their_positions(
        self, journal: Journal, read_journal: ReadJournal
    ) -> None:
        records = [
            b"",
            b"a",
            b"\0" * 9,
            *(bytes([n % 256]) * (n * 7 % 300) for n in range(2_000)),
            b"x" * 50_000,
        ]
        positions = [journal.append(record) for record in records]
        assert list(read_journal(None)) == list(zip(positions, records, strict=True))
        assert positions == sorted(positions)
        assert len(set(positions)) == len(positions)

    def test_an_appender_for_one_length_appends(self, journal: Journal, read_journal: ReadJournal) -> None:
        records: list[bytes] = []
        appenders = {length: journal.appender(length) for length in (0, 7, 8, 40, 9_000)}
        for number in range(2_000):
            length = (0, 7, 8, 40)[number % 4] if number != 500 else 9_000
            records += [bytes([number % 256]) * length, b"between"]
            appenders[length](records[-2])
            journal.append(records[-1])
        assert [record for _, record in read_journal(None)] == records

    def test_an_empty_journal_has_no_records(
        self, read_journal: ReadJournal, open_journal: OpenJournal
    ) -> None:
        assert list(read_journal(None)) == []
        journal = open_journal()
        assert list(read_journal(None)) == []
        journal.close()
        assert list(read_journal(None)) == []

    def test_reading_goes_on_after_a_position(self, journal: Journal, read_journal: ReadJournal) -> None:
        positions = [journal.append(f"{number}".encode() * 50) for number in range(500)]
        for start in (0, 1, 77, 250, 498):
            assert [position for position, _ in read_journal(positions[start])] == positions[start + 1 :]
        assert list(read_journal(positions[-1])) == []
        last = journal.append(b"later")
        assert list(read_journal(positions[-1])) == [(last, b"later")]

    def test_a_reader_follows_a_writer(self, journal: Journal, read_journal: ReadJournal) -> None:
        total = 20_000
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(lambda: [journal.append(b"%d" % number) for number in range(total)])
            seen: list[bytes] = []
            cursor: str | None = None
            finished = False
            while not finished:
                finished = writing.done()
                for position, record in read_journal(cursor):
                    seen.append(record)
                    cursor = position
            writing.result()
        assert seen == [b"%d" % number for number in range(total)]

    def test_another_opening_goes_on_behind_what_is_there(
        self, open_journal: OpenJournal, read_journal: ReadJournal
    ) -> None:
        positions = []
        for number in range(5):
            journal = open_journal()
            positions.append(journal.append(b"%d" % number))
            journal.close()
        assert list(read_journal(None)) == [(each, b"%d" % n) for n, each in enumerate(positions)]
        assert positions == sorted(positions)

    def test_there_is_one_writer(self, journal: Journal, open_journal: OpenJournal) -> None:
        with pytest.raises(Conflict, match="being written"):
            open_journal()
        journal.close()
        open_journal().close()

    def test_a_closed_journal_takes_nothing(self, journal: Journal, read_journal: ReadJournal) -> None:
        journal.append(b"a")
        journal.close()
        with pytest.raises(Invalid, match="closed"):
            journal.append(b"b")
        assert [record for _, record in read_journal(None)] == [b"a"]

    def test_threads_may_append_and_sync_at_once(self, journal: Journal, read_journal: ReadJournal) -> None:
        threads, each = 6, 300
        ready = threading.Barrier(threads)

        def append(number: int) -> list[str]:
            ready.wait()
            positions = []
            for turn in range(each):
                positions.append(journal.append(b"%d:%d" % (number, turn)))
                if turn % 100 == 0:
                    journal.sync()
            return positions

        with ThreadPoolExecutor(threads) as pool:
            given = [position for positions in pool.map(append, range(threads)) for position in positions]
        found = dict(read_journal(None))
        assert sorted(given) == list(found)
        for number in range(threads):
            mine = [
                int(record.split(b":")[1]) for record in found.values() if record.startswith(b"%d:" % number)
            ]
            assert mine == list(range(each))

    def test_what_is_not_a_position_is_refused(self, journal: Journal, read_journal: ReadJournal) -> None:
        journal.append(b"a")
        with pytest.raises(Invalid, match="not a position"):
            list(read_journal("yesterday"))
