"""gc deletes what is dead and never what lives, whoever is at work meanwhile."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fettle.core.clock import FrozenClock
from fettle.core.errors import Unavailable
from fettle.data.engine import doomed, leases
from fettle.data.engine.gc import GRACE_S, collect
from fettle.data.engine.repository import Repository
from fettle.storage import open_blobs
from tests.data.engine.stores import (
    noise,
    packs_of,
    put_tree,
    read_tree,
    reopened,
    repository,
    stored_tree,
)

DAY_S = 86_400.0


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def found(tmp_path: Path, clock: FrozenClock) -> Repository:
    return repository(tmp_path, clock=clock)


def files(seed: int, count: int = 20, size: int = 5000) -> dict[str, bytes]:
    return {f"{seed}/{number}": noise(size, seed * 1000 + number) for number in range(count)}


def test_dead_packs_go_after_the_grace_period(found: Repository, clock: FrozenClock):
    kept, dropped = stored_tree(found, files(1)), stored_tree(found, files(2))

    first = collect(found, [kept])
    assert (first.packs, first.doomed_packs, first.deleted_packs) == (2, 1, 0)
    assert read_tree(found, dropped) == files(2)

    clock.advance(GRACE_S - 1)
    assert collect(found, [kept]).deleted_packs == 0
    clock.advance(1)
    last = collect(found, [kept])
    assert last.deleted_packs == 1
    assert last.freed_bytes > 100_000
    assert len(packs_of(found)) == 1
    assert read_tree(reopened(found), kept) == files(1)
    assert not doomed.lists(found.blobs, found.prefix)
    assert collect(found, [kept]).doomed_packs == 0


def test_no_grace_deletes_at_once(found: Repository):
    stored_tree(found, files(1))
    assert collect(found, [], grace_s=0).deleted_packs == 1
    assert packs_of(found) == []


def test_dry_changes_nothing(found: Repository):
    stored_tree(found, files(1))
    before = sorted(info.key for info in found.blobs.list())
    result = collect(found, [], grace_s=0, dry=True)
    assert result.dry
    assert result.doomed_packs == 1
    assert result.doomed_bytes > 100_000
    assert sorted(info.key for info in found.blobs.list()) == before


def test_works_on_s3(fresh_s3_url: str, tmp_path: Path):
    found = Repository(open_blobs(fresh_s3_url), tmp_path / "cache")
    kept, _ = stored_tree(found, files(1)), stored_tree(found, files(2))
    assert collect(found, [kept], grace_s=0).deleted_packs == 1
    assert read_tree(reopened(found), kept) == files(1)


def test_what_lives_again_is_rescued(found: Repository, clock: FrozenClock):
    root = stored_tree(found, files(1))
    assert collect(found, []).doomed_packs == 1
    clock.advance(GRACE_S)
    result = collect(found, [root])
    assert (result.deleted_packs, result.rescued_packs) == (0, 1)
    assert read_tree(found, root) == files(1)
    assert not doomed.lists(found.blobs, found.prefix)


def test_writers_do_not_rely_on_doomed_packs(found: Repository, clock: FrozenClock):
    stored_tree(found, files(1))
    collect(found, [])
    again = stored_tree(reopened(found), files(1))
    assert len(packs_of(found)) == 2
    clock.advance(GRACE_S)
    assert collect(found, [again]).deleted_packs == 1
    assert read_tree(reopened(found), again) == files(1)


def test_a_writer_that_came_first_keeps_gc_waiting(found: Repository):
    stored_tree(found, files(1))
    other = reopened(found)
    with other.writer(hold="a long commit") as writer:
        root = put_tree(writer, files(1))  # nothing new: it relies on the pack
        result = collect(found, [], grace_s=0)
        assert (result.deleted_packs, result.waiting_packs) == (0, 1)
        assert result.writers == ["a long commit"]
    assert read_tree(reopened(found), root) == files(1)
    assert collect(found, [], grace_s=0).deleted_packs == 1


def test_a_writer_that_came_later_does_not(found: Repository):
    stored_tree(found, files(1))
    collect(found, [])
    with reopened(found).writer():
        assert collect(found, [], grace_s=0).deleted_packs == 1


def test_roots_are_asked_when_it_matters(found: Repository):
    """A branch that moved between the reading of leases and of roots is seen."""
    stored_tree(found, files(1))
    branch: list[str] = []
    calls = 0

    def roots() -> list[str]:
        nonlocal calls
        calls += 1
        if calls == 2:  # the second marking: leases were read; now a commit that relied on the pack is made
            branch.append(stored_tree(reopened(found), files(1)))
        return list(branch)

    collect(found, roots, grace_s=0)
    assert read_tree(reopened(found), branch[0]) == files(1)


def test_held_roots_live(found: Repository):
    with found.writer() as writer:
        root = put_tree(writer, files(1))
        found.hold("copy of anna", [root])
    assert collect(found, [], grace_s=0).deleted_packs == 0
    assert [(name, each.roots) for name, each in leases.held(found.blobs, found.prefix)] == [
        ("copy of anna", [root])
    ]
    found.release("copy of anna")
    assert collect(found, [], grace_s=0).deleted_packs == 1


def test_extra_files_live(found: Repository):
    with found.writer() as writer:
        digest = writer.put_bytes(noise(700_000)).digest
    assert collect(found, [], files=[digest], grace_s=0).deleted_packs == 0
    assert found.read(digest) == noise(700_000)


def test_large_files_live_with_all_their_parts(found: Repository):
    root = stored_tree(found, {"large": noise(6_000_000), "small": b"x"})
    stored_tree(found, files(2))
    assert collect(found, [root], grace_s=0).deleted_packs == 1
    assert read_tree(reopened(found), root) == {"large": noise(6_000_000), "small": b"x"}


def test_mostly_dead_packs_are_repacked(found: Repository):
    both = {**files(1, 5), **files(2, 50)}
    with found.writer() as writer:
        put_tree(writer, both)
        kept = put_tree(writer, files(1, 5))
    before = sum(info.size_bytes for info in found.blobs.list("data/packs/"))

    result = collect(found, [kept], grace_s=0)

    assert (result.repacked_packs, result.deleted_packs) == (1, 1)
    assert result.copied_bytes < 40_000
    assert sum(info.size_bytes for info in found.blobs.list("data/packs/")) < before / 4
    assert read_tree(reopened(found), kept) == files(1, 5)
    again = collect(found, [kept], grace_s=0)
    assert (again.repacked_packs, again.deleted_packs) == (0, 0)


def test_the_leases_of_the_dead_do_not_count(found: Repository, clock: FrozenClock):
    stored_tree(found, files(1))
    lease = leases.Lease(leases.place(), 2**22 + 5, "1", "killed", clock.now(), leases.TTL_S)
    found.blobs.put("data/leases/1.json", msgspec.json.encode(lease))
    elsewhere = leases.Lease("another machine", 1, "1", "working", clock.now(), leases.TTL_S)
    found.blobs.put("data/leases/2.json", msgspec.json.encode(elsewhere))

    assert collect(found, [], grace_s=0).writers == ["working"]
    clock.advance(leases.TTL_S)
    assert collect(found, [], grace_s=0).deleted_packs == 1
    assert not list(found.blobs.list("data/leases/"))


def test_damage_stops_it(found: Repository, tmp_path: Path):
    root = stored_tree(found, files(1))
    found.blobs.delete(f"data/packs/{packs_of(found)[0]}.pack")
    stored_tree(found, files(2))
    with pytest.raises(Unavailable, match="Nothing was collected"):
        collect(found, [root], grace_s=0)
    assert len(packs_of(found)) == 1


@pytest.mark.parametrize("key", ["leases/x.json", "holds/x.json", "gc/x.json"])
def test_a_damaged_record_stops_it(found: Repository, key: str):
    stored_tree(found, files(1))
    found.blobs.put(f"data/{key}", b"{?")
    with pytest.raises(Unavailable, match=key):
        collect(found, [], grace_s=0)
    assert len(packs_of(found)) == 1


def test_packs_without_index(found: Repository, clock: FrozenClock):
    """What a killed writer left goes; a pack whose index was lost is given one again, if something in it lives."""
    with found.writer() as writer:
        large = writer.put_bytes(noise(600_000)).digest
    [pack] = packs_of(found)
    index = found.blobs.get(f"data/index/{pack}.idx")
    found.blobs.delete(f"data/index/{pack}.idx")

    collect(reopened(found), [], files=[large], grace_s=0, now=datetime.now(UTC))
    assert found.blobs.get(f"data/index/{pack}.idx") == index

    found.blobs.delete(f"data/index/{pack}.idx")
    collect(reopened(found), [], now=datetime.now(UTC))
    assert packs_of(found) == [pack]
    assert collect(reopened(found), [], grace_s=0, now=datetime.now(UTC)).freed_bytes > 600_000
    assert packs_of(found) == []


def test_two_collectors_and_a_committer(tmp_path: Path):
    found = repository(tmp_path)
    guard = threading.Lock()
    branches: list[str] = []
    over = threading.Event()
    failures: list[BaseException] = []

    def collector() -> None:
        mine = reopened(found, cache=tmp_path / f"cache-{threading.get_ident()}")

        def roots() -> list[str]:
            with guard:
                return list(branches)

        while not over.is_set():
            try:
                collect(mine, roots, grace_s=0)
            except BaseException as error:
                failures.append(error)
                raise

    threads = [threading.Thread(target=collector) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        committer = reopened(found, cache=tmp_path / "cache-committer")
        for number in range(25):
            content = {**files(number % 4, 6), **files(number, 3)}
            with committer.writer() as writer:
                root = put_tree(writer, content)
                writer.flush()
                with guard:
                    branches[:] = [*branches[-2:], root]
            assert read_tree(committer, root) == content
            with guard:
                kept = list(branches)
            for each in kept:
                assert read_tree(committer, each)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures
