"""Subjects and key domains, as the side that ingests or reads sees them: keys are unwrapped here and nowhere else."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fettle.core.errors import Conflict, NotFound
from fettle.privacy.ciphers import Cipher, derive, keyed_hash, new_key
from fettle.privacy.keys import Ring, ring_of
from fettle.privacy.records import DomainKey, Enrolled, Sealed

if TYPE_CHECKING:
    from fettle.acts import Surface

PREFIX = "subj-"
PAGE = 2000


@dataclass(frozen=True)
class Member:
    """A subject whose rows come in.

    Attributes:
        subject: Its random name.
        key: Its key; None once it is erased.
    """

    subject: str
    key: bytes | None


class Domain:
    """The keys of one domain, derived from its one secret."""

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self._secret = secret

    def key(self, purpose: str) -> bytes:
        """The key for one purpose, such as `token`."""
        return derive(self._secret, purpose)

    @cached_property
    def _lookups(self) -> bytes:
        return self.key("lookup")

    @cached_property
    def _lending(self) -> bytes:
        return self.key("lend")

    def lookup(self, identifier: str) -> str:
        """Finds a subject again by its identifier; without the key of the domain it can neither be made nor tried."""
        return keyed_hash(self._lookups, normal(identifier)).hex()

    def lend(self, identifier: str, subject: str) -> Cipher:
        """Wraps a subject's key under its own identifier: only who has the identifier opens it."""
        return Cipher(derive(self._lending, normal(identifier)), f"lent:{subject}")


class Keyring:
    """The keys of one workspace, fetched when first needed and kept for the length of one errand.

    Args:
        ws: The workspace.
    """

    def __init__(self, ws: Surface) -> None:
        self._ws = ws
        self._domains: dict[str, Domain] = {}

    @cached_property
    def ring(self) -> Ring:
        return ring_of(self._ws, make=not self._ws.call("privacy.domains"))

    def domain(self, name: str) -> Domain:
        """The keys of a domain; made if it is new.

        Raises:
            Unavailable: The master key is not here.
            Conflict: The master key here is not the one this workspace uses.
        """
        if name not in self._domains:
            kept = {each.domain: each for each in self._ws.call("privacy.domains")}
            found = kept.get(name) or self._new_domain(name, {each.master for each in kept.values()})
            self._domains[name] = self._opened(found)
        return self._domains[name]

    def domains(self) -> list[Domain]:
        """All domains there are."""
        for each in self._ws.call("privacy.domains"):
            self._domains.setdefault(each.domain, self._opened(each))
        return list(self._domains.values())

    def enrol(self, domain: Domain, identifiers: Iterable[str]) -> dict[str, Member]:
        """Make subjects of identifiers, or find the ones they are; identifier → member."""
        wanted: dict[str, list[str]] = {}
        for each in identifiers:
            wanted.setdefault(domain.lookup(each), []).append(each)
        known = {
            each.lookup: each
            for page in pages(list(wanted))
            for each in self._ws.call("privacy.known", lookups=page)
        }
        new = [self._proposed(domain, wanted[each][0], each) for each in wanted if each not in known]
        for page in pages(new):
            known |= {each.lookup: each for each in self._ws.call("privacy.enrol", subjects=page)}
        return {
            identifier: _member(domain, identifier, known[lookup])
            for lookup, same in wanted.items()
            for identifier in same
        }

    def find(self, identifier: str, domain: str = "") -> list[str]:
        """The names of the subjects that an identifier, or a subject's own name, stands for.

        Raises:
            NotFound: No subject of any domain (or the one given) has it.
        """
        if identifier.startswith(PREFIX):
            return [identifier]
        lookups = [each.lookup(identifier) for each in self.domains() if domain in ("", each.name)]
        found = self._ws.call("privacy.known", lookups=lookups) if lookups else []
        if not found:
            raise NotFound(
                "No subject has this identifier.",
                found=f"looked in {len(lookups)} key domain(s)",
                hint="Only rows ingested under a policy with `encrypt`, or a vault with a subject, have subjects.",
                subject="subject",
            )
        return [each.subject for each in found]

    def opened(self, subject: str, sealed: str, master: str) -> bytes:
        """Unwrap a subject's key as a reader."""
        return self.ring.find(master).unwrap("subject", subject, sealed)

    def _opened(self, key: DomainKey) -> Domain:
        return Domain(key.domain, self.ring.find(key.master).unwrap("domain", key.domain, key.sealed))

    def _new_domain(self, name: str, masters: set[str]) -> DomainKey:
        current = self.ring.current
        if masters and not masters & {current.id, *(each.id for each in self.ring.old)}:
            raise Conflict(
                f"The master key here ({current.id}) is not the one of this workspace ({', '.join(sorted(masters))}).",
                hint="Use the workspace's own key; a second one would split its subjects.",
            )
        proposed = DomainKey(name, current.wrap("domain", name, new_key()), current.id)
        return self._ws.call("privacy.keep_domain", key=proposed)

    def _proposed(self, domain: Domain, identifier: str, lookup: str) -> Sealed:
        subject, key, master = new_name(PREFIX), new_key(), self.ring.current
        return Sealed(
            lookup=lookup,
            subject=subject,
            sealed=master.wrap("subject", subject, key),
            lent=domain.lend(identifier, subject).seal(key),
            master=master.id,
        )


def normal(identifier: str) -> str:
    """One form for one identifier: composed Unicode, no space around; e-mail addresses in small letters.

    Case counts in other identifiers: taking `aB` and `ab` for one person would erase two.
    """
    text = unicodedata.normalize("NFC", identifier.strip())
    return text.lower() if "@" in text else text


def given(identifier: str) -> str:
    """The identifier as a command was given it; `@-` reads it from standard input, so that no shell remembers it."""
    import sys

    return sys.stdin.readline().strip() if identifier == "@-" else identifier


def new_name(prefix: str) -> str:
    """A random name of 120 bits."""
    return prefix + base64.b32encode(secrets.token_bytes(15)).decode().lower()


def pages(items: Sequence, size: int = PAGE) -> Iterator[list]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _member(domain: Domain, identifier: str, found: Enrolled) -> Member:
    if found.erased or not found.lent:
        return Member(found.subject, None)
    key = domain.lend(identifier, found.subject).open(found.lent)
    if key is None:
        raise Conflict(
            f"The key of {found.subject} does not open under its identifier.",
            found="changed or damaged bytes in the database",
            hint="Restore the database from a backup.",
        )
    return Member(found.subject, key)
