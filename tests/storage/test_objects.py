"""Objects whose content does not match their name are never handed out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fettle.core.errors import Invalid, NotFound, Unavailable
from fettle.storage import fetch_object, get_object, object_key, open_blobs, put_object


def test_damage_is_detected_wherever_it_is(tmp_path: Path) -> None:
    store = open_blobs(tmp_path / "blobs")
    digest = put_object(store, b"precious")
    path = tmp_path / "blobs" / object_key(digest)
    for position in range(8):
        data = bytearray(b"precious")
        data[position] ^= 1
        path.write_bytes(data)
        with pytest.raises(Unavailable, match="damaged"):
            get_object(store, digest)
        with pytest.raises(Unavailable, match="damaged"):
            fetch_object(store, digest, tmp_path / "copy")
    assert [each.name for each in tmp_path.iterdir()] == ["blobs"]


def test_a_missing_object_and_a_wrong_name_are_told_apart(tmp_path: Path) -> None:
    store = open_blobs(tmp_path / "blobs")
    with pytest.raises(NotFound, match="no object"):
        get_object(store, "0" * 64)
    with pytest.raises(NotFound, match="no object"):
        fetch_object(store, "0" * 64, tmp_path / "copy")
    for wrong in ("", "abc", "Z" * 64, "../" + "0" * 61):
        with pytest.raises(Invalid, match="not a digest"):
            get_object(store, wrong)
