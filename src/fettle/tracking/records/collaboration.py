"""What people say to each other about runs, versions and alerts."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Comment(msgspec.Struct, frozen=True):
    """What somebody wrote about something.

    Attributes:
        id: Sorts by time.
        subject: What about: `run:ID`, `version:MODEL/3`, `alert:ID`, `report:NAME`, …
        text: Markdown.
        author: Who.
        at: When.
        edited_at: When it was last changed; None if never.
        mentions: Who is named in it with `@`, such as `user:ada` for `@ada`.
        answers: Id of the comment that it answers; None if it begins a talk.
    """

    id: str
    subject: str
    text: str
    author: str
    at: datetime
    edited_at: datetime | None = None
    mentions: list[str] = []
    answers: str | None = None


class Pin(msgspec.Struct, frozen=True):
    """Something that a team keeps at the top.

    Attributes:
        subject: What, as in `Comment.subject`.
        by: Who pinned it.
        at: When.
        note: Why.
    """

    subject: str
    by: str
    at: datetime
    note: str = ""


class Link(msgspec.Struct, frozen=True):
    """A short address for a page as somebody sees it: its filters, columns and zoom.

    Attributes:
        id: What stands in the address: `/s/ID`.
        path: The page with its query, on this server.
        by: Who made it.
        at: When.
    """

    id: str
    path: str
    by: str
    at: datetime


class Report(msgspec.Struct, frozen=True):
    """A page of text with live charts.

    Attributes:
        name: Its name, and part of its address.
        title: Its heading.
        text: Markdown; a fenced block `chart`, `runs` or `compare` is drawn from what there is when it is read.
        author: Who made it.
        at: When.
        updated_at: When it last changed.
        updated_by: By whom.
        revision: 1, 2, 3, …; a change that names another one than the newest is refused.
    """

    name: str
    title: str
    text: str
    author: str
    at: datetime
    updated_at: datetime
    updated_by: str
    revision: int = 1
