"""Keep the sketch of a part in a local folder, under the part's digest: what never changes is sketched once.

A sketch holds values of the part (its most frequent and some of its numbers), so it lies beside the cached parts and
nowhere else. Files of another release, or of another polars (whose hashes may differ), are not read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from fettle.data.profiling.slices import SliceSketch

FORM = f"1-{pl.__version__}"


def load(folder: Path | None, digest: str) -> SliceSketch | None:
    """The kept sketch of a part, or None if there is none that can be read."""
    if folder is None or not digest:
        return None
    try:
        return msgspec.msgpack.decode(_place(folder, digest).read_bytes(), type=SliceSketch, dec_hook=_array)
    except (OSError, msgspec.DecodeError):
        return None


def save(folder: Path | None, digest: str, sketch: SliceSketch) -> None:
    """Keep the sketch of a part; a folder that cannot be written keeps none."""
    if folder is None or not digest:
        return
    place = _place(folder, digest)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.msgpack.encode(sketch, enc_hook=_plain))
        fresh.replace(place)
    except OSError:
        return


def _place(folder: Path, digest: str) -> Path:
    return folder / FORM / digest[:2] / f"{digest}.sketch"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [value.dtype.str, value.tobytes()]
    raise NotImplementedError(f"a sketch holds no {type(value).__name__}")


def _array(_: Any, value: Any) -> Any:
    kind, data = value
    return np.frombuffer(data, dtype=np.dtype(kind))
