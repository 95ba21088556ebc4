"""The tables of what people say: comments, pins, links and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new, upsert
from fettle.tracking.records.collaboration import Comment, Link, Pin, Report

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

comments = sa.Table(
    "tracking_comments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("edited_at", At),
    sa.Column("mentions", Json, nullable=False),
    sa.Column("answers", sa.Text),
    sa.Index("tracking_comments_subject", "subject", "id"),
)
mentions = sa.Table(
    "tracking_mentions",
    metadata,
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("comment", sa.Text, primary_key=True),
)
pins = sa.Table(
    "tracking_pinned",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
links = sa.Table(
    "tracking_links",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
)
reports = sa.Table(
    "tracking_reports",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("updated_at", At, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)


def m007_collaboration(tx: Transaction) -> None:
    """Comments with mentions, pins, short links and reports."""
    tx.create(comments, mentions, pins, links, reports)


def put_comment(tx: Transaction, comment: Comment) -> None:
    """Keep a comment, in place of what it said before."""
    tx.execute(upsert(comments), msgspec.structs.asdict(comment))
    tx.execute(mentions.delete().where(mentions.c.comment == comment.id))
    if comment.mentions:
        tx.execute(mentions.insert(), [{"actor": each, "comment": comment.id} for each in comment.mentions])


def find_comment(tx: Transaction, id: str) -> Comment | None:
    row = tx.execute(sa.select(comments).where(comments.c.id == id)).mappings().one_or_none()
    return None if row is None else Comment(**row)


def drop_comment(tx: Transaction, id: str) -> None:
    """Take a comment away; what answered it stays, and begins a talk of its own."""
    tx.execute(comments.update().where(comments.c.answers == id).values(answers=None))
    tx.execute(mentions.delete().where(mentions.c.comment == id))
    tx.execute(comments.delete().where(comments.c.id == id))


def list_comments(tx: Transaction, subject: str) -> list[Comment]:
    query = sa.select(comments).where(comments.c.subject == subject).order_by(comments.c.id)
    return [Comment(**row) for row in tx.execute(query).mappings()]


def list_mentions(tx: Transaction, actor: str, limit: int) -> list[Comment]:
    """Comments that name somebody, the newest first."""
    query = (
        sa.select(comments)
        .join(mentions, mentions.c.comment == comments.c.id)
        .where(mentions.c.actor == actor)
        .order_by(comments.c.id.desc())
        .limit(limit)
    )
    return [Comment(**row) for row in tx.execute(query).mappings()]


def count_comments(tx: Transaction, subjects: list[str]) -> dict[str, int]:
    """Subject → how many comments it has, where it has any."""
    query = (
        sa.select(comments.c.subject, sa.func.count())
        .where(comments.c.subject.in_(subjects))
        .group_by(comments.c.subject)
    )
    return dict(map(tuple, tx.execute(query)))


def forget(tx: Transaction, subjects: list[str]) -> None:
    """Drop what was said about things that are gone for good."""
    theirs = sa.select(comments.c.id).where(comments.c.subject.in_(subjects))
    tx.execute(mentions.delete().where(mentions.c.comment.in_(theirs)))
    tx.execute(comments.delete().where(comments.c.subject.in_(subjects)))
    tx.execute(pins.delete().where(pins.c.subject.in_(subjects)))


def put_pin(tx: Transaction, pin: Pin) -> None:
    tx.execute(upsert(pins), msgspec.structs.asdict(pin))


def drop_pin(tx: Transaction, subject: str) -> bool:
    return tx.execute(pins.delete().where(pins.c.subject == subject)).rowcount == 1


def list_pins(tx: Transaction, prefix: str) -> list[Pin]:
    """What is pinned, the newest first; of one kind of subject where a prefix such as `run:` is given."""
    query = (
        sa.select(pins).where(pins.c.subject.startswith(prefix, autoescape=True)).order_by(pins.c.at.desc())
    )
    return [Pin(**row) for row in tx.execute(query).mappings()]


def put_link(tx: Transaction, link: Link) -> None:
    tx.execute(insert_new(links), msgspec.structs.asdict(link))


def find_link(tx: Transaction, id: str) -> Link | None:
    row = tx.execute(sa.select(links).where(links.c.id == id)).mappings().one_or_none()
    return None if row is None else Link(**row)


def put_report(tx: Transaction, report: Report) -> None:
    tx.execute(upsert(reports), msgspec.structs.asdict(report))


def find_report(tx: Transaction, name: str) -> Report | None:
    row = tx.execute(sa.select(reports).where(reports.c.name == name)).mappings().one_or_none()
    return None if row is None else Report(**row)


def drop_report(tx: Transaction, name: str) -> None:
    tx.execute(reports.delete().where(reports.c.name == name))


def list_reports(tx: Transaction) -> list[Report]:
    query = sa.select(reports).order_by(reports.c.updated_at.desc(), reports.c.name)
    return [Report(**row) for row in tx.execute(query).mappings()]
