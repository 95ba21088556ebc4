"""Objects of a bucket of others: one, a folder, a glob; read only."""

from urllib.parse import urlsplit

import pytest

from fettle.core.errors import Denied, Invalid, NotFound, Unavailable
from fettle.data import ingest


@pytest.fixture
def bucket(fresh_s3_url, tmp_path, monkeypatch):
    """A bucket with some objects: the client, its name and the address of a key."""
    import boto3

    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    name, endpoint = urlsplit(fresh_s3_url).netloc, fresh_s3_url.partition("endpoint=")[2]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for key, body in {
        "sales/2024/a.csv": b"id,v\n1,x\n",
        "sales/2024/b.csv": b"id,v\n2,y\n",
        "sales/_SUCCESS": b"done",
        "sales/2025/c.csv": b"id,v\n3,z\n",
        "odd name.jsonl": b'{"id":1}\n{"id":2}\n',
    }.items():
        client.put_object(Bucket=name, Key=key, Body=body)

    def address(key: str, more: str = "") -> str:
        return f"s3://{name}/{key}?endpoint={endpoint}{more}"

    return client, name, address


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        ("sales/2024/a.csv", [1]),
        ("sales/2024/", [1, 2]),
        ("sales/2024", [1, 2]),
        ("sales/*/*.csv", [1, 2, 3]),
        ("sales/**/*.csv", [1, 2, 3]),
        ("sales/2024/[b-z].csv", [2]),
        ("odd name.jsonl", [1, 2]),
    ],
)
def test_an_object_a_folder_or_a_glob_is_one_table(bucket, key, ids):
    _, _, address = bucket

    found = ingest.read(address(key))

    assert found.frame["id"].to_list() == ids
    assert found.source.name == address(key)


def test_an_object_is_fetched_again_only_if_it_changed(bucket):
    client, name, address = bucket
    first = ingest.read(address("sales/2024/a.csv"))
    same = ingest.read(address("sales/2024/a.csv"))
    client.put_object(Bucket=name, Key="sales/2024/a.csv", Body=b"id,v\n9,q\n")

    changed = ingest.read(address("sales/2024/a.csv"))

    assert first.source == same.source
    assert first.source.etag
    assert changed.frame["id"].to_list() == [9]
    assert changed.source.etag != first.source.etag


@pytest.mark.parametrize(
    ("key", "kind", "said"),
    [
        ("sales/2024/z.csv", NotFound, "nothing at"),
        ("sales/*.parquet", NotFound, "nothing at"),
        ("sales/_SUCCESS", Invalid, "has no rows"),
    ],
)
def test_what_is_not_there_is_told(bucket, key, kind, said):
    _, _, address = bucket

    with pytest.raises(kind, match=said):
        ingest.read(address(key))


def test_too_much_is_not_fetched(bucket):
    _, _, address = bucket

    with pytest.raises(Invalid, match="too large"):
        ingest.read(address("sales/2024/"), max_bytes=10)


def test_keys_of_the_environment_are_not_said(bucket, monkeypatch, caplog):
    _, _, address = bucket
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-key")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAVERYSECRET")

    with pytest.raises((NotFound, Denied, Unavailable)) as caught:
        ingest.read(address("none/x.csv").replace("s3://", "s3://nobodys-"))

    shown = f"{caught.value} {caught.value.__cause__!r} {caplog.text}"
    assert "very-secret-key" not in shown
    assert "AKIAVERYSECRET" not in shown


def test_an_unknown_option_is_refused(bucket):
    _, _, address = bucket

    with pytest.raises(Invalid, match="does not name a bucket"):
        ingest.read(address("x.csv", "&colour=red"))
