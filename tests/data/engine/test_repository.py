"""What is put is what is read, on every store; nothing is stored twice; nothing half-written is ever seen."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.data.engine import leases, trees
from fettle.data.engine.repository import FileRef, Repository
from fettle.storage import open_blobs, put_object
from fettle.workspace import Workspace
from tests.data.engine.stores import noise, packs_of, put_tree, read_tree, reopened, repository, stored_tree
from tests.server.conftest import serve

SIZES = [0, 1, 4096, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3_000_000]


@pytest.fixture(params=["folder", "s3", "http"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    if request.param == "http":
        with (
            Workspace.create(tmp_path / "team") as workspace,
            serve(workspace) as url,
            Workspace.open(url) as remote,
        ):
            yield Repository(remote.blobs, tmp_path / "cache")
        return
    where = request.getfixturevalue("fresh_s3_url") if request.param == "s3" else tmp_path / "store"
    yield Repository(open_blobs(where), tmp_path / "cache")


@pytest.fixture
def found(tmp_path: Path) -> Repository:
    return repository(tmp_path)


def test_files_of_every_size_come_back(store: Repository, tmp_path: Path):
    contents = {size: noise(size) for size in SIZES}
    refs: dict[int, FileRef] = {}
    with store.writer() as writer:
        for size, data in contents.items():
            path = tmp_path / f"{size}.bin"
            path.write_bytes(data)
            refs[size] = writer.put_file(path)

    other = reopened(store, cache=tmp_path / "other-cache")
    for size, data in contents.items():
        assert refs[size] == FileRef(blake3(data).hexdigest(), size)
        assert other.has(refs[size].digest)
        assert other.size_of(refs[size].digest) == size
        assert other.read(refs[size].digest) == data
        assert b"".join(other.stream(refs[size].digest)) == data
        other.fetch(refs[size].digest, tmp_path / "out" / str(size), 0o755)
        assert (tmp_path / "out" / str(size)).read_bytes() == data
        assert (tmp_path / "out" / str(size)).stat().st_mode & 0o111


def test_ranges_fetch_only_what_they_need(store: Repository):
    data = noise(5_000_000)
    with store.writer() as writer:
        digest = writer.put_bytes(data).digest
    asked: list[int] = []
    get = store.blobs.get

    def counted(key: str, *, start: int = 0, end: int | None = None) -> bytes:
        found = get(key, start=start, end=end)
        asked.append(len(found))
        return found

    store.blobs.get = counted  # type: ignore[method-assign] - counts the real requests
    for start, end in [(0, 10), (123_456, 1_234_567), (4_999_990, None), (5, 5), (6_000_000, None), (7, 3)]:
        asked.clear()
        assert store.read(digest, start, end) == data[start:end]
        assert sum(asked) <= len(data[start:end]) + 3 * (128 << 10)


def test_many_files_are_put_in_order_and_fetched(found: Repository, tmp_path: Path):
    paths = []
    for number in range(300):
        path = tmp_path / "in" / str(number % 7) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(300_000 if number == 150 else number * 17, number % 200))
        paths.append(path)
    with found.writer() as writer:
        refs = list(writer.put_files(paths))

    assert [ref.digest for ref in refs] == [blake3(path.read_bytes()).hexdigest() for path in paths]
    done: list[int] = []
    wishes = [
        (ref.digest, tmp_path / "out" / path.name, 0o644) for ref, path in zip(refs, paths, strict=True)
    ]
    found.fetch_many(wishes, step=done.append)
    assert sum(done) == 300
    assert all((tmp_path / "out" / path.name).read_bytes() == path.read_bytes() for path in paths)
    assert len(list((tmp_path / "out").iterdir())) == 300


def test_a_symbolic_link_is_its_target(found: Repository, tmp_path: Path):
    with found.writer() as writer:
        digest = writer.put_bytes(b"elsewhere/file").digest

    found.fetch(digest, tmp_path / "link", 0o120000)

    assert os.readlink(tmp_path / "link") == "elsewhere/file"


def test_nothing_is_stored_twice(found: Repository):
    data = noise(2_000_000)
    with found.writer() as writer:
        writer.put_bytes(data)
        first = writer.stored_bytes
        writer.put_bytes(data)
        writer.put_bytes(b"small")
        writer.put_bytes(b"small")
        assert writer.stored_bytes == first + 5
    with reopened(found).writer() as writer:
        writer.put_bytes(data)
        writer.put_bytes(b"small")
        writer.put_node(b"small")
        assert writer.stored_bytes == 0
    assert len(packs_of(found)) == 1


def test_an_append_stores_little_more_than_it_brings(found: Repository):
    data, more = noise(64 << 20), noise(1 << 20, 1)
    with found.writer() as writer:
        writer.put_bytes(data)
    with found.writer() as writer:
        digest = writer.put_bytes(data + more).digest

    assert writer.stored_bytes <= 1_300_000
    assert found.read(digest, (64 << 20) - 5) == data[-5:] + more


def test_text_is_compressed_and_noise_is_not(found: Repository):
    with found.writer() as writer:
        text = writer.put_bytes(b"the same words again and again\n" * 100_000)
        assert writer.stored_bytes < 300_000
        before = writer.stored_bytes
        writer.put_bytes(noise(1_000_000))
        assert writer.stored_bytes - before >= 1_000_000
    assert found.read(text.digest).startswith(b"the same words")


def test_what_is_not_there_is_not_found(found: Repository, tmp_path: Path):
    unknown = "0" * 64
    assert not found.has(unknown)
    for read in (found.read, found.node, found.size_of, found.commit_bytes):
        with pytest.raises(NotFound):
            read(unknown)
    with pytest.raises(NotFound):
        found.fetch(unknown, tmp_path / "x")
    with pytest.raises(Invalid):
        found.read("../x")
    with found.writer() as writer, pytest.raises(NotFound):
        writer.put_file(tmp_path / "none")
    with found.writer() as writer, pytest.raises(NotFound):
        list(writer.put_files([tmp_path / "none"]))
    assert not list(tmp_path.glob(".fettle-part-*"))


def test_nodes_and_commits(store: Repository):
    with store.writer() as writer:
        digest = writer.put_node(b"node" * 1000)
        writer.put_commit("ab" * 32, b"{}")

    assert reopened(store).node(digest) == b"node" * 1000
    assert store.commit_bytes("ab" * 32) == b"{}"


def test_files_of_older_workspaces_are_found(found: Repository, tmp_path: Path):
    digest = put_object(found.blobs, b"kept before there were packs")

    assert found.has(digest)
    assert found.size_of(digest) == 28
    assert found.read(digest, 5, 11) == b"before"
    found.fetch(digest, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"kept before there were packs"


def test_an_exception_leaves_nothing_behind(found: Repository):
    with pytest.raises(KeyError), found.writer() as writer:
        writer.put_bytes(noise(3_000_000))
        raise KeyError

    assert packs_of(found) == []
    assert not list(found.blobs.list("data/leases/"))


def test_packs_of_another_process_are_seen(found: Repository):
    other = reopened(found)
    assert not other.has("0" * 64)
    with found.writer() as writer:
        digest = writer.put_bytes(b"new").digest
    assert other.read(digest) == b"new"


def test_a_full_pack_is_followed_by_another(found: Repository, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fettle.data.engine.uploads.PACK_BYTES", 1 << 20)
    data = noise(10 << 20)
    with found.writer() as writer:
        digest = writer.put_bytes(data).digest
    assert len(packs_of(found)) >= 10
    assert reopened(found).read(digest) == data


def test_a_flipped_bit_is_noticed_and_named(found: Repository, tmp_path: Path):
    with found.writer() as writer:
        small, large = writer.put_bytes(b"x" * 50 + noise(4000)), writer.put_bytes(noise(1_000_000))
        node = writer.put_node(noise(3000))
    [pack] = packs_of(found)
    path = tmp_path / "store" / "data" / "packs" / f"{pack}.pack"
    data = bytearray(path.read_bytes())
    for at in range(100, len(data), 1000):
        data[at] ^= 1
    path.write_bytes(data)

    for ref in (small, large):
        with pytest.raises(Unavailable, match=pack):
            found.read(ref.digest)
        with pytest.raises(Unavailable, match="damaged"):
            found.fetch(ref.digest, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    with pytest.raises(Unavailable, match="tree node"):
        found.node(node)


def test_a_second_copy_is_read_where_the_first_is_damaged(found: Repository, tmp_path: Path):
    other = reopened(found, cache=tmp_path / "second-cache")
    data = noise(5000)
    with found.writer() as one, other.writer() as two:  # neither knows of the other's pack
        digest = one.put_bytes(data).digest
        two.put_bytes(data)
    first, _ = packs_of(found)
    path = tmp_path / "store" / "data" / "packs" / f"{first}.pack"
    path.write_bytes(path.read_bytes()[:16] + bytes(5000) + path.read_bytes()[5016:])

    fresh = reopened(found)
    assert fresh.read(digest) == data
    fresh.fetch(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data


def test_a_large_file_is_put_together_from_sound_copies(found: Repository, tmp_path: Path):
    other = reopened(found, cache=tmp_path / "second-cache")
    data = noise(3_000_000) + b"text that shrinks " * 20_000 + noise(400_000, 1)
    with found.writer() as one, other.writer() as two:  # neither knows of the other's pack
        digest = one.put_bytes(data).digest
        two.put_bytes(data)
    first, second = (tmp_path / "store" / "data" / "packs" / f"{name}.pack" for name in packs_of(found))
    whole = first.read_bytes()
    for at, pack in ((1_000_000, first), (2_000_000, second)):
        pack.write_bytes(pack.read_bytes()[:at] + bytes(9) + pack.read_bytes()[at + 9 :])
    reopened(found).fetch(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    first.write_bytes(whole[: len(whole) // 3])
    second.write_bytes(whole)
    reopened(found).fetch(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == data
    second.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(Unavailable):
        reopened(found).fetch(digest, tmp_path / "other")
    assert not list(tmp_path.glob("*other*"))


def test_a_newer_format_is_refused(found: Repository):
    found.blobs.put("data/format.json", b'{"version":99,"hash":"sha9","pack_bytes":1}')
    with pytest.raises(Unavailable, match="format"):
        found.has("0" * 64)


def test_a_writer_that_lost_its_lease_says_so(found: Repository):
    with pytest.raises(Conflict, match="lease"), found.writer() as writer:
        writer._lease._lost = leases._lost()
        writer.put_bytes(b"x")


def test_a_failing_store_raises_and_nothing_hangs(found: Repository, monkeypatch: pytest.MonkeyPatch):
    put = found.blobs.put

    def full(key: str, data: object, **options: bool) -> str:
        if "packs/" in key:
            next(iter(data))  # type: ignore[call-overload] - an iterator is what packs are put as
            raise Unavailable("The disk is full.")
        return put(key, data, **options)  # type: ignore[arg-type] - passed through

    monkeypatch.setattr(found.blobs, "put", full)
    with pytest.raises(Unavailable, match="full"), found.writer() as writer:
        writer.put_bytes(noise(40 << 20))


def test_threads_share_a_repository(found: Repository):
    contents = [noise(400_000, seed) for seed in range(6)]

    def work(data: bytes) -> None:
        with found.writer() as writer:
            digest = writer.put_bytes(data).digest
        assert found.read(digest) == data

    threads = [threading.Thread(target=work, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found.read(blake3(data).hexdigest()) == data for data in contents)


WRITES_FOR_EVER = """
import sys
from pathlib import Path
from tests.data.engine.stores import noise, repository, put_tree
found = repository(Path(sys.argv[1]))
for number in range(10_000):
    with found.writer() as writer:
        root = put_tree(writer, {f"{number}/{k}": noise(90_000 * k, number) for k in range(5)})
    print(root, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path):
    found = repository(tmp_path)
    for wait_s in (0.3, 0.45, 0.6):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        first = child.stdout.readline().strip()
        time.sleep(wait_s / 10)
        child.send_signal(signal.SIGKILL)
        roots = [first, *[line.strip() for line in child.stdout if line.endswith("\n")]]
        child.wait()
        child.stdout.close()
        for root in roots:
            assert len(read_tree(reopened(found), root)) == 5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.tuples(st.integers(0, 3), st.integers(0, 700_000)),
        ),
        max_size=6,
    ),
    st.data(),
)
def test_it_is_a_dictionary(tmp_path_factory: pytest.TempPathFactory, puts: list, data: st.DataObject):
    found = repository(tmp_path_factory.mktemp("model"))
    model: dict[str, bytes] = {}
    for group in (puts[:3], puts[3:]):
        with found.writer() as writer:
            for each in group:
                content = each if isinstance(each, bytes) else noise(each[1], each[0])
                model[writer.put_bytes(content).digest] = content
    other = reopened(found)
    for digest, content in model.items():
        start = data.draw(st.integers(0, len(content) + 5))
        end = data.draw(st.one_of(st.none(), st.integers(0, len(content) + 5)))
        assert digest == blake3(content).hexdigest()
        assert other.read(digest) == content
        assert other.read(digest, start, end) == content[start:end]
    assert other.missing([*model, "0" * 64]) == {"0" * 64}


def test_trees_lie_in_packs(found: Repository):
    files = {f"folder/{number:04d}": noise(20, number) for number in range(3000)}
    root = stored_tree(found, files)
    assert read_tree(reopened(found), root) == files
    assert len(packs_of(found)) == 1
    with found.writer() as writer:
        again = put_tree(writer, {**files, "folder/0001": b"other"})
    assert again != root
    assert [change.path for change in trees.diff(root, again, found.node)] == ["folder/0001"]
