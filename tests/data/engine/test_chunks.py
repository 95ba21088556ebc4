"""The cuts are part of the data format: golden vectors hold them, and a second implementation reproduces them."""

import random
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.data.engine.blocks import BLOCK_BYTES, MOST_BLOCKS, ROOM, Blocks
from fettle.data.engine.chunks import Cutter
from fettle.data.engine.format import Chunking
from fettle.data.engine.lists import (
    ChunkList,
    Piece,
    Segment,
    decode_list,
    decode_segment,
    encode_list,
    encode_segment,
)

GOLDEN = Path(__file__).with_name("golden") / "chunks.json"
SIZES = Chunking()
MASKS = {15: 0x0000D90F03530000, 17: 0x0000D90703537000}
"""The masks of 32 and 128 KiB in FastCDC (2020): one normalisation step around 64 KiB."""


class Vector(msgspec.Struct):
    """Input from a seeded generator (its digest given), and the lengths of its chunks."""

    name: str
    blake3: str
    lengths: list[int]


def inputs() -> dict[str, bytes]:
    """The inputs of the golden vectors: noise, text, a long run of one byte, and short ones."""
    generator = random.Random(20260101)
    noise = generator.randbytes(2 << 20)
    words = [b"alpha", b"beta", b"gamma", b"delta", b"\n"]
    text = b" ".join(generator.choices(words, k=200_000))
    return {
        "noise": noise,
        "text": text,
        "zeros": bytes(1 << 20),
        "noise with a hole": noise[:500_000] + bytes(300_000) + noise[500_000:900_000],
        "at the minimum": noise[: SIZES.min],
        "above the minimum": noise[: SIZES.min + 1],
        "odd": noise[:262_143],
    }


def cut(pieces: Iterable[bytes]) -> list[bytes]:
    """The chunks of a stream that comes in these pieces, each in a block of its own (or several, where it is long)."""
    cutter, blocks, found = Cutter(), Blocks(), []
    before = None
    for piece in pieces:
        for at in range(0, len(piece), BLOCK_BYTES):
            block = blocks.take()
            assert block.fill(memoryview(piece)[at : at + BLOCK_BYTES]) == len(block.data)
            found += map(bytes, cutter.chunks(block))
            if before is not None:
                before.drop()
            before = block
    return found + [bytes(chunk) for chunk in cutter.last()]


def gear_table() -> list[int]:
    """The gear of FastCDC: 256 numbers that are part of the format; kept beside the vectors."""
    return [int(each, 16) for each in msgspec.json.decode(GOLDEN.with_name("gear.json").read_bytes())]


GEAR = gear_table()


def slow_cut(data: bytes) -> list[int]:
    """FastCDC (Xia et al., 2020), byte by byte, as the paper's algorithm 1 has it, with two bytes rolled at a time."""
    small, large, word = MASKS[17], MASKS[15], (1 << 64) - 1
    lengths, start = [], 0
    while start < len(data):
        left = min(len(data) - start, SIZES.max)
        length = left
        if left > SIZES.min:
            middle = min(SIZES.avg, left)
            hashed = 0
            for at in range(SIZES.min, left // 2 * 2):
                mask = small if at < middle // 2 * 2 else large
                if at % 2 == 0:
                    hashed = ((hashed << 2) + (GEAR[data[start + at]] << 1)) & word
                    found = not hashed & (mask << 1) & word
                else:
                    hashed = (hashed + GEAR[data[start + at]]) & word
                    found = not hashed & mask
                if found:
                    length = at
                    break
        lengths.append(length)
        start += length
    return lengths


def golden() -> list[Vector]:
    return msgspec.json.decode(GOLDEN.read_bytes(), type=list[Vector])


@pytest.mark.parametrize("vector", golden(), ids=lambda vector: vector.name)
def test_golden_vectors(vector: Vector):
    data = inputs()[vector.name]
    assert blake3(data).hexdigest() == vector.blake3
    assert [len(chunk) for chunk in cut([data])] == vector.lengths


@pytest.mark.parametrize("name", ["noise with a hole", "text", "at the minimum", "above the minimum", "odd"])
def test_a_second_implementation_agrees(name: str):
    data = inputs()[name][:700_000]
    assert slow_cut(data) == [len(chunk) for chunk in cut([data])]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 600_000), st.lists(st.integers(1, 200_000), max_size=12), st.integers(0, 3))
def test_cuts_do_not_depend_on_blocks(size: int, blocks: list[int], seed: int):
    data = random.Random(seed).randbytes(size)
    pieces, at = [], 0
    for block in blocks:
        pieces.append(data[at : at + block])
        at += block
    pieces.append(data[at:])
    assert cut(pieces) == cut([data])
    assert b"".join(cut(pieces)) == data


def test_sizes_are_bounded_and_boundaries_come_back_after_an_insertion():
    data = inputs()["noise"]
    before = cut([data])
    after = cut([data[:1_000_000] + b"inserted" + data[1_000_000:]])
    assert all(SIZES.min <= len(chunk) <= SIZES.max for chunk in before[:-1])
    assert len(set(after) - set(before)) <= 3


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 1 << 17)), max_size=20))
def test_lists_come_back(rows: list[tuple[bytes, int]]):
    pieces = [Piece(*row) for row in rows]
    assert decode_segment(encode_segment(pieces)) == pieces
    segments = [Segment(digest, size, 3) for digest, size in rows]
    found = ChunkList(sum(size for _, size in rows), segments)
    assert decode_list(encode_list(found)) == found


def test_blocks_are_used_again_and_never_while_somebody_reads_them():
    blocks = Blocks()
    taken = [blocks.take() for _ in range(MOST_BLOCKS)]
    assert taken[0].fill(memoryview(bytes(2 * BLOCK_BYTES))) == BLOCK_BYTES
    assert taken[0].full
    taken[0].hold()
    taken[0].drop()
    taken[1].drop()
    again = blocks.take()
    assert again is taken[1]
    taken[0].drop()
    assert blocks.take() is taken[0]
    assert taken[0].begin == taken[0].end == ROOM
