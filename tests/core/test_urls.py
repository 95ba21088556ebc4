"""Addresses are shown without what gives access."""

import pytest

from fettle.core.urls import shown


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:hunter2@host:5432/db", "postgresql://ada:•••@host:5432/db"),
        ("postgresql://ada@host/db", "postgresql://ada@host/db"),
        ("https://token@host/x?sig=abc#part", "https://•••@host/x?sig=•••"),
        ("s3://bucket/prefix?endpoint=http://127.0.0.1:9000&secret=x", None),
        ("/home/ada/store", "/home/ada/store"),
        ("postgresql://a:b@h/d?blobs=s3%3A%2F%2Fkey%3Asecret%40bucket%2Fp", None),
    ],
)
def test_what_gives_access_is_hidden(url: str, said: str | None):
    found = shown(url)
    assert said is None or found == said
    assert not any(each in found for each in ("hunter2", "token@", "abc", "=x", "key:secret"))
