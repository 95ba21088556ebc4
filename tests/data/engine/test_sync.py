"""Push and pull: everything arrives, nothing twice, and an interruption costs only what was on its way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fettle.core import progress
from fettle.core.errors import NotFound, Unavailable
from fettle.data.engine import sync
from fettle.data.engine.repository import Repository
from fettle.storage import open_blobs, put_object
from tests.data.engine.stores import noise, packs_of, put_tree, read_tree, reopened, repository, stored_tree

COMMIT = "c0" * 32
NEXT = "c1" * 32


def committed(found: Repository, files: dict[str, bytes], commit: str = COMMIT) -> tuple[str, str]:
    with found.writer() as writer:
        root = put_tree(writer, files)
        writer.put_commit(commit, commit.encode())
    return commit, root


@pytest.fixture
def source(tmp_path: Path) -> Repository:
    return repository(tmp_path, name="source")


@pytest.fixture(params=["folder", "s3"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    where = request.getfixturevalue("fresh_s3_url") if request.param == "s3" else tmp_path / "target"
    return Repository(open_blobs(where), tmp_path / "target-cache")


FILES = {f"{number:03d}": noise(3000, number) for number in range(100)} | {"large": noise(2_000_000)}


def test_all_of_it_arrives_and_comes_back(source: Repository, target: Repository, tmp_path: Path):
    commit = committed(source, FILES)
    sent = sync.push(source, target, [commit])
    assert (sent.packs, sent.frames, sent.commits) == (1, 0, 1)
    assert target.commit_bytes(COMMIT) == COMMIT.encode()
    assert read_tree(reopened(target), commit[1]) == FILES

    clone = repository(tmp_path, name="clone")
    sync.pull(target, clone, [commit])
    assert read_tree(clone, commit[1]) == FILES
    assert packs_of(clone) == packs_of(target)


def test_nothing_is_sent_twice(source: Repository, target: Repository):
    commit = committed(source, FILES)
    sync.push(source, target, [commit])
    again = sync.push(source, target, [commit])
    assert (again.packs, again.frames, again.bytes, again.commits) == (0, 0, 0, 0)


def test_a_small_part_of_a_pack_is_gathered(source: Repository, target: Repository):
    with source.writer() as writer:
        put_tree(writer, {str(number): noise(30_000, number) for number in range(60)})
        wanted = {"a": noise(30_000, 1), "b": noise(30_000, 2)}
        root = put_tree(writer, wanted)
        writer.put_commit(COMMIT, b"{}")

    sent = sync.push(source, target, [(COMMIT, root)])

    assert (sent.packs, sent.frames) == (0, 3)
    assert sent.bytes < 70_000
    assert read_tree(reopened(target), root) == wanted


def test_only_changes_follow(source: Repository, target: Repository):
    _, first = committed(source, FILES)
    sync.push(source, target, [(COMMIT, first)])
    changed = {**FILES, "050": b"changed"}
    commit = committed(source, changed, NEXT)
    sent = sync.push(source, target, [commit], have=[first])
    assert sent.bytes < 40_000
    assert read_tree(reopened(target), commit[1]) == changed


def test_what_lies_below_known_trees_is_not_read(source: Repository, target: Repository):
    _, first = committed(source, FILES)
    sync.push(source, target, [(COMMIT, first)])
    for pack in packs_of(source):  # were a known chunk list read now, this would fail
        path = f"data/packs/{pack}.pack"
        assert source.blobs.info(path)
    assert sync.push(source, target, [(NEXT, first)][:0], have=[first]).bytes == 0


def test_an_interrupted_push_goes_on(source: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fettle.data.engine.uploads.PACK_BYTES", 300_000)
    commit = committed(source, FILES)
    assert len(packs_of(source)) > 6
    target = repository(tmp_path, name="target")
    put, allowed = target.blobs.put, 3

    def breaks(key: str, data: object, **options: bool) -> str:
        nonlocal allowed
        if key.endswith(".pack"):
            allowed -= 1
            if allowed < 0:
                raise Unavailable("The network is gone.")
        return put(key, data, **options)  # type: ignore[arg-type] - passed through

    target.blobs.put = breaks  # type: ignore[method-assign] - a network that breaks
    with pytest.raises(Unavailable, match="network"):
        sync.push(source, target, [commit])
    arrived = set(packs_of(target))
    assert len(arrived) == 3
    with pytest.raises(NotFound):
        target.commit_bytes(COMMIT)

    target.blobs.put = put  # type: ignore[method-assign] - it works again
    sent = sync.push(source, reopened(target, cache=tmp_path / "other"), [commit])
    assert arrived < set(packs_of(target))
    assert sent.packs == len(packs_of(source)) - 3
    assert read_tree(reopened(target), commit[1]) == FILES


def test_damage_does_not_travel(source: Repository, target: Repository, tmp_path: Path):
    commit = committed(source, FILES)
    [pack] = packs_of(source)
    path = tmp_path / "source" / "data" / "packs" / f"{pack}.pack"
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)
    with pytest.raises(Unavailable, match=pack):
        sync.push(source, target, [commit])
    assert packs_of(target) == []


def test_loose_files_travel_too(source: Repository, tmp_path: Path):
    target = repository(tmp_path, name="target")
    data = noise(300_000)
    digest = put_object(source.blobs, data)
    from fettle.data.engine import trees

    with source.writer() as writer:
        root = trees.build([trees.Entry("old", digest, len(data), 0o644)], writer.put_node)
        writer.put_commit(COMMIT, b"{}")
    sync.push(source, target, [(COMMIT, root)])
    assert read_tree(reopened(target), root) == {"old": data}
    assert sync.push(source, target, [(COMMIT, root)]).bytes == 0


def test_refs_move_while_the_lease_is_held(source: Repository, tmp_path: Path):
    target = repository(tmp_path, name="target")
    seen: list[int] = []
    commit = committed(source, FILES)
    sync.push(
        source, target, [commit], finish=lambda: seen.append(len(list(target.blobs.list("data/leases/"))))
    )
    assert seen == [1]


def test_progress_is_told(source: Repository, tmp_path: Path):
    from contextlib import contextmanager

    told: dict[str, float] = {}

    @contextmanager
    def listener(words: str, total: float | None, unit: str) -> Iterator[progress.Step]:
        def step(n: float = 1) -> None:
            told[words] = told.get(words, 0) + n

        yield step
        assert told.get(words, 0) == (total or 0)

    with progress.shown_by(listener):
        sync.push(source, repository(tmp_path, name="target"), [committed(source, FILES)])
    assert told["Sending"] > 2_000_000


def test_a_source_that_lacks_something_says_so(source: Repository, target: Repository):
    with pytest.raises(NotFound):
        sync.push(source, target, [(COMMIT, "ab" * 32)])


def test_an_empty_tree(source: Repository, target: Repository):
    stored_tree(source, {"x": b"y"})
    with source.writer() as writer:
        writer.put_commit(COMMIT, b"{}")
    assert sync.push(source, target, [(COMMIT, "")]).commits == 1
