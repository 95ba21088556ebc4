"""Packs and their indexes: laid out as documented, found again by digest, merged when there are many."""

import struct
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Unavailable
from fettle.data.engine import codecs, indexes, merged
from fettle.data.engine.format import RAW, ZSTD, Frame
from fettle.data.engine.marks import Marks
from tests.data.engine.stores import noise, packs_of, reopened, repository

digests = st.binary(min_size=32, max_size=32)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(digests, st.tuples(*[st.integers(0, 2**32 - 1)] * 3, st.integers(0, 3)), max_size=40),
    digests,
)
def test_an_index_is_a_dictionary(rows: dict[bytes, tuple[int, int, int, int]], other: bytes):
    packed = [indexes.ROW.pack(digest, *row, RAW, 0) for digest, row in rows.items()]
    data = indexes.build(packed, 1234, 99)
    table = indexes.parse(data, "p")

    assert {digest: table.find(digest) for digest in rows} == {
        digest: Frame("p", *row, RAW) for digest, row in rows.items()
    }
    assert table.find(other) is None or other in rows
    assert [digest for digest, _ in table.rows()] == sorted(rows)
    assert len(data) == indexes.size_of(len(rows))
    assert (table.frames_end, indexes.raw_bytes_of(data)) == (1234, 99)


def test_every_flipped_byte_of_an_index_is_noticed():
    data = indexes.build([indexes.ROW.pack(noise(32, k), k, k, k, 0, 0, 0) for k in range(5)], 16, 0)
    for at in range(len(data)):
        with pytest.raises(Unavailable):
            indexes.parse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "p")


def test_a_pack_reads_as_the_documentation_says(tmp_path: Path):
    """Independent of the engine: everything is found with struct and blake3 alone."""
    found = repository(tmp_path)
    large = noise(400_000)
    with found.writer() as writer:
        small, big = writer.put_bytes(b"hello"), writer.put_bytes(large)
    [name] = packs_of(found)
    pack = (tmp_path / "store" / "data" / "packs" / f"{name}.pack").read_bytes()
    index = (tmp_path / "store" / "data" / "index" / f"{name}.idx").read_bytes()

    assert pack[:16] == b"fettlepk" + struct.pack("<II", 1, 0)
    assert pack.endswith(index)
    count, _, frames_end, _, digest = struct.unpack("<IIQQ32s", index[-56:])
    assert pack[frames_end:] == index
    assert digest == blake3(index[:-32]).digest()
    rows = {row[0]: row[1:] for row in struct.iter_unpack("<32sIIIBBH", index[1032 : 1032 + 48 * count])}

    def frame(digest: bytes) -> bytes:
        offset, stored, raw, _, codec, _ = rows[digest]
        assert (codec, stored) == (0, raw)
        return pack[offset : offset + stored]

    assert frame(bytes.fromhex(small.digest)) == b"hello"
    root = frame(bytes.fromhex(big.digest))
    assert root[-32:] == blake3(root[:-32]).digest()
    magic, size, segments, _ = struct.unpack_from("<8sQII", root)
    assert (magic, size) == (b"fettlels", 400_000)
    content = b""
    for segment, below, _, _ in struct.iter_unpack("<32sQII", root[24:-32]):
        before = len(content)
        for chunk, length in struct.iter_unpack("<32sI", frame(segment)):
            assert len(frame(chunk)) == length
            content += frame(chunk)
        assert len(content) - before == below
    assert segments == len(root[24:-32]) // 48
    assert content == large


def test_many_packs_are_merged_and_gone_ones_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fettle.data.engine.catalog._MOST_SINGLE", 5)
    found = repository(tmp_path)
    kept: dict[str, bytes] = {}
    for number in range(14):
        with found.writer() as writer:
            data = noise(2000, number)
            kept[writer.put_bytes(data).digest] = data
            writer.put_bytes(b"in every pack" + bytes(number))
    folder = tmp_path / "store-cache" / "index"
    assert len(list(folder.glob(f"*{merged.SUFFIX}"))) == 1

    for other in (reopened(found), reopened(found, cache=tmp_path / "fresh")):
        assert {digest: other.read(digest) for digest in kept} == kept
        assert len(other.catalog.packs) == 14
        assert sum(1 for pack in other.catalog.packs for _ in other.catalog.rows(pack)) == 28

    for pack in packs_of(found)[:6]:
        found.blobs.delete(f"data/index/{pack}.idx")
        found.blobs.delete(f"data/packs/{pack}.pack")
    again = reopened(found)
    assert len(again.catalog.packs or [again.has("0" * 64), *again.catalog.packs][1:]) == 8
    readable = [digest for digest in kept if again.has(digest)]
    assert len(readable) == 8
    assert all(again.read(digest) == kept[digest] for digest in readable)


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fettle.data.engine.catalog._MOST_SINGLE", 2)
    found = repository(tmp_path)
    digests = []
    for number in range(4):
        with found.writer() as writer:
            digests.append(writer.put_bytes(noise(100, number)).digest)
    for path in (tmp_path / "store-cache" / "index").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert all(reopened(found).has(digest) for digest in digests)


def test_what_does_not_shrink_is_probed_less_and_less():
    prober = codecs.Prober()
    assert prober.encode(noise(4096), "a")[0] == RAW
    assert prober.encode(b"text " * 1000, "a")[0] == RAW  # not asked: the group is raw for a while
    for number in range(16):
        codec, _ = prober.encode(b"text " * 1000, "a")
        assert codec == (ZSTD if number == 15 else RAW)
    codec, stored = prober.encode(b"text " * 1000, "b")
    assert codec == ZSTD
    assert codecs.decode(stored, ZSTD, 5000) == b"text " * 1000
    with pytest.raises(Unavailable):
        codecs.decode(b"no zstd", ZSTD, 10)


def test_marks_never_forget_and_seldom_err():
    marks = Marks(5000)
    marked = [blake3(bytes([1]) + struct.pack("<I", k)).digest() for k in range(5000)]
    for digest in marked:
        marks.add(digest)
    assert all(digest in marks for digest in marked)
    wrong = sum(blake3(bytes([2]) + struct.pack("<I", k)).digest() in marks for k in range(20_000))
    assert wrong / 20_000 < 0.003  # (1 - exp(-4/20))^4 = 0.0011
