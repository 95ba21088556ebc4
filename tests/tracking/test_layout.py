from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fettle.tracking.layout import SIZES, pieces, rewritten_from


@given(st.lists(st.integers(1, 200_000), max_size=40))
def test_appending_leads_to_the_same_chunks_as_storing_at_once(batches: list[int]) -> None:
    chunks: dict[int, int] = {}
    total = 0
    for batch in batches:
        start = rewritten_from(total, total + batch)
        gone = [first for first in chunks if first >= start]
        assert sum(chunks[first] for first in gone) == total - start, "what is rewritten begins at a chunk"
        for first in gone:
            del chunks[first]
        total += batch
        chunks.update(pieces(start, total))
    assert sorted(chunks.items()) == list(pieces(0, total))


@given(st.integers(0, 10**7))
def test_chunks_are_few_and_have_no_gaps(count: int) -> None:
    chunks = list(pieces(0, count))
    assert [first for first, _ in chunks] == [sum(size for _, size in chunks[:n]) for n in range(len(chunks))]
    assert sum(size for _, size in chunks) == count
    assert len(chunks) <= count // SIZES[0] + 15 + 15 + 1


def test_single_points_are_written_few_times() -> None:
    written = sum(
        count for total in range(100_000) for _, count in pieces(rewritten_from(total, total + 1), total + 1)
    )
    in_tails = sum(total % 256 + 1 for total in range(100_000))
    assert written - in_tails <= 3 * 100_000
