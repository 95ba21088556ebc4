"""The nouns of acts: who may, what is declared, what is written down."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec


class Role(enum.IntEnum):
    """What an actor may do; each role includes the ones before it."""

    VIEWER = 1
    EDITOR = 2
    APPROVER = 3
    ADMIN = 4


@dataclass(frozen=True)
class Parameter:
    """One parameter of an act, read from the function's signature and docstring.

    `default` is `Parameter.REQUIRED` where the caller must give a value.
    """

    name: str
    type: Any  # any annotation that msgspec can convert to
    default: Any
    help: str
    positional: bool

    REQUIRED = msgspec.UNSET

    @property
    def required(self) -> bool:
        return self.default is msgspec.UNSET


@dataclass(frozen=True)
class Named:
    """What is called `room.verb`."""

    name: str

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.partition(".")[2]


@dataclass(frozen=True)
class Act(Named):
    """A declared act: everything the surfaces are derived from."""

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    returns: Any  # any annotation that msgspec can convert to
    needs: Role
    reads: bool
    audited: bool
    keeps_answer: bool
    plumbing: bool
    summary: str
    description: str


@dataclass(frozen=True)
class Errand(Named):
    """A declared errand: what is done beside the workspace, by way of its acts."""

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    returns: Any  # any annotation
    reads: bool
    summary: str
    description: str

    plumbing = False


class AuditEntry(msgspec.Struct, frozen=True):
    """One change, chained to the change before it.

    `hash` is the BLAKE3-256 of the canonical bytes of all other fields, `previous` among them.
    """

    seq: int
    id: str
    at: datetime
    actor: str
    act: str
    arguments: dict[str, Any]
    outcome: str
    previous: str
    hash: str


class Event(msgspec.Struct, frozen=True):
    """Something that happened, for whoever listens; written with the change it speaks of."""

    id: str
    at: datetime
    kind: str
    subject: str
    actor: str
    body: dict[str, Any]
