"""Scan: propose for each column of a frame what it holds and how carefully it should be handled.

A kind's score is evidence in nats (Good 1950, the weight of evidence): a prior of −4 (one column in fifty), what the
name of the column says, the shape of its values, and for each of them how much likelier it is that a true value passes
the checksum than that a random one of the same shape does. The confidence is the score as a probability. So sixteen
random digits, of which one in ten passes Luhn, are not taken for cards, and a hundred that all pass are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fettle.core.progress import phase
from fettle.privacy.cells import MARK
from fettle.privacy.recognisers import ALL, Recogniser
from fettle.privacy.recognisers.forms import words_of
from fettle.privacy.records import Finding, Scan

SAMPLE = 1000
"""Different values of a column that are looked at, unless all are asked for."""

_PRIOR = -4.0
_MOST = 30.0
_UNLIKELY = re.compile(
    r"_(order|invoice|sku|product|item|part|article|batch|lot|serial|version|build|release|hash|digest|checksum|md5|sha\d*|price|amount|total"
    r"|qty|quantity|count|timestamp|ts|created|updated|modified|tracking|ticket|isbn|ean|upc|barcode|gtin|score|ratio|rate"
    r"|duration|size|bytes|commit|revision|epoch|percent|weight|height|width)_"
)
_AGAINST = -4.0


@dataclass(frozen=True)
class _Score:
    recogniser: Recogniser
    nats: float
    share: float
    hinted: bool

    @property
    def confidence(self) -> float:
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, self.nats))))


def scan(frame: pl.DataFrame, *, name: str = "", sample: int | None = SAMPLE) -> Scan:
    """Propose a class for each column.

    Args:
        frame: Rows as they came.
        name: What the table is called.
        sample: How many different values of a column to look at; None: all.
    """
    return Scan(name, frame.height, look(frame.get_columns(), sample=sample))


def look(columns: Sequence[pl.Series], *, sample: int | None = SAMPLE) -> list[Finding]:
    """What each column seems to hold; kind by kind over all columns, so that patterns are compiled once."""
    looked = [_Looked.at(column, sample) for column in columns]
    with phase("Looking for personal data", total=len(ALL), unit="kinds") as step:
        for one in ALL:
            for each in looked:
                if not each.settled and (score := _score(one, each.different, each.words)) and score.nats > 0:
                    each.scores.append(score)
            step()
    return [each.finding() for each in looked]


@dataclass
class _Looked:
    """One column while it is looked at."""

    name: str
    words: str
    different: pl.Series
    settled: Finding | None
    scores: list[_Score]

    @classmethod
    def at(cls, column: pl.Series, sample: int | None) -> _Looked:
        texts, settled = _texts(column), None
        if texts is None or texts.is_empty():
            texts = pl.Series(column.name, [], dtype=pl.String)
            settled = Finding(column.name, "internal", why="no values that could tell")
        elif bool(texts.str.starts_with(MARK).all()):
            settled = Finding(
                column.name, "personal", "encrypted", 1.0, 1.0, len(texts), "encrypted by fettle"
            )
        different = texts.unique(maintain_order=True)
        if sample is not None and len(different) > sample:
            different = different.sample(sample, seed=7)
        return cls(column.name, words_of(column.name), different, settled, [])

    def finding(self) -> Finding:
        if self.settled:
            return self.settled
        count = len(self.different)
        scores = sorted(self.scores, key=lambda each: (-each.nats, -each.share))
        if not scores:
            return Finding(self.name, "internal", values=count, why="nothing personal was recognised")
        best = scores[0]
        return Finding(
            column=self.name,
            level=best.recogniser.level,
            kind=best.recogniser.kind,
            share=round(best.share, 4),
            confidence=round(best.confidence, 4),
            values=count,
            why=f"{best.share:.0%} of {count:,} values" + (" and the column's name" if best.hinted else ""),
            others=[each.recogniser.kind for each in scores[1:4]],
        )


def _texts(column: pl.Series) -> pl.Series | None:
    """Its values as texts; None for types that hold nothing personal by themselves."""
    kind = column.dtype
    known = column.drop_nulls()
    if kind == pl.String:
        texts = known.str.strip_chars()
        return texts.filter(texts != "")
    if kind.is_float():
        known = known.filter(known.is_finite())
        whole = bool(((known == known.round(0)) & (known.abs() < 1e18)).all())
        return known.cast(pl.Int64).cast(pl.String) if whole and len(known) else known.cast(pl.String)
    if (
        kind.is_integer()
        or kind == pl.Date
        or isinstance(kind, (pl.Datetime, pl.Categorical, pl.Enum, pl.Decimal))
    ):
        return known.cast(pl.String)
    return None


def _score(one: Recogniser, different: pl.Series, words: str) -> _Score | None:
    """The evidence that the values are of the kind; None if too few have its shape."""
    hinted = one.hinted(words)
    left, count = different, len(different)
    passed, shape, nats = 0, 0.0, 0.0
    for form in one.forms:
        matching = left.str.contains(form.pattern)
        found = left.filter(matching)
        left = left.filter(~matching)
        if found.is_empty():
            continue
        good = len(found) if form.check is None else sum(map(form.check, found.to_list()))
        bad = len(found) - good
        named = form.hit < 0.9  # a list that cannot hold them all: the shape counts, the list is evidence
        passed += len(found) if named else good
        shape += form.bonus * (len(found) if named or form.check is None else good)
        if form.check is not None and form.weighs:
            nats += good * math.log(form.hit / form.chance) + bad * math.log(
                (1 - form.hit) / (1 - form.chance)
            )
        if left.is_empty():
            break
    share = passed / count
    if share < one.least or not passed:
        return None
    against = _AGAINST if _UNLIKELY.search(words) and not hinted else 0.0
    total = _PRIOR + shape / passed + max(-_MOST, min(_MOST, nats)) + against + (one.hint if hinted else 0.0)
    return _Score(one, total, share, hinted)
