"""Which working copies there are, and which one a path belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.data.copies import state as states
from fettle.data.copies.state import State
from fettle.data.engine.walk import shown


class Copy:
    """A working copy.

    Args:
        home: The workspace's folder on this machine.
        state: What it is a copy of.

    Attributes:
        folder: Where is kept what is known of it.
        root: The user's folder, absolute.
    """

    def __init__(self, home: str, state: State) -> None:
        self.home = home
        self.state = state
        self.folder = os.path.join(copies_folder(home), identity(state.root, state.only))
        self.root = os.path.normpath(os.path.join(os.path.dirname(home), state.root))

    @property
    def index_file(self) -> str:
        return os.path.join(self.folder, "index")

    @property
    def name(self) -> str:
        """The folder or file, absolute."""
        return os.path.join(self.root, self.state.only) if self.state.only else self.root

    @property
    def top(self) -> str:
        """The project's folder."""
        return os.path.dirname(self.home)

    def read(self) -> None:
        """Look again what is written down."""
        self.state = states.read(os.path.join(self.folder, "state")) or self.state

    def write(self, state: State) -> None:
        """Write down, durably."""
        from pathlib import Path

        from fettle.storage.disks import write_atomically

        write_atomically(Path(self.folder) / "state", [states.encode(state)])
        self.state = state

    def exists(self) -> bool:
        """Whether it was ever written down."""
        return os.path.exists(os.path.join(self.folder, "state"))

    def inner(self, path: str) -> str:
        """An absolute path relative to the root; empty for the root itself.

        Raises:
            Invalid: It is not in this copy.
        """
        if path in (self.root, self.name):
            return self.state.only
        if self.state.only or not path.startswith(self.root.rstrip("/") + "/"):
            raise Invalid(f"{shown(path)} is not in the working copy {shown(self.name)}.")
        return path[len(self.root.rstrip("/")) + 1 :]


def copies_folder(home: str) -> str:
    """Where a workspace's folder keeps what is known of copies."""
    return os.path.join(home, "data", "copies")


def identity(root: str, only: str) -> str:
    """The name of a copy's folder: the same for the same place."""
    from blake3 import blake3

    return blake3(os.fsencode(f"{root}\0{only}")).hexdigest()[:24]


def all_copies(home: str) -> Iterator[Copy]:
    """The working copies of a workspace on this machine, by path."""
    try:
        names = os.listdir(copies_folder(home))
    except FileNotFoundError:
        return
    found = [states.read(os.path.join(copies_folder(home), name, "state")) for name in names]
    yield from sorted((Copy(home, each) for each in found if each), key=lambda each: os.fsencode(each.name))


def whole_path(path: str) -> str:
    """A path as the disk knows it: absolute, links in its folders followed, a link at its end not."""
    clean = os.path.abspath(path)
    return os.path.join(os.path.realpath(os.path.dirname(clean)), os.path.basename(clean))


def copy_of(home: str, path: str) -> Copy | None:
    """The working copy that a path is, or lies in; None if there is none."""
    whole = whole_path(path)
    real = os.path.realpath(path)
    for each in all_copies(home):
        if each.name in (whole, real):
            return each
        if not each.state.only and whole.startswith(each.root.rstrip("/") + "/"):
            return each
    return None


def chosen_copy(home: str, path: str | None) -> Copy:
    """The working copy meant by a path or a dataset's name; without one, that of the current folder or the only one.

    Raises:
        NotFound: There is none, or nothing says which.
    """
    known = list(all_copies(home))
    found = copy_of(home, path or os.curdir)
    if found is None and path is not None:
        named = [each for each in known if each.state.dataset == path]
        found = named[0] if len(named) == 1 else None
    if found is None and path is None and len(known) == 1:
        found = known[0]
    if found is not None:
        return found
    names = [_relative(each.name) for each in known]
    if path is None:
        raise NotFound(
            "It is not clear which working copy is meant.",
            found=f"{len(names)} known: {', '.join(names)}"
            if names
            else "no folder is linked to a dataset yet",
            hint="Name one, or link a folder with `fettle data add FOLDER`.",
        )
    raise NotFound.among(
        "working copy",
        shown(path),
        names,
        hint="Link it with `fettle data add`, or get it with `fettle data checkout`.",
    )


def new_copy(home: str, path: str, dataset: str | None, branch: str) -> Copy:
    """A working copy for a folder or file that has none; nothing is written down yet.

    Raises:
        NotFound: There is neither folder nor file.
        Invalid: It holds the workspace, or is in it, or the name cannot be a dataset's.
        Conflict: It holds another working copy, or lies in one.
    """
    from fettle.core import ids

    whole = os.path.realpath(path) if os.path.isdir(path) else whole_path(path)
    folder = os.path.isdir(whole)
    if not folder and not os.path.isfile(whole):
        raise NotFound(f"There is no folder or file {shown(path)}.", subject=f"file:{shown(path)}")
    _check_apart(home, whole, folder)
    name = dataset if dataset is not None else ids.slug(shown(os.path.basename(whole)).removesuffix(".data"))
    ids.check_name("dataset", name)
    return make_copy(home, whole, name, branch, file=not folder)


def make_copy(home: str, whole: str, dataset: str, branch: str, *, file: bool) -> Copy:
    """A working copy at an absolute path."""
    root, only = os.path.split(whole) if file else (whole, "")
    top = os.path.dirname(home)
    inside = root == top or root.startswith(top.rstrip("/") + "/")
    place = os.path.relpath(root, top) if inside else root
    state = State(root=place, only=only, dataset=dataset, branch=branch, uid=os.urandom(8).hex())
    copy = Copy(home, state)
    copy.read()
    return copy


def _check_apart(home: str, whole: str, folder: bool) -> None:
    if whole == home or whole.startswith(home + "/"):
        raise Invalid(f"{shown(whole)} belongs to the workspace, so it cannot be data.", found=home)
    if folder and home.startswith(whole.rstrip("/") + "/"):
        raise Invalid(
            f"{shown(whole)} holds the workspace itself, so it cannot be data.",
            found=home,
            hint="Add the folders in it that hold data, or the files one by one.",
        )
    for each in all_copies(home):
        if folder and each.name.startswith(whole.rstrip("/") + "/"):
            raise Conflict(
                f"{shown(whole)} holds a working copy already.",
                found=f"{_relative(each.name)} is a copy of {each.state.dataset!r}",
                hint="Add the other folders in it one by one.",
            )


def _relative(path: str) -> str:
    near = os.path.relpath(path)
    return shown(path if near.startswith("..") else near)
