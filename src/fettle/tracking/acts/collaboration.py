"""What people say to each other: comments, pins, short links and reports."""

from __future__ import annotations

import re

import msgspec

from fettle.acts import Context, Role, act
from fettle.core import ids
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.tracking.records.collaboration import Comment, Link, Pin, Report
from fettle.tracking.store import collaboration as store

MOST_TEXT = 100_000
"""Characters of a comment or a report."""

_KINDS = (
    "run",
    "version",
    "model",
    "alert",
    "report",
    "experiment",
    "dataset",
    "intent",
    "endpoint",
    "trace",
)
_MENTION = re.compile(r"(?<![\w@/.])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?)")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


@act("tracking.comment")
def comment(ctx: Context, subject: str, text: str, *, answers: str | None = None) -> Comment:
    """Write a comment; whoever is named with `@name` finds it among their mentions.

    Args:
        subject: What about: `run:ID`, `version:MODEL/3`, `alert:ID`, `report:NAME`, `experiment:NAME`.
        text: Markdown.
        answers: Id of the comment that it answers.
    """
    _check_subject(subject)
    _check_text(text)
    if answers is not None and _comment(ctx, answers).subject != subject:
        raise Invalid(
            "An answer stands where its question stands.", found=f"{answers} is about something else"
        )
    made = Comment(ids.event_id(ctx.now), subject, text, ctx.actor, ctx.now, None, mentioned(text), answers)
    store.put_comment(ctx.tx, made)
    ctx.emit("tracking.commented", subject, comment=made.id, mentions=made.mentions)
    return made


@act("tracking.edit_comment")
def edit_comment(ctx: Context, comment: str, text: str) -> Comment:
    """Change what a comment of one's own says.

    Args:
        comment: Its id.
        text: The new text.

    Raises:
        Denied: Somebody else wrote it.
    """
    known = _comment(ctx, comment)
    if known.author != ctx.actor:
        raise Denied("A comment is changed by who wrote it.", found=f"{known.author} did, not {ctx.actor}")
    _check_text(text)
    changed = msgspec.structs.replace(known, text=text, edited_at=ctx.now, mentions=mentioned(text))
    store.put_comment(ctx.tx, changed)
    return changed


@act("tracking.drop_comment")
def drop_comment(ctx: Context, comment: str) -> Comment:
    """Take a comment of one's own away; an administrator takes any.

    Args:
        comment: Its id.

    Raises:
        Denied: Somebody else wrote it.
    """
    known = _comment(ctx, comment)
    if known.author != ctx.actor and ctx.role < Role.ADMIN:
        raise Denied("A comment is taken away by who wrote it, or by an administrator.", found=ctx.actor)
    store.drop_comment(ctx.tx, comment)
    return known


@act("tracking.comments", reads=True)
def comments(ctx: Context, subject: str) -> list[Comment]:
    """List the comments about something, the oldest first.

    Args:
        subject: What about.
    """
    return store.list_comments(ctx.tx, subject)


@act("tracking.mentions", reads=True)
def mentions(ctx: Context, actor: str = "", *, limit: int = 50) -> list[Comment]:
    """List the comments that name somebody, the newest first.

    Args:
        actor: Who; oneself otherwise.
        limit: At most so many.
    """
    return store.list_mentions(ctx.tx, actor or ctx.actor, max(0, min(limit, 1000)))


@act("tracking.pin")
def pin(ctx: Context, subject: str, *, note: str = "") -> Pin:
    """Keep something at the top for everybody.

    Args:
        subject: What, such as `run:ID` or `report:NAME`.
        note: Why.
    """
    _check_subject(subject)
    made = Pin(subject, ctx.actor, ctx.now, note[:500])
    store.put_pin(ctx.tx, made)
    return made


@act("tracking.unpin")
def unpin(ctx: Context, subject: str) -> bool:
    """Let go of what was pinned; False if it was not.

    Args:
        subject: What.
    """
    return store.drop_pin(ctx.tx, subject)


@act("tracking.pins", reads=True)
def pins(ctx: Context, kind: str = "") -> list[Pin]:
    """List what is pinned, the newest first.

    Args:
        kind: Only of one kind, such as `run`.
    """
    return store.list_pins(ctx.tx, f"{kind}:" if kind else "")


@act("tracking.share")
def share(ctx: Context, path: str) -> Link:
    """Make a short address for a page as it is seen, with its filters and zoom.

    The same page has the same address, whoever asks.

    Args:
        path: The page and its query on this server, such as `/runs?q=metrics.loss<0.3`.

    Raises:
        Invalid: It leads to another server.
    """
    if not re.fullmatch(r"/(?![/\\])[^\\\x00-\x1f\x7f]{0,8000}", path):
        raise Invalid(
            f"{path[:80]!r} is no page of this server.",
            found="another host, or characters that no address has",
            hint="Begin with one slash: /runs?…",
        )
    made = Link(ids.digest(path.encode())[:12], path, ctx.actor, ctx.now)
    store.put_link(ctx.tx, made)
    return store.find_link(ctx.tx, made.id) or made


@act("tracking.link", reads=True)
def link(ctx: Context, id: str) -> Link:
    """Show where a short address leads.

    Args:
        id: What stands behind `/s/`.
    """
    found = store.find_link(ctx.tx, id)
    if found is None:
        raise NotFound(f"There is no shared page {id[:40]!r}.", hint="Was the address copied whole?")
    return found


@act("tracking.write_report")
def write_report(
    ctx: Context, name: str, *, title: str = "", text: str = "", revision: int | None = None
) -> Report:
    """Write a report, or a new revision of it.

    Args:
        name: Its name, part of its address.
        title: Its heading; the name otherwise.
        text: Markdown with fenced blocks `chart`, `runs` and `compare`.
        revision: The revision that was changed, as a report that is there asks for; 0 or none for a new one.

    Raises:
        Conflict: There is a newer revision, or one at all where none was named: nothing is written over.
    """
    ids.check_name("report", name)
    _check_text(text, empty=True)
    known = store.find_report(ctx.tx, name)
    if known is not None and revision != known.revision:
        raise Conflict(
            f"There is a report {name!r} already."
            if revision is None
            else f"The report {name!r} was changed meanwhile.",
            found=f"revision {known.revision} by {known.updated_by}, not {revision or 'none'}",
            hint=f"Read it again and put your change in: it is written with revision={known.revision}.",
            subject=f"report:{name}",
        )
    made = Report(
        name=name,
        title=title or (known.title if known else name),
        text=text,
        author=known.author if known else ctx.actor,
        at=known.at if known else ctx.now,
        updated_at=ctx.now,
        updated_by=ctx.actor,
        revision=known.revision + 1 if known else 1,
    )
    store.put_report(ctx.tx, made)
    ctx.emit("tracking.reported", f"report:{name}", revision=made.revision)
    return made


@act("tracking.report", reads=True)
def report(ctx: Context, name: str) -> Report:
    """Show a report as it was written.

    Args:
        name: Its name.
    """
    found = store.find_report(ctx.tx, name)
    if found is None:
        raise NotFound.among("report", name, [each.name for each in store.list_reports(ctx.tx)])
    return found


@act("tracking.reports", reads=True)
def reports(ctx: Context) -> list[Report]:
    """List the reports, the one that changed last first."""
    return store.list_reports(ctx.tx)


@act("tracking.drop_report")
def drop_report(ctx: Context, name: str) -> Report:
    """Take a report away.

    Args:
        name: Its name.
    """
    known = report(ctx, name)
    store.drop_report(ctx.tx, name)
    return known


def mentioned(text: str) -> list[str]:
    """Who is named in a text with `@`, outside of code: `user:ada` for `@ada`, in the order of their naming.

    Example:
        >>> mentioned("@ada and @bob.smith, not `@code` or a@example.org; @ada again")
        ['user:ada', 'user:bob.smith']
    """
    return list(dict.fromkeys(f"user:{each}" for each in _MENTION.findall(_CODE.sub(" ", text))))


def _comment(ctx: Context, id: str) -> Comment:
    found = store.find_comment(ctx.tx, id)
    if found is None:
        raise NotFound(f"There is no comment {id[:40]!r}.")
    return found


def _check_subject(subject: str) -> None:
    kind, colon, rest = subject.partition(":")
    if kind not in _KINDS or not colon or not rest.strip() or len(subject) > 600 or not subject.isprintable():
        raise Invalid(
            f"{subject[:80]!r} is nothing to talk about.",
            found="another form than KIND:NAME",
            hint=f"Kinds are {', '.join(_KINDS)}: run:0198…, version:fraud/3",
        )


def _check_text(text: str, *, empty: bool = False) -> None:
    if len(text) > MOST_TEXT or (not empty and not text.strip()):
        raise Invalid(
            "A text has from 1 to 100,000 characters.",
            found=f"{len(text):,}",
            hint="Keep long things as files of a run.",
        )
