"""DVC repositories, laid out by hand as DVC 1 to 3 do: what is tracked comes over, verified, with its history."""

import hashlib
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.imports.bring import bring
from fettle.data.imports.dvc import OUTS, REV
from fettle.data.imports.dvc_config import read_config
from fettle.data.imports.dvc_files import read_outs
from fettle.data.imports.dvc_hashes import OtherContent, held
from fettle.data.imports.dvc_states import DvcOrder
from fettle.data.imports.folder_commit import Order
from fettle.data.imports.reference import references
from fettle.data.repositories import repository

ALL = DvcOrder(all_revisions=True)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class Repo:
    """A DVC repository; what is tracked goes into its cache and, unless told otherwise, its working tree."""

    def __init__(self, root: Path, *, legacy: bool = False) -> None:
        self.root, self.legacy = root, legacy
        self.cache = root / ".dvc" / "cache"
        self.cache.mkdir(parents=True)
        (root / ".dvc" / "config").write_text("[core]\n    autostage = true\n")

    def keep(self, data: bytes, suffix: str = "") -> str:
        """Put content into the cache; its md5 as this DVC takes it."""
        text = self.legacy and b"\0" not in data
        name = md5(data.replace(b"\r\n", b"\n") if text else data) + suffix
        path = self.place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name

    def place(self, name: str) -> Path:
        return (self.cache if self.legacy else self.cache / "files" / "md5") / name[:2] / name[2:]

    def track(self, path: str, content: bytes | dict[str, bytes], *, work: bool = True) -> str:
        name = self.told(path, content, work=work)
        lines = [f"- md5: {name}", "  size: 1", *([] if self.legacy else ["  hash: md5"])]
        lines.append(f"  path: {Path(path).name}")
        pointer = self.root / f"{path}.dvc"
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.write_text("outs:\n" + "\n".join(lines) + "\n")
        return name

    def told(self, path: str, content: bytes | dict[str, bytes], *, work: bool = True) -> str:
        """Keep an output; its md5."""
        if isinstance(content, bytes):
            self._write(path, content, work)
            return self.keep(content)
        for name, data in content.items():
            self._write(f"{path}/{name}", data, work)
        rows = [{"md5": self.keep(content[name]), "relpath": name} for name in sorted(content)]
        return self.keep(json.dumps(rows).encode(), ".dir")

    def _write(self, path: str, data: bytes, work: bool) -> None:
        if work:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(data)

    def git(self, *words: str, when: str = "2024-03-01T10:00:00+0100") -> str:
        environ = os.environ | {
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["git", "-C", str(self.root), *words], env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        names = [
            str(each.relative_to(self.root))
            for pattern in ("*.dvc", "dvc.lock", "dvc.yaml")
            for each in self.root.rglob(pattern)
            if each.is_file()
        ]
        self.git("add", "-A", "--", *names)
        self.git("commit", "-q", "--allow-empty", "-a", "-m", message)
        return self.git("rev-parse", "HEAD")


IMAGES = {"1.png": b"\x89one\0", "sub/2.png": b"\x89two\0", "labels.csv": b"a,b\r\n1,2\r\n"}


@pytest.fixture(params=[False, True], ids=["dvc3", "dvc2"])
def repo(request, tmp_path):
    made = Repo(tmp_path / "project", legacy=request.param)
    made.track("data/images", IMAGES)
    made.track("data/rows.csv", b"x,y\r\n3,4\r\n")
    return made


@pytest.fixture
def modern(tmp_path):
    return Repo(tmp_path / "project")


def content_of(ws, ref: str) -> dict[str, bytes]:
    repo, commit = repository(ws), versions.resolve(ws, ref)
    return {each.path: repo.read(each.digest) for each in trees.entries(commit.tree, repo.node)}


def empty_work(repo: Repo) -> None:
    shutil.rmtree(repo.root / "data" / "images")
    (repo.root / "data" / "rows.csv").unlink()


# --- a working tree


def test_each_output_becomes_a_dataset(workspace, repo):
    empty_work(repo)
    made = bring(workspace, str(repo.root), Order())

    assert {each.dataset: (each.files, each.new) for each in made.datasets} == {
        "images": (3, 1),
        "rows": (1, 1),
    }
    assert content_of(workspace, "images") == IMAGES
    assert content_of(workspace, "rows") == {"rows.csv": b"x,y\r\n3,4\r\n"}
    commit = versions.resolve(workspace, "images")
    assert commit.source.kind == "dvc"
    assert list(json.loads(commit.metadata[OUTS])) == ["data/images"]


def test_a_second_import_makes_nothing_and_reads_nothing(workspace, repo):
    first = bring(workspace, str(repo.root), Order())
    same = bring(workspace, str(repo.root), Order())

    assert [(each.dataset, each.commit, each.read, each.new) for each in same.datasets] == [
        (each.dataset, each.commit, 0, 0) for each in first.datasets
    ]


def test_all_outputs_as_one_dataset_or_one_of_them(workspace, repo):
    bring(workspace, str(repo.root), Order(dataset="all"))
    bring(workspace, str(repo.root / "data" / "rows.csv.dvc"), Order(dataset="only"))
    bring(workspace, str(repo.root / "data" / "images"), Order(dataset="inside"))

    whole = {f"data/images/{path}": data for path, data in IMAGES.items()}
    assert content_of(workspace, "all") == whole | {"data/rows.csv": b"x,y\r\n3,4\r\n"}
    assert list(content_of(workspace, "only")) == ["data/rows.csv"]
    assert set(content_of(workspace, "inside")) == set(whole)


def test_names_that_are_not_unique_are_whole_paths(workspace, modern):
    for path in ("a/train", "b/train", "b/test.csv"):
        modern.track(path, b"of " + path.encode())
    made = bring(workspace, str(modern.root), Order())
    assert [each.dataset for each in made.datasets] == ["a-train", "b-train", "test"]


def test_content_that_is_only_in_the_workspace(workspace, repo):
    shutil.rmtree(repo.cache)
    bring(workspace, str(repo.root), Order())

    assert content_of(workspace, "images") == IMAGES


def test_content_that_is_only_in_a_folder_that_is_the_remote(workspace, repo, tmp_path):
    repo.cache.rename(tmp_path / "remote")
    empty_work(repo)
    (repo.root / ".dvc" / "config").write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../remote\n"
    )
    bring(workspace, str(repo.root), Order())

    assert content_of(workspace, "images") == IMAGES


def test_content_that_is_only_in_a_bucket_and_no_secret_is_kept(workspace, repo, fresh_s3_url):
    import boto3

    name, endpoint = urlsplit(fresh_s3_url).netloc, fresh_s3_url.partition("endpoint=")[2]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for each in repo.cache.rglob("*"):
        if each.is_file():
            client.upload_file(str(each), name, f"pre/{each.relative_to(repo.cache).as_posix()}")
    shutil.rmtree(repo.cache)
    empty_work(repo)
    (repo.root / ".dvc" / "config").write_text(
        f"['remote \"base\"']\n    url = s3://{name}\n    endpointurl = {endpoint}\n"
        "['remote \"store\"']\n    url = remote://base/pre\n[core]\n    remote = store\n"
    )
    (repo.root / ".dvc" / "config.local").write_text("['remote \"base\"']\n    secret_access_key = hunter2\n")
    made = bring(workspace, str(repo.root), Order(by_reference=True))

    assert content_of(workspace, "images") == IMAGES
    assert "hunter2" not in repr(made) + repr(read_config(repo.root))
    assert not any(b"hunter2" in workspace.blobs.get(each.key) for each in workspace.blobs.list(""))
    assert references(workspace, "images").files[0].where.startswith(f"s3://{name}/pre/")


def test_by_reference_the_cache_is_read_and_nothing_copied(workspace, repo):
    bring(workspace, str(repo.root), Order(by_reference=True))

    assert content_of(workspace, "images") == IMAGES
    assert len(references(workspace, "images").files) == len(IMAGES)
    assert all(str(repo.cache) in each.where for each in references(workspace, "images").files)


def test_all_that_is_missing_is_named_and_nothing_is_imported(workspace, repo):
    empty_work(repo)
    for each in ("1.png", "labels.csv"):
        data = IMAGES[each].replace(b"\r\n", b"\n") if repo.legacy else IMAGES[each]
        repo.place(md5(data)).unlink()
    with pytest.raises(NotFound) as caught:
        bring(workspace, str(repo.root), Order())

    assert "2 file(s)" in caught.value.message
    assert "data/images/1.png" in caught.value.found
    assert "data/images/labels.csv" in caught.value.found
    assert "dvc fetch" in (caught.value.hint or "")
    assert workspace.call("data.datasets") == []


def test_content_that_is_damaged_is_not_taken_but_looked_for_elsewhere(workspace, repo):
    place = repo.place(md5(IMAGES["1.png"]))
    place.write_bytes(b"damaged")
    bring(workspace, str(repo.root), Order(dataset="whole"))
    assert content_of(workspace, "whole")["data/images/1.png"] == IMAGES["1.png"]
    (repo.root / "data" / "images" / "1.png").write_bytes(b"edited")
    shutil.rmtree(workspace.folder / "cache" / "imports")
    with pytest.raises(NotFound) as caught:
        bring(workspace, str(repo.root), Order(dataset="again"))
    assert f"md5 {md5(b'edited')}" in caught.value.found


def test_a_remote_of_another_kind_says_what_to_do(workspace, repo):
    shutil.rmtree(repo.cache)
    empty_work(repo)
    (repo.root / ".dvc" / "config").write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = gs://bucket/data\n"
    )
    with pytest.raises(NotFound) as caught:
        bring(workspace, str(repo.root), Order())
    assert "(gs) cannot be read from here" in (caught.value.hint or "")
    assert "dvc fetch -r store" in (caught.value.hint or "")
    with pytest.raises(NotFound) as caught:
        bring(workspace, str(repo.root), Order(), dvc=DvcOrder(remote="sotre"))
    assert "store" in str(caught.value.hint) + str(caught.value.found)


# --- dvc.lock, and what is left out


def test_outputs_of_stages(workspace, modern):
    (modern.root / "sub").mkdir()
    model = modern.told("sub/deep/model.bin", b"\0weights", work=False)
    metric = md5(b"{}")
    (modern.root / "sub" / "dvc.yaml").write_text(
        "stages:\n  train:\n    wdir: deep\n    cmd: x\n    outs: [model.bin]\n"
        "    metrics:\n    - m.json:\n        cache: false\n"
    )
    (modern.root / "sub" / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    deps:\n    - path: in.csv\n      md5: "
        + "0" * 32
        + "\n    outs:\n"
        f"    - path: m.json\n      hash: md5\n      md5: {metric}\n"
        f"    - path: model.bin\n      hash: md5\n      md5: {model}\n"
    )
    made = bring(workspace, str(modern.root), Order())

    assert [each.dataset for each in made.datasets] == ["model"]
    assert content_of(workspace, "model") == {"model.bin": b"\0weights"}
    assert list(json.loads(versions.resolve(workspace, "model").metadata[OUTS])) == ["sub/deep/model.bin"]
    assert made.notes == ["sub/deep/m.json: left out, as git keeps it itself (cache: false)"]


def test_what_cannot_be_taken_over_is_said():
    texts = {
        "a.dvc": "outs:\n- path: a\n",
        "b.dvc": "outs:\n- path: s3://bucket/b\n  etag: x\n",
        "c.dvc": "outs:\n- path: ../c\n  md5: " + "1" * 32,
        "d.dvc": "outs:\n- path: d\n  hash: etag\n  etag: x\n",
        "e.dvc": "wdir: in\nouts:\n- path: e\n  hash: md5\n  isexec: true\n  md5: " + "2" * 32,
    }
    found = read_outs(texts)

    assert {path: (each.md5, each.mode, each.legacy) for path, each in found.outs.items()} == {
        "in/e": ("2" * 32, 0o755, False)
    }
    assert len(found.notes) == 4


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\nouts: [", "- a\n- b\n", "outs:\n  a: b\n", "outs:\n- md5: x\n"]
)
def test_a_broken_file_is_named(text):
    with pytest.raises(Invalid) as caught:
        read_outs({"sub/x.dvc": text})
    assert "sub/x.dvc" in caught.value.message


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a//b", ""])
def test_a_manifest_cannot_lead_outside(workspace, modern, path):
    name = modern.keep(json.dumps([{"md5": modern.keep(b"x"), "relpath": path}]).encode(), ".dir")
    (modern.root / "d.dvc").write_text(f"outs:\n- md5: {name}\n  hash: md5\n  path: d\n")
    with pytest.raises(Invalid) as caught:
        bring(workspace, str(modern.root), Order())
    assert "manifest of d" in caught.value.message


def test_no_dvc_repository_and_nothing_tracked(workspace, tmp_path):
    with pytest.raises(NotFound):
        bring(workspace, str(tmp_path), Order(), kind="dvc")
    Repo(tmp_path / "empty")
    with pytest.raises(NotFound):
        bring(workspace, str(tmp_path / "empty"), Order())
    (tmp_path / "plain").mkdir()
    with pytest.raises(Invalid):
        bring(workspace, str(tmp_path / "plain"), Order(), dvc=ALL)


# --- history


@pytest.fixture
def history(modern):
    """Three commits that change what is tracked, one that does not, and two tags."""
    modern.git("init", "-q", "-b", "main")
    modern.track("data/rows.csv", b"one", work=False)
    revs = [modern.commit("first\n\nwith a body")]
    modern.git("tag", "v1")
    modern.track("data/images", IMAGES, work=False)
    modern.track("data/rows.csv", b"two", work=False)
    revs.append(modern.commit("second"))
    modern.commit("nothing of data")
    modern.git("tag", "-a", "v2", "-m", "annotated")
    modern.track("data/rows.csv", b"three", work=False)
    revs.append(modern.commit("third"))
    return modern, revs


def log_of(ws, dataset: str) -> list:
    return list(reversed(ws.call("data.log", dataset=dataset)))


def tags_of(ws, dataset: str) -> dict[str, str]:
    return {each.name: each.commit for each in ws.call("data.refs", dataset=dataset) if each.kind == "tag"}


def test_history_comes_with_messages_authors_and_tags(workspace, history):
    repo, revs = history
    bring(workspace, str(repo.root), Order(), dvc=ALL)

    rows, images = log_of(workspace, "rows"), log_of(workspace, "images")
    assert [each.metadata[REV] for each in rows] == revs
    assert [each.message for each in rows] == ["first\n\nwith a body", "second", "third"]
    assert rows[0].metadata["dvc.author"] == "Ada <ada@example.org>"
    assert rows[0].metadata["dvc.at"] == "2024-03-01T10:00:00+01:00"
    assert [each.metadata[REV] for each in images] == [revs[1]]
    assert tags_of(workspace, "rows") == {"v1": rows[0].id, "v2": rows[1].id}
    assert tags_of(workspace, "images") == {"v2": images[0].id}
    assert [content_of(workspace, f"rows@{each.id}")["rows.csv"] for each in rows] == [
        b"one",
        b"two",
        b"three",
    ]


def test_history_again_takes_only_what_is_new(workspace, history):
    repo, _ = history
    bring(workspace, str(repo.root), Order(dataset="all"), dvc=ALL)
    same = bring(workspace, str(repo.root), Order(dataset="all"), dvc=ALL)
    repo.track("data/rows.csv", b"four", work=False)
    repo.commit("fourth")
    repo.git("tag", "v4")
    made = bring(workspace, str(repo.root), Order(dataset="all"), dvc=ALL)

    assert same.datasets == []
    assert [(each.new, each.read) for each in made.datasets] == [(1, 1)]
    assert [each.message.splitlines()[0] for each in log_of(workspace, "all")] == [
        "first",
        "second",
        "third",
        "fourth",
    ]
    assert tags_of(workspace, "all")["v4"] == log_of(workspace, "all")[-1].id


def test_history_after_a_working_tree_does_not_go_back_in_time(workspace, history):
    repo, revs = history
    repo.commit("nothing of data")
    bring(workspace, str(repo.root), Order())
    made = bring(workspace, str(repo.root), Order(), dvc=ALL)
    repo.track("data/rows.csv", b"four", work=False)
    revs.append(repo.commit("fourth"))
    after = bring(workspace, str(repo.root), Order(), dvc=ALL)

    assert made.datasets == []
    assert any("before the last imported one" in each for each in made.notes)
    assert [each.new for each in after.datasets] == [1]
    assert [each.metadata[REV] for each in log_of(workspace, "rows")][1:] == revs[-1:]


def test_one_revision_and_a_range(workspace, history):
    repo, revs = history
    bring(workspace, str(repo.root), Order(dataset="old"), dvc=DvcOrder(rev="v1"))
    bring(workspace, str(repo.root), Order(dataset="some"), dvc=DvcOrder(rev="v1..HEAD"))

    assert content_of(workspace, "old") == {"data/rows.csv": b"one"}
    assert [each.metadata[REV] for each in log_of(workspace, "some")] == revs[1:]
    for wrong in ("v9", "--output=x", "v9..HEAD"):
        with pytest.raises(Invalid):
            bring(workspace, str(repo.root), Order(dataset="wrong"), dvc=DvcOrder(rev=wrong))


def test_revisions_whose_content_is_gone(workspace, history):
    repo, revs = history
    repo.place(md5(b"two")).unlink()
    with pytest.raises(NotFound) as caught:
        bring(workspace, str(repo.root), Order(), dvc=ALL)
    assert "--skip-missing" in (caught.value.hint or "")
    assert workspace.call("data.datasets") == []

    made = bring(workspace, str(repo.root), Order(), dvc=DvcOrder(all_revisions=True, skip_missing=True))
    assert [each.metadata[REV] for each in log_of(workspace, "rows")] == [revs[0], revs[2]]
    assert any("left out" in each for each in made.notes)


def test_git_is_only_read(workspace, history):
    repo, _ = history
    before = {each: each.stat().st_mtime_ns for each in repo.root.rglob("*")}
    bring(workspace, str(repo.root), Order(), dvc=ALL)
    assert {each: each.stat().st_mtime_ns for each in repo.root.rglob("*")} == before


# --- md5 as of DVC 2


@pytest.mark.parametrize("seed", range(5))
def test_md5_of_texts_with_other_line_ends(seed):
    draw = random.Random(seed)
    data = b"\r\n".join(draw.randbytes(3).hex().encode() for _ in range(200_000))
    cuts = sorted(draw.sample(range(len(data)), 7))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    blocks = [data[at : at + (1 << 20)].replace(b"\r\n", b"\n") for at in range(0, len(data), 1 << 20)]
    expected = md5(b"".join(blocks))

    assert b"".join(held(pieces, expected, legacy=True)) == data
    assert b"".join(held(pieces, md5(data), legacy=True)) == data
    with pytest.raises(OtherContent):
        list(held(pieces, expected, legacy=False))


# --- the real DVC, where there is one


@pytest.mark.skipif(
    not (shutil.which("dvc") or os.environ.get("FETTLE_TEST_DVC")),
    reason="no dvc program (FETTLE_TEST_DVC names one)",
)
def test_against_dvc_itself(workspace, modern, tmp_path):
    program = os.environ.get("FETTLE_TEST_DVC") or shutil.which("dvc") or ""
    root = tmp_path / "real"
    root.mkdir()
    real = Repo.__new__(Repo)
    real.root = root

    def dvc(*words: str) -> None:
        environ = os.environ | {"DVC_NO_ANALYTICS": "1", "HOME": str(tmp_path)}
        subprocess.run([program, *words, "-q"], cwd=root, env=environ, check=True, capture_output=True)

    real.git("init", "-q", "-b", "main")
    dvc("init")
    for path, data in IMAGES.items():
        (root / "images" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / path).write_bytes(data)
    dvc("add", "images")
    real.git("add", "-A")
    real.git("commit", "-q", "-m", "one")
    (root / "images" / "3.png").write_bytes(b"three")
    dvc("add", "images")
    real.git("commit", "-q", "-a", "-m", "two")
    real.git("tag", "v2")
    shutil.rmtree(root / "images")
    bring(workspace, str(root), Order(), dvc=ALL)

    assert [content_of(workspace, f"images@{each.id}") for each in log_of(workspace, "images")] == [
        IMAGES,
        IMAGES | {"3.png": b"three"},
    ]
    assert tags_of(workspace, "images") == {"v2": versions.resolve(workspace, "images").id}
