"""Subjects, their keys, what was seen of them, and the record that they are gone."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Sealed(msgspec.Struct, frozen=True):
    """A new subject as the ingesting side proposes it; all of it is useless without keys the database never sees.

    Attributes:
        lookup: Keyed hash of the identifier: finds the subject again.
        subject: The random name proposed for it.
        sealed: Its key, wrapped under the master key: for readers.
        lent: Its key, wrapped under a key made of the identifier itself: for whoever ingests rows of that person.
        master: Which master key wrapped it.
    """

    lookup: str
    subject: str
    sealed: str
    lent: str
    master: str


class Enrolled(msgspec.Struct, frozen=True):
    """A subject as the database knows it, for the side that ingests.

    Attributes:
        lookup: As asked.
        subject: Its name, from now on and everywhere.
        lent: Its key, wrapped under the identifier; empty once it is erased.
        erased: Whether it is.
    """

    lookup: str
    subject: str
    lent: str
    erased: bool = False


class SubjectKey(msgspec.Struct, frozen=True):
    """A subject's key, wrapped under a master key, for a reader.

    Attributes:
        subject: Whose.
        sealed: The wrapped key; empty once destroyed.
        master: Which master key wrapped it.
    """

    subject: str
    sealed: str
    master: str


class DomainKey(msgspec.Struct, frozen=True):
    """The key of a domain, wrapped under a master key.

    Attributes:
        domain: Whose.
        sealed: The wrapped key.
        master: Which master key wrapped it.
    """

    domain: str
    sealed: str
    master: str


class VaultEntry(msgspec.Struct, frozen=True):
    """A sealed value.

    Attributes:
        token: What stands in the data.
        domain: Whose key seals it, where it belongs to no subject.
        lookup: Keyed hash of the value: the same value gets the same token.
        sealed: The value, encrypted; empty once it is erased.
        subject: Whose it is and whose key seals it; empty: nobody's.
    """

    token: str
    domain: str
    lookup: str
    sealed: str
    subject: str = ""


class Wrapped(msgspec.Struct, frozen=True):
    """Keys that another master key wraps."""

    domains: list[DomainKey]
    subjects: list[SubjectKey]


class Unsealed(msgspec.Struct, frozen=True):
    """Vault entries and the wrapped keys of the subjects they belong to."""

    entries: list[VaultEntry]
    keys: list[SubjectKey]


class Opening(msgspec.Struct, frozen=True):
    """Leave to read encrypted columns for a while; that it was given is in the audit.

    Attributes:
        id: Names it.
        actor: Who may.
        dataset: What is read.
        reason: Why.
        expires_at: Until when.
    """

    id: str
    actor: str
    dataset: str
    reason: str
    expires_at: datetime


class Sighting(msgspec.Struct, frozen=True):
    """Rows of a subject came into a dataset.

    Attributes:
        dataset: Which.
        column: The column that names the subject.
        rows: How many rows came in, over all ingests.
        first_at: When for the first time.
        last_at: When for the last time.
    """

    dataset: str
    column: str
    rows: int
    first_at: datetime
    last_at: datetime


class Subject(msgspec.Struct, frozen=True):
    """A person, as the database knows it: by a random name.

    Attributes:
        subject: The name.
        created_at: When first seen.
        erased_at: When its key was destroyed; None: it is there.
        seen: Where rows of it came in.
        vaulted: How many vault entries it has.
    """

    subject: str
    created_at: datetime
    erased_at: datetime | None = None
    seen: list[Sighting] = []
    vaulted: int = 0


class Certificate(msgspec.Struct, frozen=True):
    """The record that a subject was erased, without anything of the person.

    Attributes:
        id: Names it.
        subject: The random name; nothing leads from it to a person.
        at: When.
        by: Who did it.
        reason: Why.
        seen: Where its rows had come in: history there is unreadable now, unchanged byte by byte.
        vaulted: How many vault entries were emptied.
        remembered: Whether a keyed hash of the identifier is kept so that the person is not ingested again.
    """

    id: str
    subject: str
    at: datetime
    by: str
    reason: str
    seen: list[Sighting]
    vaulted: int
    remembered: bool
