"""Secrets come from the environment and go nowhere else."""

import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.sources.addresses import connection_address, redacted, source_address, without_query

ENVIRON = {
    "PW": "s3cr&t word",
    "WEB": "https://ada:hunter22@example.org/x.csv?token=abcdef",
    "FETTLE_CONNECTION_WARE_HOUSE": "postgresql://ada:${PW}@host:5432/db?sslmode=require",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-value",
}


@pytest.mark.parametrize(
    "source",
    [
        "postgresql://ada:hunter22@host/db",
        "https://ada:hunter22@example.org/x.csv",
        "https://hunter22@example.org/x.csv",
        "https://example.org/x.csv?token=hunter22",
        "https://example.org/x.csv?X-Amz-Signature=hunter22",
        "https://example.org/x.csv?accessToken=hunter22",
        "https://example.org/x.csv?u=hunter22abcdefghijklmnopqrstuvwxyz0123",
    ],
)
def test_a_secret_in_a_source_is_refused_and_not_repeated(source):
    with pytest.raises(Invalid) as caught:
        source_address(source, ENVIRON)

    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in redacted(source)
    assert "•••" in redacted(source)


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/x.csv?table=monkey&author=ada&design=new&page=12",
        "postgresql://ada@host/db?table=public.orders&host=/var/run/postgresql-14-main",
        "s3://bucket/x.csv?endpoint=http://127.0.0.1:9000&region=eu-central-1",
        "https://example.org/x.csv?token=${PW}",
        "postgresql://ada:${PW}@host/db",
    ],
)
def test_what_is_no_secret_stays_as_it_is(source):
    assert source_address(source, ENVIRON).shown == source


def test_a_variable_is_filled_in_and_never_shown():
    address = source_address("${WEB}", ENVIRON)

    assert address.url == ENVIRON["WEB"]
    assert address.shown == "${WEB}"
    for words in (ENVIRON["WEB"], "login ada:hunter22 failed", "bad token abcdef", "key aws-secret-value"):
        assert not any(
            secret in address.scrub(words) for secret in ("hunter22", "abcdef", "aws-secret-value")
        )


def test_a_connection_is_named_and_its_address_never_shown():
    address = connection_address("ware-house", ENVIRON)

    assert address.url == "postgresql://ada:s3cr&t word@host:5432/db?sslmode=require"
    assert address.shown == "ware-house"
    assert "s3cr" not in address.scrub("no: s3cr&t word, s3cr%26t%20word, s3cr%26t+word")


def test_an_address_given_as_connection_is_shown_without_its_secret():
    address = connection_address("postgresql://ada:hunter22@host/db?password=hunter23", ENVIRON)

    assert address.shown == "postgresql://ada:•••@host/db?password=•••"
    assert "hunter2" not in address.scrub("hunter22 hunter23")


def test_what_is_not_set_is_told():
    with pytest.raises(NotFound, match="NOWHERE is not set"):
        source_address("https://example.org/${NOWHERE}", ENVIRON)
    with pytest.raises(NotFound) as caught:
        connection_address("warehouse", ENVIRON)
    assert "FETTLE_CONNECTION_WAREHOUSE is not set; known: ware_house" in caught.value.found
    assert "hunter" not in str(caught.value)


def test_parameters_are_taken_out_of_an_address():
    assert without_query("sqlite:///shop.db?table=orders", "table") == (
        "sqlite:///shop.db",
        {"table": "orders"},
    )
    assert without_query("postgresql:///db?a=1&table=x%20y&host=/tmp", "table") == (
        "postgresql:///db?a=1&host=/tmp",
        {"table": "x y"},
    )
