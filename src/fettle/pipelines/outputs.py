"""What earlier steps of a run gave, recognised when it is passed on."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fettle.core import ids
from fettle.pipelines import artifacts
from fettle.pipelines.artifacts import Node

T = TypeVar("T")

_COMMON = (type(None), bool)


class Output(Generic[T]):
    """The output of a step that was submitted: pass it to other steps, or take its `value`.

    The value of a reused step is read only when somebody asks for it.

    Attributes:
        seq: The step's place in the run.
        node: Where the value is.
        digest: Names the value.
        reused: Whether the step was spared.
    """

    def __init__(self, seq: int, node: Node, digest: str, reused: bool, load: Callable[[], Any]) -> None:
        self.seq = seq
        self.node = node
        self.digest = digest
        self.reused = reused
        self._load = load
        self._loaded = False
        self._value: Any = None

    @property
    def value(self) -> T:
        """The value itself."""
        if not self._loaded:
            self._value = self._load()
            self._loaded = True
        return self._value


@dataclass(frozen=True)
class _Kept:
    value: Any
    seq: int
    node: Node
    digest: str
    witness: (
        Any  # a frame's clone or a pickle's digest, by which a change shows; None where encoding is exact
    )


class Outputs:
    """The values that came out of steps, by identity.

    Frames and pickled values are not encoded twice: the digest they were kept under is used again, unless the value
    was changed since. Everything else has one encoding only and is simply digested anew.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def remember(self, value: Any, node: Node, seq: int) -> None:
        """Keep in mind that step `seq` gave `value`, and the parts of it."""
        if not isinstance(value, _COMMON) and not _is_shared(value):
            self._kept[id(value)] = _Kept(
                value, seq, node, artifacts.node_digest(node), _witness(value, node)
            )
        for part, inside in _parts(value, node):
            self.remember(part, inside, seq)

    def digest(self, value: Any) -> str:
        """The digest of an argument."""
        return artifacts.digest_of(value, self._known)

    def node_of(self, value: Any) -> Node | None:
        """Where a value that came out of a step is kept; None for any other."""
        if isinstance(value, Output):
            return value.node
        kept = self._kept.get(id(value))
        return kept.node if kept is not None and kept.value is value else None

    def sources(self, value: Any) -> set[int]:
        """Places of the steps that an argument, or a part of it, came from."""
        if isinstance(value, Output):
            return {value.seq}
        kept = self._kept.get(id(value))
        if kept is not None and kept.value is value:
            return {kept.seq}
        if isinstance(value, list | tuple | set | frozenset):
            return {seq for each in value for seq in self.sources(each)}
        if isinstance(value, dict):
            return {seq for each in value.values() for seq in self.sources(each)}
        return set()

    def _known(self, value: Any) -> str | None:
        if isinstance(value, Output):
            return value.digest
        kept = self._kept.get(id(value))
        if kept is None or kept.value is not value or kept.witness is None:
            return None
        return kept.digest if _agrees(value, kept.witness) else None


def _is_shared(value: Any) -> bool:
    """Small numbers and short names are one object wherever they occur: they say nothing about where they came from."""
    return (type(value) is int and -6 < value < 257) or (type(value) is str and len(value) < 2)


def _parts(value: Any, node: Node) -> Iterator[tuple[Any, Node]]:
    for kind in ("tuple", "list"):
        if kind in node:
            yield from zip(value, node[kind], strict=True)
    if "dict" in node:
        yield from ((value[key], each) for key, each in node["dict"])
    elif node.get("record") not in (None, "folder"):
        yield from ((getattr(value, key), each) for key, each in node["fields"])


def _witness(value: Any, node: Node) -> Any:
    codec = node.get("leaf")
    if codec == "frame":
        return value.clone()
    return _pickled(value) if codec == "pickle" else None


def _agrees(value: Any, witness: Any) -> bool:
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(value, polars.DataFrame):
        return value.schema == witness.schema and value.equals(witness)
    if polars is not None and isinstance(value, polars.Series):
        return value.name == witness.name and value.dtype == witness.dtype and value.equals(witness)
    return _pickled(value) == witness


def _pickled(value: Any) -> str:
    return ids.digest(pickle.dumps(value, protocol=5))
