"""The treatments that need no key: the same value always becomes the same, in every workspace."""

from __future__ import annotations

import polars as pl

from fettle.privacy.records import Bin, Generalise, Partial, Redact
from fettle.privacy.treatments import coarsen, texts

Keyless = Redact | Partial | Generalise | Bin


def treat(values: pl.Series, rule: Keyless) -> pl.Series:
    """The values as the rule wants them.

    Raises:
        Invalid: The rule does not suit the values.
    """
    match rule:
        case Redact():
            return texts.redact(values, rule)
        case Partial():
            return texts.partial(values, rule)
        case Generalise():
            return coarsen.generalise(values, rule)
        case Bin():
            return coarsen.bins(values, rule)
