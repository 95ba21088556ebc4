"""Which version is meant to come into which folder: by a path, a pointer file, or a dataset's name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from fettle.core import ids
from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.data import hooks, versions
from fettle.data.copies import git, pointers
from fettle.data.copies.checkout import CheckedOut, Target, check_out
from fettle.data.copies.locking import locked
from fettle.data.copies.places import Copy, all_copies, copy_of, make_copy, whole_path
from fettle.data.copies.pointers import Pointer
from fettle.data.engine.walk import shown
from fettle.data.records.versions import Commit
from fettle.data.repositories import repository, stored_commit

if TYPE_CHECKING:
    from fettle.acts import Surface

_ALL = (".", "**")


class Arrived(msgspec.Struct, frozen=True):
    """Several checkouts, one after another."""

    copies: list[CheckedOut]

    def lines(self) -> list[str]:
        """For a person."""
        return [line for each in self.copies for line in each.lines()] or [
            "no pointer files here: nothing to check out"
        ]


def checkout(
    ws: Surface,
    target: str | None = None,
    ref: str | None = None,
    *,
    globs: Sequence[str] = (),
    force: bool = False,
    link: bool | None = None,
) -> Arrived:
    """Bring versions into folders.

    Args:
        ws: The workspace.
        target: A folder, a file, its pointer, or a dataset's name; None: all that have a pointer here or below.
        ref: A branch, tag or commit; None: what the pointer says, without one the branch's newest version.
        globs: Which part of it; empty: what lies there now, at first all; `.` means all.
        force: Overwrite changes that are nowhere else.
        link: Link files from a cache instead of copying; None: as before.

    Raises:
        NotFound: There is no such place, dataset or version.
        Conflict: Changes of the user's own would be lost.
    """
    if target is None:
        if ref is not None:
            raise Invalid("A version was named, but no folder.", hint="fettle data checkout FOLDER VERSION")
        places = [(name, pointers.read(name)) for name in pointers.below(os.path.realpath(os.curdir))]
        known = {each for each, _ in places}
        here = os.path.realpath(os.curdir)
        places += [
            (each.name, None)
            for each in all_copies(os.fspath(ws.folder))
            if each.name not in known
            and each.state.base
            and (each.name == here or here.startswith(each.name + "/"))
        ]
    else:
        places = [_place(ws, target)]
    done = [_arrived(ws, name, pointer, ref, tuple(globs), force, link) for name, pointer in places]
    return Arrived(done)


def _place(ws: Surface, target: str) -> tuple[str, Pointer | None]:
    """The absolute path that is meant, and what its pointer says."""
    home = os.fspath(ws.folder)
    name = whole_path(target.removesuffix(pointers.SUFFIX) if target.endswith(pointers.SUFFIX) else target)
    copy = copy_of(home, name)
    if copy is not None:
        return copy.name, pointers.read(copy.name)
    pointer = pointers.read(name)
    if pointer is not None or os.path.isdir(name):
        return (os.path.realpath(name) if os.path.isdir(name) else name), pointer
    named = [each for each in all_copies(home) if each.state.dataset == target]
    if len(named) == 1:
        return named[0].name, pointers.read(named[0].name)
    if len(named) > 1:
        raise Invalid(
            f"{target!r} lies in several folders.",
            found=", ".join(shown(each.name) for each in named),
            hint="Name the folder.",
        )
    return name, None


def _arrived(
    ws: Surface,
    name: str,
    pointer: Pointer | None,
    ref: str | None,
    globs: tuple[str, ...],
    force: bool,
    link: bool | None,
) -> CheckedOut:
    home = os.fspath(ws.folder)
    copy = copy_of(home, name)
    new = copy is None
    if copy is None:
        dataset = pointer.dataset if pointer else os.path.basename(name)
        ids.check_name("dataset", dataset)
        branch = pointer.branch if pointer else "main"
        copy = make_copy(home, name, dataset, branch, file=pointer is not None and pointer.kind == "file")
    elif copy.name != name:
        raise Invalid(
            f"{shown(name)} lies in the working copy {shown(copy.name)}.",
            hint="Check that out as a whole, or a part of it with --path; single files come back with `restore`.",
        )
    made, branch = _version(ws, copy, pointer, ref)
    fields = {"branch": branch, "commit": made.id, "target": shown(name)}
    hooks.run(ws, "before-checkout", copy.state.dataset, **fields)
    with locked(copy):
        state = copy.state
        kept = state.globs or tuple(pointer.paths if pointer and new else ())
        chosen = () if set(globs) & set(_ALL) else globs or kept
        linked = bool(state.linked) if link is None else link
        wanted = Target(made.id, made.tree, branch, chosen, linked)
        done = check_out(repository(ws), copy, wanted, force=force)
        pointers.write(copy, made.files, made.size_bytes)
        note = git.keep_out(copy) if new else ""
    hooks.run(ws, "after-checkout", copy.state.dataset, **fields)
    return msgspec.structs.replace(done, notes=[note]) if note else done


def _version(ws: Surface, copy: Copy, pointer: Pointer | None, ref: str | None) -> tuple[Commit, str]:
    """The version that is meant, and the branch on which one goes on from it."""
    dataset, branch = copy.state.dataset, copy.state.branch
    if pointer is not None and pointer.dataset != dataset:
        raise Invalid(
            f"The pointer beside {shown(copy.name)} speaks of {pointer.dataset!r}.",
            found=f"the folder is a working copy of {dataset!r}",
            hint="Move the folder away, then check out again.",
        )
    if ref is not None:
        ref = ref.removeprefix(f"{dataset}@")
        made = versions.resolve(ws, f"{dataset}@{ref}")
        branches = {each.name for each in ws.call("data.refs", dataset=dataset) if each.kind == "branch"}
        return made, ref if ref in branches else branch
    if pointer is not None:
        return _by_id(ws, dataset, pointer.commit), pointer.branch
    return versions.resolve(ws, f"{dataset}@{branch}"), branch


def _by_id(ws: Surface, dataset: str, commit: str) -> Commit:
    """A commit by its whole id: from the store, which needs no database; else by asking."""
    try:
        return stored_commit(repository(ws), commit)
    except (NotFound, Invalid, Unavailable):  # the database knows it too
        try:
            return versions.resolve(ws, f"{dataset}@{commit}")
        except NotFound as error:
            raise NotFound(
                f"The version {dataset}@{commit[:12]} is not in this workspace.",
                found=error.message,
                hint="Get it from where it was pushed: fettle data pull",
                subject=f"dataset:{dataset}",
            ) from error
