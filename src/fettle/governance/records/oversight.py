"""The nouns of governance."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

RoleName = Literal["viewer", "editor", "approver", "admin"]


class Verdict(msgspec.Struct, frozen=True):
    """Whether the audit chain is whole.

    Attributes:
        whole: True when every entry matches its hash, follows the one before it, and the last is the recorded head.
        entries: How many were read.
        head: The last hash; whoever notes it today can tell tomorrow whether the past was changed.
        broken_at: Number of the first entry that does not fit.
        problem: What is wrong with it.
    """

    whole: bool
    entries: int
    head: str
    broken_at: int | None = None
    problem: str = ""

    @property
    def fault(self) -> str:
        """Why a program should not go on; empty when the chain is whole. A command ends with exit code 5 then."""
        return "" if self.whole else str(self)

    def __str__(self) -> str:
        if self.whole:
            return f"the audit chain is whole: {self.entries} entries, head {self.head[:16]}…"
        return f"the audit chain is broken at entry {self.broken_at}: {self.problem}"


class Thing(msgspec.Struct, frozen=True):
    """Something with a history.

    Attributes:
        id: Such as `model:fraud@3`, `run:…`, `flow:…`, `commit:…`, `source:…`, `endpoint:fraud`.
        kind: The part before the colon.
        label: What people call it.
        at: When it came to be, where that is known.
        detail: Facts about it by name.
    """

    id: str
    kind: str
    label: str
    at: datetime | None = None
    detail: dict[str, str] = {}


class Link(msgspec.Struct, frozen=True):
    """One thing led to another.

    Attributes:
        source: The earlier thing.
        target: The later one.
        relation: How, such as `trained on`; read from the target: "version 3 was trained on commit …".
    """

    source: str
    target: str
    relation: str


class Lineage(msgspec.Struct, frozen=True):
    """Where a thing came from and what came of it.

    Attributes:
        focus: The thing that was asked about.
        things: All things that were reached, the focus among them.
        links: What led to what.
    """

    focus: str
    things: list[Thing]
    links: list[Link]


class Card(msgspec.Struct, frozen=True):
    """A model card, written from the records.

    Attributes:
        model: The model's name.
        version: Its version.
        text: The card, in Markdown.
        missing: What a reader would want to know and the records do not say.
    """

    model: str
    version: int
    text: str
    missing: list[str]


class Token(msgspec.Struct, frozen=True):
    """A secret's record; the secret itself is not kept.

    Attributes:
        id: Sorts by time.
        actor: Who acts with it, such as `user:ada` or `service:ci`.
        role: What it allows.
        created_at: When it was granted.
        created_by: By whom.
        expires_at: When it ends by itself; None means never.
        revoked_at: When it was taken back.
    """

    id: str
    actor: str
    role: RoleName
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class NewToken(msgspec.Struct, frozen=True):
    """A granted token with its secret, which is shown this once.

    Attributes:
        token: Its record.
        secret: What the caller sends: `Authorization: Bearer SECRET`.
    """

    token: Token
    secret: str


class NumberedEvent(msgspec.Struct, frozen=True):
    """An event with its place in the order of writing: ask for what comes `after` it."""

    seq: int
    id: str
    at: datetime
    kind: str
    subject: str
    actor: str
    body: dict[str, Any]
