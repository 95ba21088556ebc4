"""Import what a DVC repository tracks: its working tree, a revision, or its whole history."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fettle.core import progress
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.imports import dvc_files, dvc_history
from fettle.data.imports.dvc_config import Config, read_config
from fettle.data.imports.dvc_content import Content, Missing
from fettle.data.imports.dvc_files import Out
from fettle.data.imports.dvc_history import Revision
from fettle.data.imports.dvc_names import names_of, place_of
from fettle.data.imports.dvc_states import DvcOrder, State, end_of, states_of
from fettle.data.imports.folder import Imported, Imports, memory_path
from fettle.data.imports.folder_commit import TREE, Order, commit_import, imports_of
from fettle.data.imports.folder_memory import Memory
from fettle.data.imports.folder_take import Copying, Referring, Taker
from fettle.data.records.versions import Commit, Source
from fettle.data.repositories import repository

if TYPE_CHECKING:
    from fettle.acts import Surface
    from fettle.data.engine.writer import Writer

REV, OUTS = "dvc.rev", "dvc.outs"
_MOST_NAMED = 20


class Version(NamedTuple):
    """A version to be made: of which dataset, from which state and outputs, and its tree."""

    dataset: str
    revision: Revision | None
    outs: dict[str, Out]
    tree: str


def import_dvc(ws: Surface, path: Path, order: Order, wanted: DvcOrder) -> Imports:
    """Import the outputs of a DVC repository, each as a dataset, or all as one.

    Content is looked for in the cache, in the working tree (if that is what is imported) and in the remote, and held to
    its md5. Nothing is committed unless all of it was found; of a history, revisions of which something is missing can
    be left out. What an earlier import brought is not read again.

    Args:
        ws: The workspace.
        path: The repository, or a path, `.dvc` or `dvc.lock` file in it, to import only that.
        order: What is wanted.
        wanted: Which states of it.

    Raises:
        NotFound: There is no DVC repository or no such output; or content is missing, and which.
        Invalid: A file of DVC's is broken; or git knows no such revision.
        Conflict: The branch changed the same files since the last import, or has newer revisions.
    """
    root = dvc_files.repository_above(path)
    if root is None:
        raise NotFound(
            f"There is no DVC repository at {path}.",
            found="no folder .dvc there or above",
            hint="Check the path.",
        )
    inner = path.absolute().relative_to(root).as_posix()
    config = read_config(root, wanted.remote)
    states, notes = states_of(root, inner, wanted)
    return _Import(ws, root, config, order, wanted).run(states, notes)


class _Import:
    def __init__(self, ws: Surface, root: Path, config: Config, order: Order, wanted: DvcOrder) -> None:
        self._ws, self._root, self._config, self._order, self._wanted = ws, root, config, order, wanted
        self._notes: list[str] = []
        self._datasets: list[str] = []
        self._read: Counter[str] = Counter()

    def run(self, states: list[State], notes: list[str]) -> Imports:
        repo = repository(self._ws)
        self._notes = list(dict.fromkeys(notes))
        plan = self._plan(states)
        memory = Memory(memory_path(self._ws, "md5"))
        with repo.writer(hold=f"data import {self._root}") as writer:
            taker: Taker = Referring(repo, writer) if self._order.by_reference else Copying(writer)
            copying = isinstance(taker, Copying)
            work = None if self._wanted.rev or self._wanted.all_revisions else self._root
            content = Content(
                work, self._config, taker, memory, taker.has if copying else lambda ref: repo.has(ref.digest)
            )
            made = self._trees(plan, content, writer)
            taker.finish()
            memory.save()
            done = self._commit(made, writer)
        return Imports(str(self._root), self._order.how, done, self._notes)

    # --- what is to be made

    def _plan(self, states: list[State]) -> list[Version]:
        """The versions that are to be made, oldest first; their trees are still to be made."""
        named = names_of((each.outs.values() for each in states), self._order.dataset)
        self._datasets = sorted(set(named.values()))
        plan: list[Version] = []
        before: dict[str, dict[str, str]] = {}
        for state in states:
            groups: dict[str, dict[str, Out]] = {}
            for out in state.outs.values():
                groups.setdefault(named[out.path], {})[out.path] = out
            for dataset, outs in sorted(groups.items()):
                told = {path: each.key for path, each in outs.items()}
                if before.get(dataset) != told:
                    plan.append(Version(dataset, state.revision, outs, ""))
                before[dataset] = told
        if self._wanted.history:
            order = {state.revision.id: at for at, state in enumerate(states) if state.revision}
            plan = [each for name in self._datasets for each in self._newer(name, plan, order)]
        return plan

    def _newer(self, dataset: str, plan: list[Version], order: dict[str, int]) -> list[Version]:
        """The versions of a dataset that come after what is imported already."""
        known = self._known_revisions(dataset)
        last = max((order[each] for each in known if each in order), default=-1)
        mine = [(each, each.revision.id) for each in plan if each.dataset == dataset and each.revision]
        older = sum(order[rev] <= last and rev not in known for _, rev in mine)
        if older:
            self._notes.append(f"{dataset}: {older} revision(s) before the last imported one left out")
        return [each for each, rev in mine if order[rev] > last]

    def _known_revisions(self, dataset: str) -> set[str]:
        """What is imported already; of the last import, which may be of a working tree, also what it stood upon."""
        revs = [each.metadata[REV] for each in self._imported(dataset) if REV in each.metadata]
        try:
            return {*revs, *(dvc_history.at_or_before(self._root, rev) for rev in revs[:1])}
        except Invalid:  # git does not have that commit any more
            return set(revs)

    def _imported(self, dataset: str) -> list[Commit]:
        head = versions.head_of(self._ws, dataset, self._order.branch)
        return list(imports_of(self._ws, head, self._source())) if head else []

    def _source(self) -> Source:
        return Source(str(self._root), "dvc")

    # --- content

    def _trees(self, plan: list[Version], content: Content, writer: Writer) -> list[Version]:
        made: list[Version] = []
        left_out = 0
        with progress.phase("Importing", total=len(plan), unit="versions") as step:
            for each in plan:
                before, read = len(content.missing), content.read
                tree = self._tree(each, content, writer)
                self._read[each.dataset] += content.read - read
                if len(content.missing) == before:
                    made.append(each._replace(tree=tree))
                else:
                    left_out += 1
                    if self._wanted.skip_missing:
                        content.missing.clear()
                step()
        if content.missing:
            raise _missing(list(content.missing.values()), self._config, history=self._wanted.history)
        if left_out:
            self._notes.append(f"{left_out} version(s) left out, as content of them is missing")
        return made

    def _tree(self, version: Version, content: Content, writer: Writer) -> str:
        entries: list[trees.Entry] = []
        whole = self._order.dataset is not None
        total = sum(len(content.items(each) or ()) for each in version.outs.values())
        with progress.phase(f"Reading {version.dataset}", total=total, unit="files") as step:
            for out in version.outs.values():
                for item in content.items(out) or ():
                    ref = content.take(out, item)
                    step()
                    if ref is not None:
                        place = place_of(out, item.path, whole=whole)
                        entries.append(trees.Entry(place, ref.digest, ref.size_bytes, item.mode))
        entries.sort(key=lambda each: trees.path_bytes(each.path))
        return trees.build(entries, writer.put_node)

    # --- commits

    def _commit(self, made: list[Version], writer: Writer) -> list[Imported]:
        heads: dict[str, tuple[Commit, int]] = {}
        for each in made:
            commit, new = commit_import(
                self._ws,
                writer,
                each.dataset,
                each.tree,
                self._order_of(each),
                self._source(),
                _about(each, self._order.how),
            )
            heads[each.dataset] = commit, heads.get(each.dataset, (commit, 0))[1] + new
        if self._wanted.history:
            for dataset in self._datasets:
                self._tag(dataset)
        if not heads:
            self._notes.insert(0, "nothing new")
        return [
            Imported(name, commit.id, commit.files, commit.size_bytes, self._read[name], new)
            for name, (commit, new) in heads.items()
        ]

    def _order_of(self, version: Version) -> Order:
        message = self._order.message
        if not message and self._wanted.history and version.revision is not None:
            message = version.revision.message
        return msgspec.structs.replace(self._order, message=message)

    def _tag(self, dataset: str) -> None:
        """Give the tags of git to the versions that were made of what they name."""
        if versions.head_of(self._ws, dataset, self._order.branch) is None:
            return
        imported = {each.metadata[REV]: each.id for each in self._imported(dataset) if REV in each.metadata}
        known = {each.name for each in self._ws.call("data.refs", dataset=dataset)}
        order = [each.id for each in dvc_history.revisions(self._root, end_of(self._wanted.rev))]
        for name, commit in dvc_history.tags(self._root).items():
            at = dvc_history.at_or_before(self._root, commit)
            place = order.index(at) if at in order else -1
            version = next((imported[rev] for rev in reversed(order[: place + 1]) if rev in imported), None)
            if version is None or name in known:
                continue
            try:
                self._ws.call("data.tag", dataset=dataset, name=name, at=version)
            except (Invalid, Conflict, Denied) as error:
                self._notes.append(f"{dataset}: the tag {name!r} was not taken over: {error.message}")


def _about(version: Version, how: str) -> dict[str, str]:
    """What a version's metadata tell of its origin."""
    outs = {path: each.key for path, each in version.outs.items()}
    about = {TREE: version.tree, "import.how": how, OUTS: json.dumps(outs, sort_keys=True)}
    if version.revision is not None:
        about |= {
            REV: version.revision.id,
            "dvc.author": version.revision.author,
            "dvc.at": version.revision.at,
        }
    return about


def _missing(missing: Sequence[Missing], config: Config, *, history: bool) -> NotFound:
    shown = [
        f"{each.path} (md5 {each.md5[:12]}…{f'; {each.found}' if each.found else ''})"
        for each in missing[:_MOST_NAMED]
    ]
    more = f"; and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    remote = config.remote
    which = f" -r {remote.name}" if remote else ""
    fetch = f"dvc fetch{which}{' --all-commits' if history else ''}"
    hint = f"Have DVC bring it into its cache, then import again: {fetch}"
    if remote is not None and not remote.base:
        hint = f"The remote {remote.name!r} ({remote.kind}) cannot be read from here. {hint}"
    if history:
        hint += "; or leave those revisions out: --skip-missing"
    return NotFound(
        f"The content of {len(missing)} file(s) of the DVC repository is missing; nothing was imported.",
        found="; ".join(shown) + more,
        hint=hint,
    )
