"""Folders and prefixes of buckets: copied in, or kept by reference; what changed, vanished, and is copied in later."""

import os
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.acts.errands import errand_of
from fettle.core.errors import Conflict, Invalid, NotFound, Unavailable
from fettle.data import exchange, upkeep, versions
from fettle.data.engine import trees
from fettle.data.engine.elsewhere import Folder
from fettle.data.engine.format import FileRef, binary
from fettle.data.errands.imports import import_data
from fettle.data.imports import folder
from fettle.data.imports.bring import bring
from fettle.data.imports.folder_commit import Order
from fettle.data.imports.folder_memory import Memory
from fettle.data.imports.reference import materialise, references
from fettle.data.repositories import repository

BIG = (9 << 20) + 5


def files_of(ws, ref: str) -> dict[str, tuple[bytes, int]]:
    repo, commit = repository(ws), versions.resolve(ws, ref)
    return {each.path: (repo.read(each.digest), each.mode) for each in trees.entries(commit.tree, repo.node)}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"first")
    (folder / "sub" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (folder / "sub" / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a.txt")
    (folder / ".fettleignore").write_text("*.tmp\n")
    (folder / "x.tmp").write_bytes(b"no data")
    time.sleep(0.02)  # a file that was written this very moment is not remembered
    return folder


@pytest.fixture
def big(source):
    """The folder with a file that is longer than what is always read whole."""
    (source / "big.bin").write_bytes(os.urandom(1 << 20) * 9 + b"tail!")
    return source


def test_the_errand_is_called_import():
    declared = errand_of(import_data)

    assert declared.name == "data.import"
    assert [each.name for each in declared.parameters if each.positional] == ["source"]


# --- folders, copied


def test_a_folder_is_copied_with_modes_and_links(workspace, source):
    made = bring(workspace, str(source), Order())

    assert [(each.dataset, each.files, each.new) for each in made.datasets] == [("photos", 4, 1)]
    assert files_of(workspace, "photos") == {
        ".fettleignore": (b"*.tmp\n", 0o644),
        "a.txt": (b"first", 0o644),
        "link": (b"a.txt", 0o120000),
        "sub/run.sh": (b"#!/bin/sh\n", 0o755),
    }
    assert versions.resolve(workspace, "photos").source.kind == "folder"


def test_a_second_import_reads_only_what_changed(workspace, source):
    first = bring(workspace, str(source), Order())
    same = bring(workspace, str(source), Order())
    (source / "a.txt").write_bytes(b"second")
    (source / "sub" / "run.sh").unlink()
    after = bring(workspace, str(source), Order())

    assert (same.datasets[0].new, same.datasets[0].commit) == (0, first.datasets[0].commit)
    assert same.datasets[0].read < first.datasets[0].read
    assert after.datasets[0].new == 1
    assert files_of(workspace, "photos")["a.txt"] == (b"second", 0o644)
    assert "sub/run.sh" not in files_of(workspace, "photos")


def test_what_was_committed_here_stays_and_is_never_overwritten(workspace, source):
    bring(workspace, str(source), Order())
    head, repo = versions.resolve(workspace, "photos"), repository(workspace)
    with repo.writer() as writer:
        ref = writer.put_bytes(b"mine")
        edits = [(path, trees.Entry(path, ref.digest, ref.size_bytes)) for path in ("mine.txt", "a.txt")]
        mine = trees.edit(head.tree, edits, repo.node, writer.put_node)
        writer.flush()
        versions.commit_tree(workspace, "photos", mine, base=head.id)
    (source / "new.txt").write_bytes(b"new")
    bring(workspace, str(source), Order())
    bring(workspace, str(source), Order())

    found = files_of(workspace, "photos")
    assert (found["mine.txt"][0], found["a.txt"][0], found["new.txt"][0]) == (b"mine", b"mine", b"new")
    (source / "a.txt").write_bytes(b"theirs")
    with pytest.raises(Conflict) as caught:
        bring(workspace, str(source), Order())
    assert "a.txt" in caught.value.found
    assert files_of(workspace, "photos") == found


def test_a_single_file(workspace, source):
    bring(workspace, str(source / "a.txt"), Order(dataset="one"))

    assert files_of(workspace, "one") == {"a.txt": (b"first", 0o644)}


@pytest.mark.parametrize(
    ("given_source", "error"),
    [("nowhere", NotFound), ("https://example.org/a.csv", Invalid), ("git@host.org:team/repo.git", Invalid)],
)
def test_what_cannot_be_imported_is_said(workspace, tmp_path, monkeypatch, given_source, error):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        bring(workspace, given_source, Order())
    assert caught.value.hint


def test_an_empty_folder_makes_no_dataset(workspace, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound):
        bring(workspace, str(tmp_path / "empty"), Order())
    assert workspace.call("data.datasets") == []


class Breaking(Folder):
    """A folder that can be read only so often."""

    left = 3

    def pieces(self, seen, start=0, end=None):
        self.left -= 1
        if self.left < 0:
            raise Unavailable("The disk was unplugged.")
        return super().pieces(seen, start, end)


@pytest.mark.parametrize("by_reference", [False, True])
def test_an_import_that_broke_off_goes_on_where_it_was(workspace, tmp_path, monkeypatch, by_reference):
    monkeypatch.setattr(folder, "_SAVE_EVERY_BYTES", 1)
    (tmp_path / "many").mkdir()
    for number in range(5):
        (tmp_path / "many" / f"{number}.bin").write_bytes(bytes([number]) * 1000)
    time.sleep(0.02)
    order = Order(by_reference=by_reference)
    with pytest.raises(Unavailable):
        folder.import_place(workspace, Breaking(str(tmp_path / "many")), order, kind="folder")
    assert workspace.call("data.datasets") == []
    made = bring(workspace, str(tmp_path / "many"), order)

    assert made.datasets[0].read == 2
    assert files_of(workspace, "many") == {f"{n}.bin": (bytes([n]) * 1000, 0o644) for n in range(5)}


# --- by reference


def test_by_reference_nothing_is_copied_and_all_can_be_read(workspace, big):
    whole = (big / "big.bin").read_bytes()
    bring(workspace, str(big), Order(by_reference=True))

    stored = sum(each.size_bytes for each in workspace.blobs.list("data/packs/"))
    assert stored < 10_000
    assert files_of(workspace, "photos")["big.bin"] == (whole, 0o644)
    repo = repository(workspace)
    entry = trees.find(versions.resolve(workspace, "photos").tree, "big.bin", repo.node)
    assert entry is not None
    assert repo.has(entry.digest)
    assert not repo.stores(entry.digest)
    assert repo.size_of(entry.digest) == BIG
    assert repo.read(entry.digest, 7, 1007) == whole[7:1007]
    assert repo.read(entry.digest, BIG - 3) == whole[-3:]


def test_a_referenced_file_and_a_stored_one_are_the_same(workspace, source):
    bring(workspace, str(source), Order(dataset="referred", by_reference=True))
    bring(workspace, str(source), Order(dataset="copied"))

    assert versions.resolve(workspace, "referred").tree == versions.resolve(workspace, "copied").tree
    (source / "a.txt").unlink()
    assert files_of(workspace, "referred")["a.txt"] == (b"first", 0o644)


@pytest.mark.parametrize("name", ["a.txt", "big.bin"])
def test_a_source_that_changed_or_vanished_is_noticed(workspace, big, name):
    bring(workspace, str(big), Order(by_reference=True))
    assert references(workspace, "photos").fault == ""
    assert len(references(workspace, "photos").files) == 4  # the link's target is stored
    path, before = big / name, (big / name).read_bytes()
    path.write_bytes(before[:-1] + b"?")
    repo = repository(workspace)
    entry = trees.find(versions.resolve(workspace, "photos").tree, name, repo.node)
    assert entry is not None

    for read in (lambda: repo.read(entry.digest), lambda: repo.read(entry.digest, 1, 4)):
        with pytest.raises(Unavailable) as caught:
            read()
        assert str(path) in caught.value.message + caught.value.found
    assert [each.path for each in references(workspace, "photos").files if each.wrong] == [name]
    checked = upkeep.check(workspace)
    assert [(each.kind, each.key, each.paths) for each in checked.faults] == [("external", str(path), [name])]
    path.unlink()
    assert {each.path: "gone" in each.wrong for each in references(workspace, "photos").files}[name]
    with pytest.raises(Unavailable):
        materialise(workspace, "photos")
    path.write_bytes(before)  # the same bytes at another time are the same file
    assert repo.read(entry.digest, 1, 4) == before[1:4]
    assert references(workspace, "photos").fault == ""


def test_a_change_that_keeps_size_and_time_is_found_by_reading(workspace, big):
    bring(workspace, str(big), Order(by_reference=True))
    path, times = big / "big.bin", (big / "big.bin").stat()
    path.write_bytes(b"!" + path.read_bytes()[1:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert references(workspace, "photos").fault == ""
    assert references(workspace, "photos", full=True).fault
    assert upkeep.check(workspace, full=True).fault
    entry = trees.find(versions.resolve(workspace, "photos").tree, "big.bin", repository(workspace).node)
    assert entry is not None
    with pytest.raises(Unavailable):
        repository(workspace).read(entry.digest)


def test_materialise_copies_the_content_in(workspace, big):
    before = bring(workspace, str(big), Order(by_reference=True)).datasets[0].commit
    content = files_of(workspace, "photos")
    made = materialise(workspace, "photos")
    (big / "big.bin").unlink()
    (big / "a.txt").unlink()

    assert (made.files, made.size_bytes > BIG) == (4, True)
    assert files_of(workspace, "photos") == content
    assert versions.resolve(workspace, "photos").id == before
    assert references(workspace, "photos").files == []
    assert materialise(workspace, "photos").files == 0


def test_a_push_carries_the_bytes_and_can_repair_what_vanished(workspace, big, tmp_path):
    bring(workspace, str(big), Order(by_reference=True))
    content = files_of(workspace, "photos")
    exchange.push(workspace, "photos", str(tmp_path / "bare"))
    for each in ("big.bin", "a.txt"):
        (big / each).unlink()

    made = upkeep.check(workspace, repair_from=str(tmp_path / "bare"))

    assert made.fault == ""
    assert {each.kind for each in made.faults} >= {"external"}
    assert files_of(workspace, "photos") == content
    assert upkeep.check(workspace).faults == []


def test_gc_spares_what_refers_and_files_are_fetched_out(workspace, source, tmp_path):
    bring(workspace, str(source), Order(by_reference=True))
    upkeep.collect(workspace, grace="0s")
    upkeep.collect(workspace, grace="0s")

    target = tmp_path / "out.txt"
    entry = trees.find(versions.resolve(workspace, "photos").tree, "a.txt", repository(workspace).node)
    assert entry is not None
    repository(workspace).fetch(entry.digest, target)
    assert target.read_bytes() == b"first"


def test_a_second_import_by_reference_reads_and_records_only_what_changed(workspace, source):
    bring(workspace, str(source), Order(by_reference=True))
    records = len(list(workspace.blobs.list("data/external/")))
    bring(workspace, str(source), Order(by_reference=True))
    assert len(list(workspace.blobs.list("data/external/"))) == records
    (source / "a.txt").write_bytes(b"second")
    made = bring(workspace, str(source), Order(by_reference=True))

    assert made.datasets[0].new == 1
    assert files_of(workspace, "photos")["a.txt"] == (b"second", 0o644)
    assert len(list(workspace.blobs.list("data/external/"))) == records + 1


def test_a_record_that_was_tampered_with_is_refused(workspace, source):
    bring(workspace, str(source), Order(by_reference=True))
    key = next(iter(workspace.blobs.list("data/external/"))).key
    workspace.blobs.put(key, workspace.blobs.get(key)[:-3] + b"abc")
    entry = trees.find(versions.resolve(workspace, "photos").tree, "a.txt", repository(workspace).node)
    assert entry is not None

    from fettle.data.engine.external import External

    with pytest.raises(Unavailable):
        External(workspace.blobs, "data/").find(binary(entry.digest))


# --- buckets


@pytest.fixture
def bucket(fresh_s3_url):
    import boto3

    name, endpoint = urlsplit(fresh_s3_url).netloc, fresh_s3_url.partition("endpoint=")[2]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for key, body in {
        "pics/": b"",
        "pics/a.bin": b"one",
        "pics/odd name#1.bin": b"two",
        "pics/deep/": b"",
        "pics/deep/c.bin": b"three" * 2000,
        "picsother/d.bin": b"no",
    }.items():
        client.put_object(Bucket=name, Key=key, Body=body)
    return client, name, lambda key: f"s3://{name}/{key}?endpoint={endpoint}"


CONTENT = {
    "a.bin": (b"one", 0o644),
    "deep/c.bin": (b"three" * 2000, 0o644),
    "odd name#1.bin": (b"two", 0o644),
}


@pytest.mark.parametrize("by_reference", [False, True])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_prefix_is_imported_and_then_only_what_changed(workspace, bucket, by_reference, slash):
    client, name, address = bucket
    order = Order(by_reference=by_reference)
    first = bring(workspace, address(f"pics{slash}"), order)
    content = files_of(workspace, "pics")
    same = bring(workspace, address(f"pics{slash}"), order)
    client.put_object(Bucket=name, Key="pics/a.bin", Body=b"uno")
    after = bring(workspace, address(f"pics{slash}"), order)

    assert content == CONTENT
    assert [each.datasets[0].read for each in (first, same, after)] == [3, 0, 1]
    assert [each.datasets[0].new for each in (first, same, after)] == [1, 0, 1]
    assert files_of(workspace, "pics")["a.bin"] == (b"uno", 0o644)
    assert versions.resolve(workspace, "pics").source.name == f"s3://{name}/pics"


def test_objects_by_reference_are_pinned(workspace, bucket):
    client, name, address = bucket
    bring(workspace, address("pics"), Order(by_reference=True))
    client.put_object(Bucket=name, Key="pics/a.bin", Body=b"uno")
    client.delete_object(Bucket=name, Key="pics/deep/c.bin")

    found = {each.path: each.wrong for each in references(workspace, "pics").files}

    assert found["odd name#1.bin"] == ""
    assert "other bytes" in found["a.bin"]
    assert "gone" in found["deep/c.bin"]
    with pytest.raises(Unavailable):
        files_of(workspace, "pics")


def test_one_object(workspace, bucket):
    _, _, address = bucket
    bring(workspace, address("pics/deep/c.bin"), Order(dataset="one"))
    assert files_of(workspace, "one") == {"c.bin": CONTENT["deep/c.bin"]}


def test_an_empty_prefix_a_wrong_option_and_a_password_are_refused(workspace, bucket):
    _, _, address = bucket
    with pytest.raises(NotFound):
        bring(workspace, address("nothing"), Order())
    with pytest.raises(Invalid):
        bring(workspace, address("pics") + "&profile=me", Order())
    for secret in (
        address("pics") + "&secret_access_key=hunter2hunter2",
        address("pics").replace("http://", "http://me:hunter2@"),
        address("pics").replace("s3://", "s3://me:hunter2@"),
    ):
        with pytest.raises(Invalid) as caught:
            bring(workspace, secret, Order())
        assert "hunter2" not in caught.value.message + caught.value.found + str(caught.value.hint)


# --- what is remembered


@given(
    st.lists(
        st.dictionaries(st.binary(min_size=16, max_size=16), st.integers(0, 2**40), max_size=20), max_size=4
    )
)
def test_memory_is_a_dictionary_on_the_disk(tmp_path_factory, rounds):
    path = tmp_path_factory.mktemp("memory") / "m"
    model: dict[bytes, FileRef] = {}
    for each in rounds:
        memory = Memory(path)
        for key, number in each.items():
            model[key] = FileRef(f"{number:064x}", number)
            memory.learn(key, model[key])
        memory.save()
    found = Memory(path)

    assert {key: found.find(key) for key in model} == model
    assert found.find(b"not there, no no") is None


def test_a_torn_memory_counts_as_empty(tmp_path):
    memory = Memory(tmp_path / "m")
    memory.learn(b"k" * 16, FileRef("ab" * 32, 7))
    memory.save()
    data = (tmp_path / "m").read_bytes()
    for torn in (data[:-1], data[:20], b"", data[:10] + b"x" + data[11:]):
        (tmp_path / "m").write_bytes(torn)
        assert Memory(tmp_path / "m").find(b"k" * 16) is None
