"""The tables of privacy and all their SQL.

Keys lie here only wrapped: the master key is never in the database. Destroying a key overwrites it in its row, by
text of the same length, so that SQLite changes the cell in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from fettle.privacy.records import (
    Certificate,
    Classified,
    DomainKey,
    Enrolled,
    Opening,
    Policy,
    PolicyVersion,
    Sealed,
    Sighting,
    Subject,
    SubjectKey,
    VaultEntry,
)
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new, upsert

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

MOST_AT_ONCE = 1000
"""Names in one `IN (…)`: within the limits of every database."""

metadata = sa.MetaData()

classes = sa.Table(
    "privacy_classes",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("column", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
policies = sa.Table(
    "privacy_policies",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("policy", Json(Policy), nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
domain_keys = sa.Table(
    "privacy_domain_keys",
    metadata,
    sa.Column("domain", sa.Text, primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
)
subject_keys = sa.Table(
    "privacy_subject_keys",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("lookup", sa.Text, nullable=False, unique=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("lent", sa.Text, nullable=False),
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("created_at", At, nullable=False),
    sa.Column("destroyed_at", At),
)
sightings = sa.Table(
    "privacy_sightings",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("column", sa.Text, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("first_at", At, nullable=False),
    sa.Column("last_at", At, nullable=False),
)
vault = sa.Table(
    "privacy_vault",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("domain", sa.Text, nullable=False),
    sa.Column("lookup", sa.Text, nullable=False, unique=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("at", At, nullable=False),
)
openings = sa.Table(
    "privacy_openings",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("expires_at", At, nullable=False),
)
certificates = sa.Table(
    "privacy_certificates",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("seen", Json(list[Sighting]), nullable=False),
    sa.Column("vaulted", sa.BigInteger, nullable=False),
    sa.Column("remembered", sa.Boolean, nullable=False),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(classes, policies, domain_keys, subject_keys, sightings, vault, openings, certificates)


MIGRATIONS = [m001_initial]

# --- classes


def list_classes(tx: Transaction, dataset: str = "") -> list[Classified]:
    query = sa.select(classes).order_by(classes.c.dataset, classes.c.column)
    if dataset:
        query = query.where(classes.c.dataset == dataset)
    return [Classified(**row) for row in tx.execute(query).mappings()]


def put_classes(tx: Transaction, found: Sequence[Classified]) -> None:
    if found:
        tx.execute(upsert(classes), [msgspec.structs.asdict(each) for each in found])


# --- policies


def find_policy(tx: Transaction, dataset: str, version: int | None = None) -> PolicyVersion | None:
    query = (
        sa.select(policies).where(policies.c.dataset == dataset).order_by(policies.c.version.desc()).limit(1)
    )
    if version is not None:
        query = query.where(policies.c.version == version)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else PolicyVersion(**row)


def list_policies(tx: Transaction, dataset: str = "") -> list[PolicyVersion]:
    """All versions of one dataset, newest first; without a dataset the newest version of each."""
    if dataset:
        query = sa.select(policies).where(policies.c.dataset == dataset).order_by(policies.c.version.desc())
    else:
        newest = (
            sa.select(policies.c.dataset, sa.func.max(policies.c.version).label("version"))
            .group_by(policies.c.dataset)
            .subquery()
        )
        same = (policies.c.dataset == newest.c.dataset) & (policies.c.version == newest.c.version)
        query = sa.select(policies).join(newest, same).order_by(policies.c.dataset)
    return [PolicyVersion(**row) for row in tx.execute(query).mappings()]


def add_policy(tx: Transaction, made: PolicyVersion) -> None:
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    tx.execute(policies.insert().values(**fields))


# --- keys of domains


def find_domain_key(tx: Transaction, domain: str) -> DomainKey | None:
    columns = (domain_keys.c.domain, domain_keys.c.sealed, domain_keys.c.master)
    row = tx.execute(sa.select(*columns).where(domain_keys.c.domain == domain)).mappings().one_or_none()
    return None if row is None else DomainKey(**row)


def add_domain_key(tx: Transaction, key: DomainKey, at: datetime) -> None:
    tx.execute(insert_new(domain_keys), {**msgspec.structs.asdict(key), "created_at": at})


def list_domain_keys(tx: Transaction) -> list[DomainKey]:
    columns = (domain_keys.c.domain, domain_keys.c.sealed, domain_keys.c.master)
    return [DomainKey(**row) for row in tx.execute(sa.select(*columns).order_by(*columns[:1])).mappings()]


# --- keys of subjects


def add_subjects(tx: Transaction, proposed: Sequence[Sealed], at: datetime) -> None:
    """Add the subjects whose lookup is not known yet."""
    rows = [{**msgspec.structs.asdict(each), "created_at": at} for each in proposed]
    if rows:
        tx.execute(insert_new(subject_keys, keys=["lookup"]), rows)


def find_subjects(tx: Transaction, lookups: Sequence[str]) -> list[Enrolled]:
    found: list[Enrolled] = []
    for some in _pages(lookups):
        rows = tx.execute(sa.select(subject_keys).where(subject_keys.c.lookup.in_(some))).mappings()
        for row in rows:
            erased = row["destroyed_at"] is not None
            found.append(Enrolled(row["lookup"], row["subject"], "" if erased else row["lent"], erased))
    return found


def subject_keys_of(tx: Transaction, subjects: Sequence[str]) -> list[SubjectKey]:
    found: list[SubjectKey] = []
    for some in _pages(subjects):
        rows = tx.execute(sa.select(subject_keys).where(subject_keys.c.subject.in_(some))).mappings()
        for row in rows:
            sealed = "" if row["destroyed_at"] is not None else row["sealed"]
            found.append(SubjectKey(row["subject"], sealed, row["master"]))
    return found


def list_subject_keys(tx: Transaction, *, not_under: str, limit: int) -> list[SubjectKey]:
    """Living keys that another master key than `not_under` wraps."""
    query = (
        sa.select(subject_keys.c.subject, subject_keys.c.sealed, subject_keys.c.master)
        .where((subject_keys.c.master != not_under) & subject_keys.c.destroyed_at.is_(None))
        .limit(limit)
    )
    return [SubjectKey(**row) for row in tx.execute(query).mappings()]


def count_wrapped(tx: Transaction, *, not_under: str) -> int:
    """How many living keys another master key than `not_under` wraps."""
    subjects = sa.select(sa.func.count()).where(
        (subject_keys.c.master != not_under) & subject_keys.c.destroyed_at.is_(None)
    )
    domains = sa.select(sa.func.count()).where(domain_keys.c.master != not_under)
    return tx.execute(subjects).scalar_one() + tx.execute(domains).scalar_one()


def rewrap_subjects(tx: Transaction, keys: Iterable[SubjectKey]) -> None:
    """Put newly wrapped keys in the place of those that live; a key destroyed meanwhile stays destroyed."""
    for each in keys:
        living = (subject_keys.c.subject == each.subject) & subject_keys.c.destroyed_at.is_(None)
        tx.execute(subject_keys.update().where(living).values(sealed=each.sealed, master=each.master))


def rewrap_domains(tx: Transaction, keys: Iterable[DomainKey]) -> None:
    for each in keys:
        known = domain_keys.c.domain == each.domain
        tx.execute(domain_keys.update().where(known).values(sealed=each.sealed, master=each.master))


def find_subject(tx: Transaction, subject: str) -> Subject | None:
    row = (
        tx.execute(sa.select(subject_keys).where(subject_keys.c.subject == subject)).mappings().one_or_none()
    )
    if row is None:
        return None
    entries = sa.select(sa.func.count()).where((vault.c.subject == subject) & (vault.c.sealed != ""))
    return Subject(
        subject=subject,
        created_at=row["created_at"],
        erased_at=row["destroyed_at"],
        seen=list_sightings(tx, subject),
        vaulted=tx.execute(entries).scalar_one(),
    )


def destroy_subject(tx: Transaction, subject: str, at: datetime, *, forget: str = "") -> None:
    """Overwrite the keys and vault entries of a subject.

    Args:
        tx: The transaction.
        subject: Whose.
        at: When.
        forget: Written over its lookup, so that nothing knows the identifier again; empty: it is kept.
    """
    row = tx.execute(sa.select(subject_keys).where(subject_keys.c.subject == subject)).mappings().one()
    values: dict[str, Any] = {
        "sealed": "0" * len(row["sealed"]),
        "lent": "0" * len(row["lent"]),
        "destroyed_at": at,
    }
    if forget:
        values["lookup"] = forget
    tx.execute(subject_keys.update().where(subject_keys.c.subject == subject).values(**values))
    for entry in tx.execute(sa.select(vault).where(vault.c.subject == subject)).mappings().all():
        mine = vault.c.token == entry["token"]
        # first over it in place, then away with it; the lookup too, for it is a keyed hash of the value
        blanks = {"sealed": "0" * len(entry["sealed"]), "lookup": f"gone:{entry['token']}"}
        tx.execute(vault.update().where(mine).values(**blanks))
        tx.execute(vault.update().where(mine).values(sealed=""))


# --- sightings


def add_sightings(tx: Transaction, dataset: str, column: str, rows: dict[str, int], at: datetime) -> None:
    """Count rows of subjects that came into a dataset."""
    known: dict[str, Any] = {}
    here = (sightings.c.dataset == dataset) & (sightings.c.column == column)
    for some in _pages(list(rows)):
        query = sa.select(sightings).where(here & sightings.c.subject.in_(some))
        known |= {row["subject"]: row for row in tx.execute(query).mappings()}
    made = [
        {
            "subject": subject,
            "dataset": dataset,
            "column": column,
            "rows": count + (known[subject]["rows"] if subject in known else 0),
            "first_at": known[subject]["first_at"] if subject in known else at,
            "last_at": at,
        }
        for subject, count in rows.items()
    ]
    if made:
        tx.execute(upsert(sightings), made)


def list_sightings(tx: Transaction, subject: str) -> list[Sighting]:
    columns = [each for each in sightings.c if each.name != "subject"]
    query = sa.select(*columns).where(sightings.c.subject == subject).order_by(*columns[:2])
    return [Sighting(**row) for row in tx.execute(query).mappings()]


# --- the vault


def add_entries(tx: Transaction, entries: Sequence[VaultEntry], at: datetime) -> None:
    """Add the entries whose lookup is not known yet."""
    if entries:
        rows = [{**msgspec.structs.asdict(each), "at": at} for each in entries]
        tx.execute(insert_new(vault, keys=["lookup"]), rows)


def tokens_of(tx: Transaction, lookups: Sequence[str]) -> dict[str, str]:
    """Lookup → token, for those that are there."""
    found: dict[str, str] = {}
    for some in _pages(lookups):
        rows = tx.execute(sa.select(vault.c.lookup, vault.c.token).where(vault.c.lookup.in_(some)))
        found |= {row["lookup"]: row["token"] for row in rows.mappings()}
    return found


def find_entries(tx: Transaction, tokens: Sequence[str]) -> list[VaultEntry]:
    columns = [each for each in vault.c if each.name != "at"]
    return [
        VaultEntry(**row)
        for some in _pages(tokens)
        for row in tx.execute(sa.select(*columns).where(vault.c.token.in_(some))).mappings()
    ]


# --- openings and certificates


def add_opening(tx: Transaction, opening: Opening) -> None:
    tx.execute(openings.insert().values(**msgspec.structs.asdict(opening)))


def find_opening(tx: Transaction, opening: str) -> Opening | None:
    row = tx.execute(sa.select(openings).where(openings.c.id == opening)).mappings().one_or_none()
    return None if row is None else Opening(**row)


def add_certificate(tx: Transaction, certificate: Certificate) -> None:
    fields = {name: getattr(certificate, name) for name in certificate.__struct_fields__}
    tx.execute(certificates.insert().values(**fields))


def list_certificates(tx: Transaction, subject: str = "") -> list[Certificate]:
    query = sa.select(certificates).order_by(certificates.c.id.desc())
    if subject:
        query = query.where(certificates.c.subject == subject)
    return [Certificate(**row) for row in tx.execute(query).mappings()]


def _pages(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), MOST_AT_ONCE):
        yield names[start : start + MOST_AT_ONCE]
