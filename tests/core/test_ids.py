"""Digests agree with BLAKE3's published vectors; event ids sort by time; names are safe."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle.core import ids
from fettle.core.errors import Invalid


def test_digest_is_blake3_of_the_plain_bytes(tmp_path: Path):
    # BLAKE3 team, test_vectors.json: input_len 0, and input_len 3 (bytes 0, 1, 2).
    assert ids.digest(b"") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert ids.digest(bytes([0, 1, 2])) == "e1be4d7a8ab5560aa4199eea339849ba8e293d55ca0a81006726d184519e647f"
    path = tmp_path / "x"
    path.write_bytes(bytes([0, 1, 2]))
    assert ids.digest_file(path) == ids.digest(bytes([0, 1, 2]))


def test_digest_of_a_value_does_not_depend_on_key_order():
    assert ids.digest_of({"a": 1, "b": [2.5, None]}) == ids.digest_of({"b": [2.5, None], "a": 1})


def test_event_ids_are_version_7_and_strictly_increase():
    made = [ids.event_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(each).version for each in made} == {7}


def test_event_id_carries_the_time_it_is_given():
    at = datetime(1996, 5, 7, tzinfo=UTC)
    early, late = ids.event_id(at), ids.event_id(at + timedelta(milliseconds=1))
    assert early < late
    assert uuid.UUID(early).int >> 80 == int(at.timestamp() * 1000)


@pytest.mark.parametrize("name", ["fraud", "Größe 2", "a", "v1.2-rc+3", "電力"])
def test_good_names_pass(name: str):
    assert ids.check_name("model", name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "a\\b", "../x", "a..b", "x@y", "a\nb", " a", "a ", "-x", "x" * 129, "a:b", "\u202eabc"],
)
def test_dangerous_names_are_refused(name: str):
    with pytest.raises(Invalid):
        ids.check_name("model", name)


@given(st.text(max_size=200))
def test_a_slug_of_anything_is_a_good_name(text: str):
    assert ids.check_name("project", ids.slug(text))
