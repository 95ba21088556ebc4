"""Trees: equal files make equal trees however they came, and what is the same is never read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.core.ids import digest
from fettle.data.engine import cuts, nodes, trees
from fettle.data.engine.trees import EMPTY, SYMLINK, Change, Entry, Folder


class Store:
    """Nodes in memory; counts what is read."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.read: list[str] = []

    def put(self, data: bytes) -> str:
        name = digest(data)
        self.kept[name] = data
        return name

    def node(self, name: str) -> bytes:
        self.read.append(name)
        if name not in self.kept:
            raise NotFound(f"no node {name}")
        return self.kept[name]


@contextmanager
def small_nodes() -> Iterator[None]:
    """Nodes of a few entries, so that few files make many levels; the rule is the same."""
    names = ("LEAF_BITS", "LEAF_LEAST", "LEAF_MOST", "INNER_BITS", "INNER_LEAST", "INNER_MOST")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in zip(names, (2, 2, 9, 1, 2, 6), strict=True):
            patch.setattr(cuts, name, value)
        yield


def entry(path: str, content: str = "x", mode: int = trees.FILE) -> Entry:
    return Entry(path, digest(content.encode()), len(content), mode)


def ordered(files: dict[str, Entry]) -> list[Entry]:
    return sorted(files.values(), key=lambda each: trees.path_bytes(each.path))


def many(count: int, seed: int = 0) -> list[Entry]:
    random_ = random.Random(seed)
    paths = {f"folder {random_.randrange(50):02d}/file-{random_.randrange(10**9)}.bin" for _ in range(count)}
    return ordered({path: entry(path, path) for path in paths})


NAMES = st.lists(st.text("abc\udcff é\n\U0001f600", min_size=1, max_size=3), min_size=1, max_size=3).map(
    "/".join
)
FILES = st.dictionaries(NAMES, st.sampled_from("xyz"), max_size=60)


@given(FILES, st.lists(st.tuples(NAMES, st.sampled_from(["x", "y", None])), max_size=40))
@settings(deadline=None)
def test_editing_comes_to_the_same_tree_as_building(
    before: dict[str, str], changes: list[tuple[str, str | None]]
) -> None:
    with small_nodes():
        store = Store()
        files = {path: entry(path, content) for path, content in before.items()}
        root = trees.build(ordered(files), store.put)
        edits = [(path, None if content is None else entry(path, content)) for path, content in changes]
        edited = trees.edit(root, edits, store.node, store.put)
        for path, changed in edits:
            files.pop(path, None)
            if changed is not None:
                files[path] = changed
        assert edited == trees.build(ordered(files), Store().put)
        assert list(trees.entries(edited, store.node)) == ordered(files)


@given(FILES, FILES)
@settings(deadline=None)
def test_a_diff_is_what_two_dictionaries_say(before: dict[str, str], after: dict[str, str]) -> None:
    with small_nodes():
        store = Store()
        old = {path: entry(path, content) for path, content in before.items()}
        new = {path: entry(path, content) for path, content in after.items()}
        found = list(
            trees.diff(trees.build(ordered(old), store.put), trees.build(ordered(new), store.put), store.node)
        )
        paths = [each for each in old.keys() | new.keys() if old.get(each) != new.get(each)]
        expected = [
            Change(each, old.get(each), new.get(each)) for each in sorted(paths, key=trees.path_bytes)
        ]
        assert found == expected


@given(FILES, FILES, FILES)
@settings(deadline=None)
def test_a_merge_takes_what_one_side_changed(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    with small_nodes():
        store = Store()
        sides = [
            {path: entry(path, content) for path, content in each.items()} for each in (base, ours, theirs)
        ]
        roots = [trees.build(ordered(each), store.put) for each in sides]
        merged, conflicts = trees.merge(*roots, store.node, store.put)
        found = {each.path: each for each in trees.entries(merged, store.node)}
        old, mine, other = sides
        clashing = {each.path for each in conflicts}
        for path in old.keys() | mine.keys() | other.keys():
            before, left, right = old.get(path), mine.get(path), other.get(path)
            if path in clashing:
                assert left != right and right != before and found.get(path) == left
            elif left == before:
                assert found.get(path) == right
            else:
                assert right in (left, before) and found.get(path) == left
        if not any(_nested(each) for each in sides):
            assert not _nested(found)


def _nested(files: dict[str, Entry]) -> bool:
    """Whether a file is the folder of another, which no disk can hold."""
    return any(other.startswith(f"{path}/") for path in files for other in files)


@given(FILES, NAMES)
@settings(deadline=None)
def test_a_folder_is_listed_and_counted(content: dict[str, str], folder: str) -> None:
    with small_nodes():
        store = Store()
        files = {path: entry(path, each) for path, each in content.items()}
        root = trees.build(ordered(files), store.put)
        for where in ("", folder):
            expected: dict[str, Entry | Folder] = {}
            start = f"{where}/" if where else ""
            for path, each in files.items():
                if path.startswith(start):
                    name, slash, _rest = path[len(start) :].partition("/")
                    before = expected.get(f"{name}/", Folder(name, 0, 0))
                    assert isinstance(before, Folder)
                    expected[name + slash] = (
                        Folder(name, before.files + 1, before.size_bytes + each.size_bytes) if slash else each
                    )
            found = list(trees.listing(root, store.node, where))
            assert found == [expected[each] for each in sorted(expected, key=trees.path_bytes)]


@pytest.mark.parametrize("seed", range(3))
def test_borders_stay_where_they_are_in_large_trees(seed: int) -> None:
    files, store, random_ = many(20_000, seed), Store(), random.Random(seed)
    root = trees.build(files, store.put)
    gone = {each.path for each in random_.sample(files, 30)}
    new = [entry(f"folder {number:02d}/new-{number}", "new") for number in range(20)]
    tail, front = entry("zzz/last"), entry("0/first")
    changes = [*((each, None) for each in gone), *((each.path, each) for each in (*new, tail, front))]
    random_.shuffle(changes)
    rest = {each.path: each for each in (*files, *new, tail, front) if each.path not in gone}
    edited = trees.edit(root, changes, store.node, store.put)
    assert edited == trees.build(ordered(rest), Store().put)
    one_by_one = root
    for change in changes:
        one_by_one = trees.edit(one_by_one, [change], store.node, store.put)
    assert one_by_one == edited
    assert trees.edit(edited, [(each, None) for each in rest], store.node, store.put) == EMPTY


def test_one_change_reads_and_writes_a_node_a_level() -> None:
    files, store = many(30_000), Store()
    root = trees.build(files, store.put)
    kept = len(store.kept)
    changed = files[12_345]._replace(digest=digest(b"other"))
    edited = trees.edit(root, [(changed.path, changed)], store.node, store.put)
    assert len(store.kept) - kept <= 2
    store.read.clear()
    assert list(trees.diff(root, edited, store.node)) == [Change(changed.path, files[12_345], changed)]
    assert len(set(store.read)) <= 4
    known = set(trees.nodes(root, store.node))
    assert len(known) == kept
    assert len(list(trees.nodes(edited, store.node, known))) == 2
    assert trees.stats(edited, store.node) == (len(files), sum(each.size_bytes for each in files))


def test_nothing_changed_is_the_same_tree() -> None:
    files, store = many(5_000), Store()
    root = trees.build(files, store.put)
    changes = [(files[77].path, files[77]), ("not there", None)]
    assert trees.edit(root, changes, store.node, store.put) == root
    assert trees.edit(root, [], store.node, store.put) == root
    assert list(trees.diff(root, root, store.node)) == []


def test_the_empty_tree() -> None:
    store = Store()
    assert trees.build([], store.put) == EMPTY
    assert trees.stats(EMPTY, store.node) == (0, 0)
    assert trees.find(EMPTY, "a", store.node) is None
    assert list(trees.entries(EMPTY, store.node)) == list(trees.listing(EMPTY, store.node)) == []
    one = trees.edit(EMPTY, [("a", entry("a")), ("b", None)], store.node, store.put)
    assert trees.find(one, "a", store.node) == entry("a")
    assert trees.find(one, "b", store.node) is None
    assert list(trees.diff(EMPTY, one, store.node)) == [Change("a", None, entry("a"))]
    assert trees.edit(one, [("a", None)], store.node, store.put) == EMPTY


def test_any_file_name_survives() -> None:
    twins = ["cafe\u0301", "caf\u00e9"]  # the same to the eye, two names to the disk
    names = [b"caf\xe9".decode("utf-8", "surrogateescape"), "new\nline", "x" * 255, "\U0001f600", *twins]
    files = ordered({name: entry(name, mode=SYMLINK) for name in names})
    store = Store()
    assert list(trees.entries(trees.build(files, store.put), store.node)) == files


def test_a_merge_lets_no_file_be_a_folder() -> None:
    store = Store()
    base = trees.build([entry("keep")], store.put)
    ours = trees.edit(base, [("a", entry("a"))], store.node, store.put)
    theirs = trees.edit(base, [("a/b", entry("a/b"))], store.node, store.put)
    merged, conflicts = trees.merge(base, ours, theirs, store.node, store.put)
    assert merged == ours
    assert [(each.path, each.ours) for each in conflicts] == [("a/b", entry("a"))]
    merged, conflicts = trees.merge(base, theirs, ours, store.node, store.put)
    assert merged == theirs
    assert [(each.path, each.ours) for each in conflicts] == [("a", entry("a/b"))]


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", "a/.", "a\0b"])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(Invalid):
        trees.build([entry(path)], Store().put)


def test_what_is_out_of_order_is_refused() -> None:
    with pytest.raises(Invalid, match="order"):
        trees.build([entry("b"), entry("a")], Store().put)
    with pytest.raises(Invalid, match="order"):
        trees.build([entry("a"), entry("a")], Store().put)
    with pytest.raises(Invalid, match="another path"):
        trees.edit(EMPTY, [("a", entry("b"))], Store().node, Store().put)
    with pytest.raises(Invalid):
        trees.build([entry("a", mode=0o777)], Store().put)
    with pytest.raises(Invalid):
        trees.build([Entry("a", "short", 1)], Store().put)


def test_damaged_nodes_are_told_apart() -> None:
    whole = nodes.encode_leaf([b"a"], [entry("a")])
    for data in (b"", b"junk", whole[:-1], whole + b"x", b"XXX" + whole[3:], whole[:-1] + b"\x09"):
        with pytest.raises(Unavailable):
            nodes.decode(data)


def test_the_form_of_a_node_stays_as_it_is() -> None:
    """Golden vectors: another program reads these bytes, and old workspaces hold them."""
    store = Store()
    root = trees.build([entry("a", "1"), entry("b/c", "22", trees.EXECUTABLE)], store.put)
    assert store.kept[root].hex().startswith("46544c00020000000500000061" + "00622f63")
    assert root == "ee92f7af1d72bfceca845ac8e0845a29e9d2a1758b49fe7a3fad86c72a91ea5a"
    large = trees.build([entry(f"{number:05d}", str(number)) for number in range(10_000)], store.put)
    assert large == "ee9e5e52fb9eeeacade14a62b87385079a0986eefb9255e9cd1fc8658da00fe5"
    ends = [number for number in range(10_000) if cuts.ends(f"{number:05d}".encode(), 0)]
    assert ends[:5] == [606, 1464, 1843, 2079, 2311]


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/x", "a//b", "", ".", "a/.", ".git", ".git/config", "sub/.GIT/x", ".fettle/x"],
)
def test_a_tree_made_by_a_stranger_leads_nowhere(path: str):
    from fettle.data.engine import nodes

    entry = trees.Entry(path, "0" * 64, 0, 0o644)
    data = nodes.encode_leaf([b"!first", path.encode()], [trees.Entry("!first", "0" * 64, 0, 0o644), entry])
    with pytest.raises(Unavailable, match="cannot be read"):
        nodes.decode(data)
    with pytest.raises(Invalid):
        trees.build([entry], lambda _data: "")
