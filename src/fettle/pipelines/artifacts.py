"""Values as bytes and back: what a step returns is kept so that a later run, in another process, gets an equal value.

A value becomes a tree of nodes. Leaves are kept by content, in the best form there is for them:

    plain    None, booleans, numbers, text, bytes, lists and dictionaries of these      MessagePack
    typed    records, dataclasses, enumerations, dates and times                         MessagePack + the type's name
    frame    polars data frames and series                                               Arrow IPC
    array    numpy arrays and numbers                                                    .npy
    file     a `Path`: the file's content, put back where it was
    pickle   anything else, last and flagged

Tuples, and containers and records of mixed things, are inner nodes. A pickle is read back by pipelines only, on the
machine of whoever runs them; a server never reads one.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import decimal
import enum
import importlib
import io
import pickle
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from fettle.core import ids
from fettle.core.errors import Invalid

Node = dict[str, Any]
"""`{"leaf": codec, "digest": …, …}` or `{"tuple" | "list" | "set": [nodes]}`, `{"dict": [[key, node], …]}`,
`{"record": type, "fields": [[name, node], …]}`."""

Keep = Callable[[bytes | Path], str]
"""Stores bytes or a file by content and returns the digest."""

Known = Callable[[Any], str | None]
"""The digest of a value that is the unchanged output of an earlier step; None for any other."""

INLINE_BYTES = 4096
"""Leaves up to this size live in the journal row itself."""

_MOST_NODES = 2000
_SCALARS = (type(None), bool, int, float, str, bytes)
_TYPED = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, enum.Enum)
_INT64 = range(-(1 << 63), 1 << 64)


def _forget(content: bytes | Path) -> str:
    return ids.digest(content) if isinstance(content, bytes) else ids.digest_file(content)


def freeze(value: Any, keep: Keep) -> Node:
    """Turn a value into a node, handing large leaves to `keep`.

    Raises:
        Invalid: A part of it can be kept in no form, such as a connection or a generator.
    """
    return _Freezer(keep).node(value)


def digest_of(value: Any, known: Known = lambda _: None) -> str:
    """The digest that `freeze(value)` would have, without keeping anything."""
    return _Freezer(_forget, known).digest(value)


def node_digest(node: Node) -> str:
    """Name a node by its content: leaves by codec, type and bytes, inner nodes by their children."""
    if "known" in node:
        return node["known"]
    if "leaf" in node:
        return ids.digest_of([node["leaf"], node.get("type", ""), node["digest"]])
    for kind in ("tuple", "list", "set"):
        if kind in node:
            return ids.digest_of([kind, *map(node_digest, node[kind])])
    pairs = node["dict"] if "dict" in node else node["fields"]
    return ids.digest_of(["dict", node.get("record", ""), *([key, node_digest(each)] for key, each in pairs)])


def leaves(node: Node) -> Iterator[Node]:
    """All leaves of a node."""
    return (each for each in _inner(node) if "leaf" in each)


class _Freezer:
    def __init__(self, keep: Keep, known: Known = lambda _: None) -> None:
        self._keep = keep
        self._known = known
        self._nodes = 0

    def digest(self, value: Any) -> str:
        return node_digest(self.node(value))

    def node(self, value: Any) -> Node:
        digest = self._known(value)
        if digest is not None:
            return {"known": digest}
        if is_plain(value):
            return self._leaf("plain", msgspec.msgpack.encode(value))
        return self._container(value) or self._single(value)

    def _container(self, value: Any) -> Node | None:
        self._nodes += len(value) if isinstance(value, tuple | list | dict | set | frozenset) else 1
        if self._nodes > _MOST_NODES:
            return None
        if type(value) in (tuple, list):
            return {type(value).__name__: [self.node(each) for each in value]}
        if type(value) is set:
            return {"set": sorted((self.node(each) for each in value), key=node_digest)}
        if type(value) is dict and all(type(key) is str for key in value):
            return {"dict": [[key, self.node(each)] for key, each in value.items()]}
        return None

    def _single(self, value: Any) -> Node:
        kind = type(value)
        package = kind.__module__.partition(".")[0]
        if package == "polars" and kind.__name__ in ("DataFrame", "Series"):
            return self._frame(value)
        if package == "numpy" and kind.__name__ not in ("Generator", "RandomState", "matrix"):
            return self._array(value)
        if isinstance(value, Path):
            return self._path(value)
        if isinstance(value, (*_TYPED, msgspec.Struct)) or dataclasses.is_dataclass(value):
            node = self._typed(value) or self._record(value)
            if node is not None:
                return node
        return self._pickle(value)

    def _leaf(self, codec: str, data: bytes, **extra: Any) -> Node:
        node: Node = {"leaf": codec, "digest": ids.digest(data), "size_bytes": len(data), **extra}
        if len(data) <= INLINE_BYTES:
            return node | {"inline": data}
        self._keep(data)
        return node

    def _frame(self, value: Any) -> Node:
        import polars as pl

        frame = value.to_frame() if isinstance(value, pl.Series) else value
        if any(kind == pl.Object for kind in frame.dtypes):
            return self._pickle(value)
        stream = io.BytesIO()
        frame.rechunk().write_ipc(stream, compression="zstd")
        extra = {"type": "series"} if isinstance(value, pl.Series) else {}
        return self._leaf("frame", stream.getvalue(), **extra)

    def _array(self, value: Any) -> Node:
        import numpy as np

        if type(value) is not np.ndarray and not isinstance(value, np.generic):
            return self._pickle(value)
        if value.dtype.hasobject:
            return self._pickle(value)
        stream = io.BytesIO()
        np.save(stream, value, allow_pickle=False)
        return self._leaf(
            "array", stream.getvalue(), **({"type": "number"} if isinstance(value, np.generic) else {})
        )

    def _path(self, path: Path) -> Node:
        """By content and name, not by folder: a project that is moved keeps its results."""
        if path.is_file():
            size_bytes = path.stat().st_size
            digest = self._keep(path)
            return {
                "leaf": "file",
                "digest": digest,
                "type": path.name,
                "size_bytes": size_bytes,
                "path": str(path),
            }
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file())
            fields = [[each.relative_to(path).as_posix(), self._path(each)] for each in inside]
            return {"record": "folder", "path": str(path), "fields": fields}
        return self._leaf("typed", msgspec.msgpack.encode(str(path)), type="pathlib:Path")

    def _typed(self, value: Any) -> Node | None:
        """By way of plain data, if the way back leads to the same value."""
        kind = type(value)
        name = type_name(kind)
        if name is None:
            return None
        try:
            data = msgspec.msgpack.encode(value)
            back = msgspec.msgpack.decode(data, type=kind)
        except (TypeError, ValueError, OverflowError, NotImplementedError, msgspec.MsgspecError):
            return None
        return self._leaf("typed", data, type=name) if same(value, back) else None

    def _record(self, value: Any) -> Node | None:
        """A record with fields that are no plain data, such as a frame."""
        name = type_name(type(value))
        if name is None or isinstance(value, _TYPED):
            return None
        if isinstance(value, msgspec.Struct):
            names = list(value.__struct_fields__)
        else:
            fields = dataclasses.fields(value)
            names = [each.name for each in fields if each.init]
            if len(names) < len(fields) or hasattr(value, "__post_init__"):
                return None
        return {"record": name, "fields": [[each, self.node(getattr(value, each))] for each in names]}

    def _pickle(self, value: Any) -> Node:
        try:
            data = pickle.dumps(value, protocol=5)
        except (
            pickle.PicklingError,
            TypeError,
            AttributeError,
            NotImplementedError,
            RecursionError,
        ) as error:
            kind = type(value)
            raise Invalid(
                f"A value of type {kind.__module__}.{kind.__qualname__} cannot be kept.",
                found=str(error),
                hint="Return data, records, frames, arrays, paths or things that can be pickled.",
            ) from error
        return self._leaf("pickle", data, type=f"{type(value).__module__}:{type(value).__qualname__}")


def is_plain(value: Any) -> bool:
    """Whether MessagePack gives exactly this value back."""
    kind = type(value)
    if kind is int:
        return value in _INT64
    if kind in _SCALARS:
        return True
    if kind is list:
        return all(map(is_plain, value))
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(is_plain, value.values()))
    return False


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal down to their types; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (one != one and other != other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    if isinstance(one, msgspec.Struct):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, each.name), getattr(other, each.name)) for each in dataclasses.fields(one)
        )
    return bool(one == other)


def type_name(kind: type) -> str | None:
    """`module:Name` if that leads back to the type; None for one made inside a function."""
    found: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return f"{kind.__module__}:{kind.__qualname__}" if found is kind else None


class Thaw:
    """Turn nodes back into values.

    Args:
        get: Bytes by digest.
        fetch: Writes a file's bytes by digest to a path, whole or not at all.
    """

    def __init__(self, get: Callable[[str], bytes], fetch: Callable[[str, Path], None]) -> None:
        self._get = get
        self._fetch = fetch

    def value(self, node: Node) -> Any:
        """The value of a node.

        Raises:
            NotFound: Its bytes are gone from the store.
            Conflict: Its bytes are damaged.
        """
        if "leaf" in node:
            return self._leaf(node)
        if "tuple" in node:
            return tuple(map(self.value, node["tuple"]))
        if "list" in node:
            return list(map(self.value, node["list"]))
        if "set" in node:
            return set(map(self.value, node["set"]))
        if "dict" in node:
            return {key: self.value(each) for key, each in node["dict"]}
        if node["record"] == "folder":
            Path(node["path"]).mkdir(parents=True, exist_ok=True)
            for _, each in node["fields"]:
                self.value(each)
            return Path(node["path"])
        return _type_of(node["record"])(**{key: self.value(each) for key, each in node["fields"]})

    def _leaf(self, node: Node) -> Any:
        codec = node["leaf"]
        if codec == "file":
            return self._file(node)
        inline = node.get("inline")
        data = self._get(node["digest"]) if inline is None else _bytes(inline)
        if codec == "plain":
            return msgspec.msgpack.decode(data)
        if codec == "typed":
            kind = _type_of(node["type"])
            return (
                kind(msgspec.msgpack.decode(data))
                if kind is Path
                else msgspec.msgpack.decode(data, type=kind)
            )
        if codec == "frame":
            import polars as pl

            frame = pl.read_ipc(data)
            return frame.to_series() if node.get("type") == "series" else frame
        if codec == "array":
            import numpy as np

            array = np.load(io.BytesIO(data), allow_pickle=False)
            return array[()] if node.get("type") == "number" else array
        return pickle.loads(data)

    def _file(self, node: Node) -> Path:
        path = Path(node["path"])
        if (
            not path.is_file()
            or path.stat().st_size != node["size_bytes"]
            or ids.digest_file(path) != node["digest"]
        ):
            self._fetch(node["digest"], path)
        return path


def _bytes(inline: bytes | str) -> bytes:
    """Inline bytes come back from JSON as base64."""
    return base64.b64decode(inline) if isinstance(inline, str) else inline


def _type_of(name: str) -> Any:
    module, _, qualname = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def types(node: Node) -> Iterator[type]:
    """The types that a node's value is made of, as far as they are not plain data."""
    names = {"frame": "polars:DataFrame", "array": "numpy:ndarray"}
    for each in _inner(node):
        name = each.get("record") or names.get(each.get("leaf", "")) or each.get("type", "")
        if ":" in name:
            with contextlib.suppress(
                ImportError, AttributeError
            ):  # gone since: reading the value will say so
                found = _type_of(name)
                if isinstance(found, type):
                    yield found


def _inner(node: Node) -> Iterator[Node]:
    """A node and all nodes inside it."""
    yield node
    for kind in ("tuple", "list", "set"):
        for each in node.get(kind, ()):
            yield from _inner(each)
    for _, each in [*node.get("dict", ()), *node.get("fields", ())]:
        yield from _inner(each)


def is_pickled(node: Node) -> bool:
    """Whether any part of it could only be kept as a pickle."""
    return any(each["leaf"] == "pickle" for each in leaves(node))


def size_of(node: Node) -> int:
    """The length of all its leaves."""
    return sum(each["size_bytes"] for each in leaves(node))


def objects(node: Node) -> list[str]:
    """Digests of its leaves that are not inline."""
    return [each["digest"] for each in leaves(node) if each.get("inline") is None]
