"""Names and numbers of the on-disk format."""

import json

import pytest

from fettle.core.errors import Invalid, Unavailable
from fettle.data.engine.format import (
    Format,
    binary,
    checked,
    commit_key,
    format_bytes,
    index_key,
    pack_key,
    parse_format,
)


def test_format_json_is_as_documented():
    assert json.loads(format_bytes()) == {
        "version": 1,
        "hash": "blake3-256",
        "pack_bytes": 67108864,
        "chunking": {
            "algorithm": "fastcdc2020",
            "normalization": 1,
            "seed": 0,
            "min": 16384,
            "avg": 65536,
            "max": 131072,
            "whole_below": 262144,
        },
    }
    assert parse_format(format_bytes()) == Format()


@pytest.mark.parametrize("data", [b"", b"{", b'{"version":2}', b'{"version":1,"hash":"md5"}', b"[]"])
def test_other_formats_are_refused(data: bytes):
    with pytest.raises(Unavailable):
        parse_format(data)


def test_keys():
    assert pack_key("ab", "data/") == "data/packs/ab.pack"
    assert index_key("ab", "data/") == "data/index/ab.idx"
    assert commit_key("ab" * 32, "data/") == "data/commits/ab/" + "ab" * 32


@pytest.mark.parametrize("digest", ["", "AB" * 32, "ab" * 31, "../" + "a" * 61, "g" * 64])
def test_digests_are_checked(digest: str):
    with pytest.raises(Invalid):
        checked(digest)
    with pytest.raises(Invalid):
        binary(digest)
