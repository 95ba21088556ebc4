"""What is done in working copies: add, status, commit, checkout, restore, rm, and git's hooks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fettle.acts import Surface, errand

if TYPE_CHECKING:
    from fettle.data.copies.arrive import Arrived
    from fettle.data.copies.commit import Committed
    from fettle.data.copies.git import GitHooks
    from fettle.data.copies.restore import Restorations
    from fettle.data.copies.stage import Additions
    from fettle.data.copies.status import Status


@errand("data.add")
def add(ws: Surface, paths: list[str], *, dataset: str | None = None, branch: str | None = None) -> Additions:
    """Store and stage what is new or changed in folders and files.

    The first time, a folder or file is linked to a dataset. What `.fettleignore` names (the words of `.gitignore`) is
    left out. Files that did not change are not read again.

    Args:
        paths: Folders and files.
        dataset: The dataset a folder is linked to the first time; named as the folder otherwise.
        branch: Where its commits go; `main` at first.
    """
    from fettle.data.copies.add import add as done

    return done(ws, _texts(paths), dataset=dataset, branch=branch)


@errand("data.status", reads=True)
def status(ws: Surface, path: str | None = None, *, check: bool = False, remote: bool = False) -> Status:
    """Show what changed in working copies since the version they were made from.

    Looks at the disk only, not at the database: whether the branch has moved on is asked with `--remote`.

    Args:
        path: A working copy, a path in one, or a dataset's name; all of them otherwise.
        check: End with exit code 5 if anything changed.
        remote: Ask also whether the branch has moved on.
    """
    from fettle.data.copies.status import status_of

    found = status_of(os.fspath(ws.folder), None if path is None else os.fspath(path), check=check, ws=ws)
    if remote:
        from fettle.data.versions import head_of

        for each in found.copies:
            head = head_of(ws, each.dataset, each.branch)
            each.head = head.id if head else ""
    return found


@errand("data.commit")
def commit(
    ws: Surface, target: str | None = None, *, message: str = "", metadata: dict[str, str] | None = None
) -> Committed:
    """Make a version of what is staged, and write the pointer file for git.

    Where the branch went on meanwhile and touched other files, both are merged; where it touched the same files,
    nothing is committed and they are named.

    Args:
        target: The working copy or its dataset; that of the current folder, or the only one, otherwise.
        message: Why, in your words.
        metadata: Whatever else is to be known of the version.
    """
    from fettle.data.copies.commit import commit as done

    return done(ws, None if target is None else os.fspath(target), message=message, metadata=metadata)


@errand("data.checkout")
def checkout(
    ws: Surface,
    target: str | None = None,
    ref: str | None = None,
    *,
    path: list[str] | None = None,
    force: bool = False,
    link: bool | None = None,
) -> Arrived:
    """Bring a version into a folder; only files that differ are touched.

    Changes that are not committed are never overwritten without `--force`. An interrupted checkout goes on when it is
    run again. Without a target, all folders that have a pointer file (`*.data.toml`) here or below are brought to the
    version it names.

    Args:
        target: A folder, a file, its pointer file, or a dataset's name.
        ref: A branch, tag or commit; what the pointer file says, or the newest, otherwise.
        path: Only files that match one of these globs, such as `images/**`; `.` means all again.
        force: Overwrite changes that are not committed.
        link: Link files, read-only, from a cache instead of copying them; as before otherwise.
    """
    from fettle.data.copies.arrive import checkout as done

    name = None if target is None else os.fspath(target)
    made = done(ws, name, ref, globs=path or (), force=force, link=link)
    if link:
        from fettle.data import linked

        linked.bound(ws)
    return made


@errand("data.restore")
def restore(ws: Surface, paths: list[str], *, committed: bool = False) -> Restorations:
    """Put files back as they were staged, or with `--committed` as they were committed.

    Args:
        paths: Files and folders of working copies.
        committed: Take back what is staged too; files that were never committed stay where they are, unstaged.
    """
    from fettle.data.copies.several import restore as done

    return done(ws, _texts(paths), committed=committed)


@errand("data.rm")
def rm(ws: Surface, paths: list[str], *, cached: bool = False, force: bool = False) -> Restorations:
    """Take files out of working copies: from the disk, and from the next commit on from the dataset.

    A whole working copy is unlinked by `--cached`: its files, the dataset and its versions stay as they are.

    Args:
        paths: Files and folders of working copies; with `--cached` also whole working copies.
        cached: Leave the files on the disk.
        force: Delete files also if they were changed since they were staged; forget what is staged and nowhere else.
    """
    from fettle.data.unlink import remove as done

    return done(ws, _texts(paths), cached=cached, force=force)


@errand("data.hooks_install")
def hooks_install(ws: Surface, folder: str = ".") -> GitHooks:
    """Have git bring the data along: after a checkout or merge, before a commit, before a push.

    Args:
        folder: A folder in the git repository.
    """
    from fettle.data.copies.git import install_hooks

    return install_hooks(os.fspath(folder))


def _texts(paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str]) -> list[str]:
    """Paths as texts; a single one counts as a list of one."""
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    return [os.fspath(each) for each in paths]
