"""Images as the bytes of a file: what is an image file stays, arrays become PNG."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from fettle.core.errors import Invalid

_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "webp"}
_COLORS = {1: 0, 3: 2, 4: 6}
"""Channels → the colour type of PNG (ISO/IEC 15948, section 11.2.2): grey, RGB, RGBA."""


def encoded(image: Any) -> tuple[str, bytes]:
    """The kind of file (`png`, `jpg`, …) and its bytes.

    Args:
        image: See `Files.log_image`.

    Raises:
        Invalid: It is no image, or has another shape.
    """
    if isinstance(image, str | Path):
        path = Path(image)
        if not path.is_file():
            raise Invalid(f"{path} cannot be kept as an image.", found="no such file")
        image = path.read_bytes()
    if isinstance(image, bytes | bytearray):
        return _kind(bytes(image)), bytes(image)
    if callable(getattr(image, "save", None)) and hasattr(image, "mode"):
        buffer = io.BytesIO()
        (image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else image.convert("RGB")).save(
            buffer, "PNG"
        )
        return "png", buffer.getvalue()
    return "png", png(image)


def png(array: Any) -> bytes:
    """An array as PNG (ISO/IEC 15948): one IDAT, no filter.

    Args:
        array: See `Files.log_image`.
    """
    import numpy as np

    pixels = _pixels(array)
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # the first byte of a row: no filter
    rows[:, 1:] = pixels.reshape(height, width * channels)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLORS[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    )


def _pixels(array: Any) -> Any:
    """Height × width × channels of uint8."""
    import numpy as np

    if hasattr(array, "detach"):  # torch
        array = array.detach().cpu().numpy()
    try:
        values = np.asarray(array)
    except ValueError as error:
        raise Invalid("That is no image.", found="rows of different lengths") from error
    if values.ndim == 2:
        values = values[:, :, None]
    elif values.ndim == 3 and values.shape[-1] not in _COLORS and values.shape[0] in _COLORS:
        values = values.transpose(1, 2, 0)
    fits = values.ndim == 3 and values.shape[-1] in _COLORS and values.size and values.dtype.kind in "biuf"
    if not fits:
        raise Invalid(
            "That is no image.",
            found=f"{type(array).__name__} of shape {getattr(values, 'shape', '?')}, {values.dtype}",
            hint="Give height × width, or height × width × 1, 3 or 4, of uint8 or of floats from 0 to 1.",
        )
    if values.dtype.kind in "bf":
        scaled = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _kind(data: bytes) -> str:
    for begin, kind in _KINDS.items():
        if data.startswith(begin) and (kind != "webp" or data[8:12] == b"WEBP"):
            return kind
    raise Invalid(
        "Those bytes are no image.",
        found=f"{len(data):,} bytes that begin with {data[:8]!r}",
        hint="Give PNG, JPEG, GIF or WebP; other files go with run.log_artifact.",
    )
