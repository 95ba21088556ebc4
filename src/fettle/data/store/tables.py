"""The tables of versions: datasets, their commits and parents, and the branches and tags that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from fettle.core.canonical import decode, encode
from fettle.data.records.versions import Column, Commit, Part, Table
from fettle.storage.columns import At, Json
from fettle.storage.upserts import insert_new

if TYPE_CHECKING:
    from fettle.storage.ports import Transaction

metadata = sa.MetaData()

datasets = sa.Table(
    "data_datasets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("created_at", At, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
commits = sa.Table(
    "data_commits",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False, index=True),
    sa.Column("parent", sa.Text),
    sa.Column("at", At, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("record", Json(Commit), nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("schema", sa.Text, nullable=False),
)
branches = sa.Table(
    "data_branches",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("head", sa.Text, nullable=False),
    sa.Column("moved_at", At, nullable=False),
)

parents = sa.Table(
    "data_parents",
    metadata,
    sa.Column("commit", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("parent", sa.Text, nullable=False, index=True),
)
tags = sa.Table(
    "data_tags",
    metadata,
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
moves = sa.Table(
    "data_moves",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("data_moves_name", "dataset", "name", "seq"),
)

TABLE_PATH = "table"


def m001_initial(tx: Transaction) -> None:
    tx.create(datasets, commits, branches)


def m002_trees(tx: Transaction) -> None:
    """Commits become trees of files; those made before keep their parts as loose objects and have no tree."""
    tx.create(parents, tags, moves)
    raw = sa.table("data_commits", sa.column("id"), sa.column("record"))
    for id, text in map(tuple, tx.execute(sa.select(raw.c.id, raw.c.record)).all()):
        made = _from_parts(decode(text.encode(), dict))
        tx.execute(raw.update().where(raw.c.id == id).values(record=encode(made).decode()))
        add_parents(tx, made)


def _from_parts(old: dict) -> Commit:
    """A commit as it was written before there were trees: a list of Parquet parts."""
    parts = [
        Part(each["digest"], each["rows"], each["size_bytes"], f"{TABLE_PATH}/{place:05}.parquet")
        for place, each in enumerate(old.pop("parts"))
    ]
    parent = old.pop("parent")
    table = Table(
        TABLE_PATH,
        msgspec.convert(old.pop("columns"), list[Column]),
        old.pop("rows"),
        parts,
        time_column=old.pop("time_column", None),
    )
    size_bytes = sum(each.size_bytes for each in parts)
    files = {"tree": "", "files": len(parts), "size_bytes": size_bytes, "tables": []}
    made = msgspec.convert({**old, **files, "parents": [parent] if parent else []}, Commit)
    return msgspec.structs.replace(made, tables=[table])


def add_parents(tx: Transaction, commit: Commit) -> None:
    """Keep the order of a commit's parents."""
    rows = [
        {"commit": commit.id, "place": place, "parent": each} for place, each in enumerate(commit.parents)
    ]
    if rows:
        tx.execute(insert_new(parents), rows)
