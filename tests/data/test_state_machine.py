"""The versioned store against a model of it: a dictionary of paths (or keys of rows) for each commit.

Whatever is done, in whatever order (commits, branches, merges, reverts, resets, removals, collections months later,
pushes and pulls), each version that something names, or that a branch was at lately, is what the dictionary says.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fettle.core.clock import FrozenClock
from fettle.core.errors import Conflict
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.places import open_place
from fettle.data.records.merges import Merged
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository
from fettle.workspace import Workspace
from tests.conftest import new_workspace

Content = dict[Any, Any]

KEPT_DAYS = 30
PATHS = ("a", "b.txt", "d/a", "d/b", "d/e/a", "f/ä ö")
LARGE = bytes(range(256)) * 1200
BRANCHES = ("main", "one", "two")


class Version(NamedTuple):
    """What the model knows of a commit."""

    content: Content
    parents: list[str]
    at: datetime


class Model:
    """A dataset: versions, and the names that point at them."""

    def __init__(self) -> None:
        self.versions: dict[str, Version] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.moved: dict[str, datetime] = {}
        self.there: dict[str, str] = {}
        self.pulled: dict[str, str] = {}

    def move(self, branch: str, commit: str | None, at: datetime) -> None:
        old = self.branches.pop(branch, None)
        if old != commit:
            self.moved |= {each: at for each in (old, commit) if each}
        if commit:
            self.branches[branch] = commit

    def before(self, *commits: str) -> set[str]:
        """These commits and all before them."""
        found: set[str] = set()
        waiting = list(commits)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self.versions[each].parents
        return found

    def named(self) -> set[str]:
        return self.before(*self.branches.values(), *self.tags.values())

    def base(self, ours: str, theirs: str) -> str:
        common = self.before(ours) & self.before(theirs)
        best = common - {parent for each in common for parent in self.versions[each].parents}
        return max(best, key=lambda each: (self.versions[each].at, each))

    def content(self, commit: str) -> Content:
        return self.versions[commit].content


def merged(base: Mapping, ours: Mapping, theirs: Mapping) -> Content | None:
    """What comes of two sides, key by key; None if both changed the same."""
    made: Content = {}
    for key in base.keys() | ours.keys() | theirs.keys():
        old, mine, yours = base.get(key), ours.get(key), theirs.get(key)
        if mine != yours and old not in (mine, yours):
            return None
        kept = mine if yours == old else yours
        if kept is not None:
            made[key] = kept
    return made


NAMES = st.sampled_from(("files", "rows"))
ANY = st.integers(0, 10**6)


class Versions(RuleBasedStateMachine):
    """Two datasets, one of files and one of rows, in one store."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="fettle-versions-")).resolve()
        self.clock = FrozenClock(datetime(2024, 1, 1, tzinfo=UTC))
        self.ws = new_workspace(self.place / "here", clock=self.clock)
        self.other = new_workspace(self.place / "other", clock=self.clock)
        self.url = str(self.place / "there")
        self.models = {"files": Model(), "rows": Model()}
        self.count = 0

    @initialize()
    def begin(self) -> None:
        self.commit("files", "main", {"a": b"first"})
        self.commit("rows", "main", {0: 0})

    # --- commits

    @rule(
        branch=st.sampled_from(BRANCHES),
        changes=st.dictionaries(
            st.sampled_from(PATHS),
            st.one_of(st.none(), st.binary(max_size=20), st.integers(0, 3)),
            min_size=1,
            max_size=3,
        ),
    )
    def commit_files(self, branch: str, changes: dict[str, bytes | int | None]) -> None:
        bytes_of = {path: _large(each) if isinstance(each, int) else each for path, each in changes.items()}
        self.commit("files", branch, self._changed("files", branch, bytes_of))

    @rule(
        branch=st.sampled_from(BRANCHES),
        changes=st.dictionaries(
            st.integers(1, 6), st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=3
        ),
        append=st.booleans(),
    )
    def commit_rows(self, branch: str, changes: dict[int, int | None], append: bool) -> None:
        before = self._head("rows", branch)
        new = {key: value for key, value in changes.items() if value is not None and key not in before}
        if append and new and branch in self.models["rows"].branches:
            self.commit("rows", branch, {**before, **new}, append=new)
        else:
            self.commit("rows", branch, self._changed("rows", branch, changes))

    def commit(self, name: str, branch: str, wanted: Content, append: Content | None = None) -> None:
        model = self.models[name]
        head = model.branches.get(branch)
        if name == "files":
            made = self._commit_files(branch, wanted, head)
        else:
            rows = _frame(wanted if append is None else append)
            made = versions.commit_frame(
                self.ws, "rows", rows, branch=branch, append=append is not None, key=["id"], profile=False
            )
        if head is not None and made.id == head:
            assert model.content(head) == wanted
            return
        assert made.parents == ([head] if head else [])
        self._know(name, branch, made, wanted)

    def _commit_files(self, branch: str, wanted: Content, head: str | None) -> Commit:
        repo = repository(self.ws)
        with repo.writer() as writer:
            found = {path: writer.put_bytes(data) for path, data in wanted.items()}
            entries = [trees.Entry(path, ref.digest, ref.size_bytes, 0o644) for path, ref in found.items()]
            tree = trees.build(sorted(entries), writer.put_node)
            writer.flush()
            return versions.commit_tree(self.ws, "files", tree, branch=branch, base=head)

    def _know(self, name: str, branch: str, made: Commit, content: Content) -> None:
        model = self.models[name]
        model.versions[made.id] = Version(dict(content), made.parents, made.at)
        model.move(branch, made.id, self.clock.now())

    def _head(self, name: str, branch: str) -> Content:
        head = self.models[name].branches.get(branch)
        return self.models[name].content(head) if head else {0: 0} if name == "rows" else {}

    def _changed(self, name: str, branch: str, changes: Mapping) -> Content:
        made = {**self._head(name, branch), **changes}
        return {key: value for key, value in made.items() if value is not None} or {"a": b"left"}

    # --- names

    @rule(name=NAMES, branch=st.sampled_from(BRANCHES[1:]), pick=ANY)
    def branch(self, name: str, branch: str, pick: int) -> None:
        model = self.models[name]
        start = self._pick(name, pick)
        if branch in model.branches:
            with pytest.raises(Conflict, match="already"):
                self.ws.data.branch(name, branch, at=start)
            return
        self.ws.data.branch(name, branch, at=start)
        model.move(branch, start, self.clock.now())

    @rule(name=NAMES, pick=ANY)
    def tag(self, name: str, pick: int) -> None:
        self.count += 1
        commit = self._pick(name, pick)
        self.ws.data.tag(name, f"v{self.count}", at=commit)
        self.models[name].tags[f"v{self.count}"] = commit
        self.models[name].moved[commit] = self.clock.now()

    @rule(name=NAMES, branch=st.sampled_from(BRANCHES), pick=ANY)
    def reset(self, name: str, branch: str, pick: int) -> None:
        commit = self._pick(name, pick)
        self.ws.data.reset(name, commit, branch=branch)
        self.models[name].move(branch, commit, self.clock.now())

    @rule(name=NAMES, branch=st.sampled_from(BRANCHES[1:]))
    def delete_branch(self, name: str, branch: str) -> None:
        if branch in self.models[name].branches:
            self.ws.data.delete_branch(name, branch)
            self.models[name].move(branch, None, self.clock.now())

    # --- merges

    @rule(name=NAMES, into=st.sampled_from(BRANCHES), pick=ANY)
    def merge(self, name: str, into: str, pick: int) -> None:
        model = self.models[name]
        ours = model.branches.get(into)
        if ours is None:
            return
        theirs = self._pick(name, pick)
        if not model.before(ours) & model.before(theirs):
            return
        base = model.base(ours, theirs)
        made = self.ws.data.merge(name, theirs, into=into)
        if base == theirs:
            assert made.how == "up to date"
        elif base == ours:
            assert (made.how, made.commit) == ("advanced", theirs)
            model.move(into, theirs, self.clock.now())
        else:
            content = merged(model.content(base), model.content(ours), model.content(theirs))
            self._joined(name, into, made, content, [ours, theirs])

    @rule(name=NAMES, branch=st.sampled_from(BRANCHES), pick=ANY)
    def revert(self, name: str, branch: str, pick: int) -> None:
        model = self.models[name]
        ours, undone = model.branches.get(branch), self._pick(name, pick)
        if ours is None or not model.versions[undone].parents:
            return
        before = model.versions[undone].parents[0]
        content = merged(model.content(undone), model.content(ours), model.content(before))
        made = self.ws.data.revert(name, undone, branch=branch)
        if content == model.content(ours):
            assert (made.how, made.commit) in (("up to date", ours), ("merged", made.commit))
        if made.how != "up to date":
            self._joined(name, branch, made, content, [ours])

    def _joined(
        self, name: str, branch: str, made: Merged, content: Content | None, parents: list[str]
    ) -> None:
        if content is None:
            assert made.how == "conflicts"
            assert made.fault
            return
        assert made.how == "merged", made
        commit = self.ws.data.show(f"{name}@{made.commit}")
        assert commit.parents == parents
        self._know(name, branch, commit, content)

    # --- time, collections, other places

    @rule(days=st.sampled_from((0, 1, 20, 40)), grace=st.sampled_from(("0s", "14d")))
    def collect(self, days: int, grace: str) -> None:
        self.clock.advance(days * 86_400)
        self.ws.data.gc(grace=grace)
        since = self.clock.now() - timedelta(days=KEPT_DAYS)
        for model in self.models.values():
            model.moved = {commit: at for commit, at in model.moved.items() if at >= since}

    @rule(minutes=st.integers(1, 500))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes * 60)

    @rule(name=NAMES, branch=st.sampled_from(BRANCHES))
    def push(self, name: str, branch: str) -> None:
        model = self.models[name]
        head, there = model.branches.get(branch), model.there.get(branch)
        if head is None:
            return
        if there is not None and there not in model.before(head):
            with pytest.raises(Conflict, match="not here"):
                self.ws.data.push(name, to=self.url, branch=branch)
            return
        assert self.ws.data.push(name, to=self.url, branch=branch).commit == head
        model.there[branch] = head
        with open_place(self.ws, self.url) as place:
            assert place.pointers(name)["branch", branch] == head

    @precondition(lambda self: any(model.there for model in self.models.values()))
    @rule(name=NAMES, branch=st.sampled_from(BRANCHES))
    def pull_elsewhere(self, name: str, branch: str) -> None:
        model = self.models[name]
        there = model.there.get(branch)
        if there is None:
            return
        assert self.other.data.pull(name, source=self.url, branch=branch).commit == there
        model.pulled[branch] = there
        assert self._read(self.other, name, there) == model.content(there)

    # --- looking

    @rule(pick=ANY)
    def check_out(self, pick: int) -> None:
        commit = self._pick("files", pick)
        folder = self.ws.folder.parent / "files"
        folder.mkdir(exist_ok=True)
        self.ws.data.checkout(str(folder), commit, force=True)
        found = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
        assert found == self.models["files"].content(commit)
        assert self.ws.data.status(str(folder)).clean

    @rule(name=NAMES, pick=ANY)
    def look(self, name: str, pick: int) -> None:
        commit = self._pick(name, pick)
        assert self._read(self.ws, name, commit) == self.models[name].content(commit)

    def teardown(self) -> None:
        try:
            if self.models["files"].versions:
                self._check_all()
        finally:
            self.ws.close()
            self.other.close()
            shutil.rmtree(self.place)

    def _check_all(self) -> None:
        for name, model in self.models.items():
            refs = self.ws.data.refs(name)
            assert {each.name: each.commit for each in refs if each.kind == "branch"} == model.branches
            assert {each.name: each.commit for each in refs if each.kind == "tag"} == model.tags
            for branch, head in model.branches.items():
                found = self.ws.call("data.lineage", ref=f"{name}@{branch}")
                assert {each.id for each in found} == model.before(head)
            for commit in self._kept(name):
                assert self._read(self.ws, name, commit) == model.content(commit)
            for head in model.pulled.values():
                for commit in model.before(head):
                    assert self._read(self.other, name, commit) == model.content(commit)
        for ws in (self.ws, self.other):
            checked = ws.data.fsck(full=True)
            assert checked.faults == [], checked.lines()

    def _kept(self, name: str) -> list[str]:
        """What may be asked for: what is named, where a branch was lately, and all before these; in order."""
        model = self.models[name]
        kept = model.named() | model.before(*model.moved)
        return [each for each in model.versions if each in kept]

    def _pick(self, name: str, pick: int) -> str:
        kept = self._kept(name)
        return kept[pick % len(kept)]

    def _read(self, ws: Workspace, name: str, commit: str) -> Content:
        if name == "rows":
            found = versions.load(ws, f"rows@{commit}")
            assert found["id"].n_unique() == found.height
            return dict(zip(found["id"], found["x"], strict=True))
        repo = repository(ws)
        tree = versions.resolve(ws, f"files@{commit}").tree
        return {each.path: repo.read(each.digest) for each in trees.entries(tree, repo.node)}


def _large(number: int) -> bytes:
    """A file of more than one chunk; two of them have most in common."""
    return LARGE[: number * 20_000] + bytes([number]) + LARGE[number * 20_000 :] * 4


def _frame(content: Content) -> pl.DataFrame:
    return pl.DataFrame({"id": list(content), "x": list(content.values())})


Versions.TestCase.settings = settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.generate),  # a failure is told at once: shrinking would take minutes
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestVersions = Versions.TestCase
