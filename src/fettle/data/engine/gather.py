"""Frames copied as they are, from packs of one repository into new packs of another or the same."""

from __future__ import annotations

from collections.abc import Iterable

from fettle.data.engine.frames import Wanted, runs, verified
from fettle.data.engine.repository import Repository
from fettle.data.engine.writer import Writer


def gather(source: Repository, wanted: Iterable[Wanted], writer: Writer) -> int:
    """Copy frames of one pack, each verified; the bytes copied.

    Raises:
        Unavailable: One is damaged.
    """
    ordered = sorted(wanted, key=lambda each: each[1].offset)
    copied = 0
    for run in runs(ordered):
        for (digest, frame), stored in zip(run, source.frames.run(run), strict=True):
            verified(digest, frame, stored)
            writer.adopt(digest, frame, stored)
            copied += frame.stored
    return copied
