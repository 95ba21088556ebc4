"""What is particular to PostgreSQL: reaching it, losing it, forks."""

from __future__ import annotations

import os
import socket

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text

from fettle.core.errors import FettleError, Invalid, Unavailable
from fettle.storage import Transaction, open_database
from fettle.storage import postgres as backend

NUMBERS = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


def m001_initial(tx: Transaction) -> None:
    tx.create(NUMBERS)


def test_a_server_that_is_not_there_is_named_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PATIENCE_S", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(Unavailable, match="cannot be reached") as caught:
            open_database(f"postgresql://someone:secret@127.0.0.1:{port}/fettle")
    assert "secret" not in str(caught.value)
    assert "someone" in str(caught.value)


def test_a_database_that_is_not_there_is_named(fresh_postgres_url: str) -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        open_database(fresh_postgres_url.replace("/fettle_", "/absent_"))
    assert "does not exist" in caught.value.found


def test_an_unreadable_url_is_invalid() -> None:
    with pytest.raises(Invalid):
        open_database("postgresql://host:not-a-port/name")
    with pytest.raises(Invalid, match="does not name a database"):
        open_database("mysql://host/name")


def test_lost_connections_are_replaced(fresh_postgres_url: str) -> None:
    database, other = open_database(fresh_postgres_url), open_database(fresh_postgres_url)
    database.migrate("numbers", [m001_initial])
    with other.write() as tx:
        killed = tx.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    assert killed >= 1
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=1))
    with database.read() as tx:
        assert tx.execute(select(NUMBERS.c.number)).scalars().all() == [1]
    database.close()
    other.close()


def test_a_connection_lost_within_a_transaction_is_an_error_and_nothing_is_kept(
    fresh_postgres_url: str,
) -> None:
    database = open_database(fresh_postgres_url)
    database.migrate("numbers", [m001_initial])
    with pytest.raises(Unavailable, match="cannot be reached"), database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=1))
        with database.read() as other:
            other.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        tx.execute(insert(NUMBERS).values(number=2))
    with database.read() as tx:
        assert tx.execute(select(NUMBERS.c.number)).scalars().all() == []
    database.close()


def test_a_forked_child_works_on_connections_of_its_own(fresh_postgres_url: str) -> None:
    database = open_database(fresh_postgres_url)
    database.migrate("numbers", [m001_initial])
    child = os.fork()
    if child == 0:
        try:
            with database.write() as tx:
                tx.execute(insert(NUMBERS).values(number=1))
            database.close()
            os._exit(0)
        except FettleError:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.write() as tx:
        tx.execute(insert(NUMBERS).values(number=2))
        assert tx.execute(select(NUMBERS.c.number).order_by(NUMBERS.c.number)).scalars().all() == [1, 2]
    database.close()
