"""The tables of labels as they lie in the database."""

from __future__ import annotations

import sqlalchemy as sa

from fettle.labels.records import Annotation, Answer, Project
from fettle.storage.columns import At, Json

metadata = sa.MetaData()
_Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")

projects = sa.Table(
    "labels_projects",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", At, nullable=False),
    sa.Column("record", Json(Project), nullable=False),
)
items = sa.Table(
    "labels_items",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("shown", Json, nullable=False),
    sa.Column("foreign_id", Json),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("answers", sa.Integer, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("entropy", sa.Float, nullable=False),
    sa.UniqueConstraint("project", "key", name="labels_items_key"),
    sa.Index("labels_items_queue", "project", "open", "place"),
    sa.Index("labels_items_disputed", "project", "entropy"),
    sa.Index("labels_items_answers", "project", "answers"),
)
annotations = sa.Table(
    "labels_annotations",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("answer", Json(Answer), nullable=False),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("foreign_id", Json),
    sa.Column("turn", _Serial, nullable=False),
    sa.Index("labels_annotations_turn", "project", "annotator", "turn"),
)
turns = sa.Table(
    "labels_turns",
    metadata,
    sa.Column("turn", _Serial, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("item", sa.Integer, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("before", Json(Annotation | None)),
    sa.Column("before_turn", _Serial),
    sa.Column("undone", sa.Boolean, nullable=False),
    sa.Index("labels_turns_annotator", "project", "annotator", "undone", "turn"),
)
leases = sa.Table(
    "labels_leases",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("expires_at", At, nullable=False),
    sa.Index("labels_leases_annotator", "project", "annotator", "expires_at"),
)
cursors = sa.Table(
    "labels_cursors",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
)
reports = sa.Table(
    "labels_reports",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("at", At, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
TABLES = (projects, items, annotations, turns, leases, cursors, reports)

BATCH = 5_000
BLANK = "erased:"
"""What the keys of emptied items begin with."""
