"""Encrypted cells: texts that say whose they are, and open only under that subject's key.

    enc1.<subject>.<AES-SIV of type and value, base 64>

The same value of one subject is the same text, in every dataset and at every ingest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from fettle.core.errors import Invalid
from fettle.privacy.ciphers import Cipher
from fettle.privacy.treatments.texts import as_text

MARK = "enc1."
ERASED = "[erased]"

_TAGS: dict[type[pl.DataType], bytes] = {
    pl.String: b"s",
    pl.Boolean: b"b",
    pl.Date: b"d",
    pl.Datetime: b"t",
    pl.Float64: b"f",
    pl.Float32: b"f",
    pl.Categorical: b"s",
    pl.Enum: b"s",
    pl.Decimal: b"n",
}


def cipher_of(subject: str, key: bytes) -> Cipher:
    """What seals and opens the cells of a subject."""
    return Cipher(key, f"cell:{subject}")


def encrypt(values: pl.Series, subjects: pl.Series, keys: Mapping[str, bytes]) -> pl.Series:
    """Encrypt each value under the key of its row's subject; each different pair once.

    Args:
        values: What to encrypt.
        subjects: Random name of each row's subject; null where the subject is erased, and the cell becomes missing.
        keys: Name → key.
    """
    tag = _tag(values)
    pairs = pl.DataFrame({"who": subjects, "text": _exact(values)})
    different = pairs.drop_nulls().unique()
    ciphers: dict[str, Cipher] = {}
    cells: list[str] = []
    for who, text in different.iter_rows():
        if who not in ciphers:
            ciphers[who] = cipher_of(who, keys[who])
        cells.append(f"{MARK}{who}.{ciphers[who].seal(tag + text.encode('utf-8'))}")
    table = different.with_columns(cell=pl.Series(cells, dtype=pl.String))
    joined = pairs.join(table, on=["who", "text"], how="left", maintain_order="left")
    return joined.get_column("cell").alias(values.name)


def is_encrypted(values: pl.Series) -> bool:
    """Whether a column holds encrypted cells."""
    return values.dtype == pl.String and bool(values.str.starts_with(MARK).any())


def subjects_in(values: pl.Series) -> list[str]:
    """The subjects whose cells a column holds."""
    return sorted(values.str.extract(r"^enc1\.([^.]+)\.").drop_nulls().unique().to_list())


def decrypt(values: pl.Series, keys: Mapping[str, bytes]) -> pl.Series:
    """Decrypt a column; cells whose subject has no key become `[erased]`, or missing in a column that was no text.

    Raises:
        Invalid: A cell does not open under its subject's key: it was changed.
    """
    different = values.filter(values.str.starts_with(MARK)).unique()
    ciphers = {subject: cipher_of(subject, key) for subject, key in keys.items()}
    opened = [_opened(cell, ciphers, values.name) for cell in different.to_list()]
    tags = {tag for tag, _ in opened if tag}
    text = tags <= {"s"} or len(tags) > 1
    table = pl.DataFrame(
        {
            "cell": different,
            "plain": pl.Series(
                [ERASED if tag is None and text else plain for tag, plain in opened], dtype=pl.String
            ),
        }
    )
    joined = values.to_frame("cell").join(table, on="cell", how="left", maintain_order="left")
    known = joined.get_column("plain")
    if text:
        plain_there = values.is_not_null() & ~values.str.starts_with(MARK)
        known = pl.select(pl.when(plain_there).then(values).otherwise(known)).to_series()
    return _typed(known, "" if text else tags.pop()).alias(values.name)


def _opened(cell: str, ciphers: Mapping[str, Cipher], column: str) -> tuple[str | None, str | None]:
    _, subject, sealed = cell.split(".", 2)
    if subject not in ciphers:
        return None, None
    plain = ciphers[subject].open(sealed)
    if plain is None:
        raise Invalid(
            f"A value of the column {column!r} does not open under the key of its subject.",
            found=f"a changed value of {subject}",
            hint="Restore the column from the version it came from.",
            subject=f"column:{column}",
        )
    return plain[:1].decode(), plain[1:].decode("utf-8")


def _tag(values: pl.Series) -> bytes:
    if values.dtype.is_integer():
        return b"i"
    tag = _TAGS.get(values.dtype.base_type())
    if tag is None:
        raise Invalid(
            f"The column {values.name!r} cannot be encrypted.",
            found=f"values of the type {values.dtype}",
            hint="Texts, numbers, booleans, dates and times can.",
            subject=f"column:{values.name}",
        )
    return tag


def _exact(values: pl.Series) -> pl.Series:
    """Texts that read back to exactly the value."""
    if values.dtype.is_float():
        return pl.Series([None if each is None else repr(each) for each in values.to_list()], dtype=pl.String)
    if isinstance(values.dtype, pl.Datetime):
        wall = values.dt.convert_time_zone("UTC") if values.dtype.time_zone else values
        zone = "Z" if values.dtype.time_zone else ""
        return wall.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.6f{zone}")
    if values.dtype == pl.Boolean:
        return values.cast(pl.Int8).cast(pl.String)
    return as_text(values)


def _typed(texts: pl.Series, tag: str) -> pl.Series:
    if tag in ("", "s"):
        return texts
    read: dict[str, Any] = {
        "i": int,
        "f": float,
        "b": lambda text: text == "1",
        "d": date.fromisoformat,
        "t": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
        "n": Decimal,
    }
    return pl.Series(texts.name, [None if each is None else read[tag](each) for each in texts.to_list()])
