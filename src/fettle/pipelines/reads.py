"""Which files a step reads, and whether they are still the same.

A hook that Python calls whenever it opens a file, lists a folder, opens an SQLite database or starts a process notes
what the running step looks at, with the content at that moment. Readers in native code (Arrow, DuckDB, polars) do not
pass that way; so files that an argument or a text constant names are noted too.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import re
import stat
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from fettle.core import ids
from fettle.pipelines.records import Read

Kind = Literal["file", "folder", "tree"]

_OPENING = frozenset({"open", "sqlite3.connect", "os.listdir", "os.scandir", "subprocess.Popen"})
_IMPORTING = ("<frozen importlib", "<frozen zipimport")
_SHOWING_SOURCE = ("linecache.py", "tokenize.py")
_MOST_FILES = 10_000
_SETTLED_NS = 2_000_000_000
_SUFFIX = re.compile(r"[^\s*?{}]+\.[A-Za-z0-9]{1,8}")
_SYSTEM = tuple(
    {
        os.path.realpath(path) + os.sep
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "purelib", "platlib")
    }
    | {"/proc/", "/sys/", "/dev/", "/etc/"}
)

_active: list[Recorder] = []
_inside = threading.local()


def private_folders(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    """Folders in the form that a recorder compares with."""
    return tuple(os.path.realpath(each) + os.sep for each in paths)


class Recorder:
    """Notes what is read while its `with` block runs, in this thread and in threads that are begun meanwhile.

    Args:
        private: Folders that are nobody's input, such as the workspace's own; from `private_folders`.
    """

    def __init__(self, private: tuple[str, ...] = ()) -> None:
        self._private = private
        self._reads: dict[tuple[str, Kind], str] = {}
        self._opened: set[str] = set()
        self._written: set[str] = set()
        self._others: set[int | None] = set()

    def __enter__(self) -> Recorder:
        _install()
        own = threading.get_ident()
        self._others = {each.ident for each in threading.enumerate() if each.ident != own}
        _active.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _active.remove(self)

    def watches(self, thread: int) -> bool:
        return thread not in self._others

    def mention(self, names: Iterable[str], patterns: Iterable[str] = ()) -> None:
        """Note files and folders that texts name; called before the step runs."""
        matching = [each for pattern in patterns for each in glob.glob(pattern, recursive=True)]
        with _unheard():
            for name in {*names, *matching}:
                kind = _named(name)
                if kind is not None:
                    self.note(name, kind)

    def note(self, path: str, kind: Kind) -> None:
        real = os.path.realpath(path)
        if real in self._written or real.startswith(_SYSTEM) or f"{real}{os.sep}".startswith(self._private):
            return
        if (real, kind) not in self._reads and not _is_special(real):
            self._reads[real, kind] = digest_at(real, kind)

    def opened(self, path: str) -> None:
        """Note a file that is opened to be read."""
        self.note(path, "file")
        self._opened.add(os.path.realpath(path))

    def wrote(self, path: str) -> None:
        """What a step writes is its product: neither it nor later reads of it are input."""
        self._written.add(os.path.realpath(path))

    def reads(self) -> list[Read]:
        """What was read, without what the step itself made or changed."""
        with _unheard():
            return [
                Read(_short(path), kind, digest)
                for (path, kind), digest in sorted(self._reads.items())
                if not self._made(path, kind, digest)
            ]

    def _made(self, path: str, kind: Kind, digest: str) -> bool:
        """Whether this is the step's product: it was not there before, or a native writer changed it."""
        after = digest_at(path, kind)
        return after != digest and (not digest or path not in self._opened)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """What fettle itself looks at is not what the step looks at."""
    before = getattr(_inside, "hook", False)
    _inside.hook = True
    try:
        yield
    finally:
        _inside.hook = before


def unchanged(reads: Iterable[Read]) -> bool:
    """Whether everything that was read is there as it was."""
    return all(digest_at(each.path, each.kind) == each.digest for each in reads)


def digest_at(path: str, kind: str) -> str:
    """The digest of a file's content, of a folder's names, or of a tree's names and contents; empty for nothing."""
    try:
        if kind == "file":
            return _file_digest(path)
        if kind == "folder":
            return ids.digest_of(sorted(os.listdir(path)))
        return ids.digest_of([[os.path.relpath(each, path), _file_digest(each)] for each in _tree(path)])
    except OSError:
        return ""


def _file_digest(path: str) -> str:
    found = os.stat(path)
    if not found.st_size:
        return ids.digest(b"")
    if time.time_ns() - found.st_mtime_ns < _SETTLED_NS:
        return ids.digest_file(path)  # a file system's clock is coarse: it may change again and look the same
    return _digest_of_state(path, found.st_size, found.st_mtime_ns, found.st_ino)


@functools.lru_cache(maxsize=4096)
def _digest_of_state(path: str, size_bytes: int, mtime_ns: int, inode: int) -> str:
    return ids.digest_file(path)


def _tree(path: str) -> Iterator[str]:
    """Its files in order, without what tools keep for themselves: `.git`, `.venv`, the workspace's own `.fettle`."""
    count = 0
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith((".", "__pycache__")))
        for name in sorted(files):
            count += 1
            if count > _MOST_FILES:
                return
            yield os.path.join(folder, name)


def _named(name: str) -> Literal["file", "tree"] | None:
    """What a text names, if it looks like the name of a file or folder and there is one."""
    if not 0 < len(name) < 1024 or "\n" in name or "\0" in name or not ("." in name or os.sep in name):
        return None
    with contextlib.suppress(OSError, ValueError):
        if os.path.isdir(name):
            parent_or_root = os.path.realpath(name) in (os.path.realpath("."), os.path.realpath(".."), os.sep)
            return None if parent_or_root else "tree"
        if os.path.isfile(name) or (
            _SUFFIX.fullmatch(name) and os.path.isdir(os.path.dirname(name) or os.curdir)
        ):
            return "file"
    return None


def _is_special(path: str) -> bool:
    """Devices, pipes and sockets have no content to compare."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _short(path: str) -> str:
    """Relative below the working directory, so that a project that is moved keeps its results."""
    here = os.path.realpath(os.curdir) + os.sep
    return path.removeprefix(here)


@functools.cache
def _install() -> None:
    """Once in a process: Python never lets go of an audit hook."""
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _active or event not in _OPENING or getattr(_inside, "hook", False):
        return
    thread = threading.get_ident()
    watching = [each for each in _active if each.watches(thread)]
    caller = sys._getframe(1).f_code.co_filename
    if not watching or caller.startswith(_IMPORTING) or caller.endswith(_SHOWING_SOURCE):
        return
    with _unheard(), contextlib.suppress(OSError, ValueError):  # opening it will fail just so, in the step
        _tell(watching, event, args)


def _tell(watching: list[Recorder], event: str, args: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        words = args[1] if isinstance(args[1], list | tuple) else [args[1]]
        for each in watching:
            each.mention(os.fspath(word) for word in words if isinstance(word, str | os.PathLike))
        return
    path = args[0] if args[0] is not None else "."
    if isinstance(path, int):
        return
    name = os.fsdecode(path)
    if name == ":memory:" or (event == "open" and _special_open(name)):
        return
    writes = event == "open" and _writes(args[1], args[2])
    for each in watching:
        if writes:
            each.wrote(name)
        elif event == "open":
            each.opened(name)
        else:
            each.note(name, "file" if event == "sqlite3.connect" else "folder")


def _special_open(name: str) -> bool:
    return name.startswith(("file:", "<"))


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
        return True
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")
