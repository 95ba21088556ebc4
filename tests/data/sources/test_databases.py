"""Tables of other databases come in with right types, nothing is written there, and no secret is said."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from fettle.core.errors import Denied, Invalid, NotFound, Unavailable
from fettle.data import ingest
from fettle.data.sources import databases

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A database file in the current folder."""
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("shop.db") as connection:
        connection.execute(
            "CREATE TABLE orders "
            "(id INTEGER PRIMARY KEY, at DATETIME, paid BOOLEAN, price DECIMAL, note TEXT, raw BLOB)"
        )
        rows = [("2024-05-01 12:00:00", 1, 3.5, "x", b"\x01\xff"), (None, 0, 4, None, None)]
        connection.executemany("INSERT INTO orders (at, paid, price, note, raw) VALUES (?, ?, ?, ?, ?)", rows)
    return "shop.db"


def test_a_sqlite_file_is_a_source(shop):
    found = ingest.read(shop)

    assert found.frame.rows() == [(1, NOON, True, 3.5, "x", "01ff"), (2, None, False, 4.0, None, None)]
    assert (found.source.name, found.source.kind) == ("shop.db#orders", "sqlite")
    assert found.source.digest == ingest.source_of(shop).digest


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("shop.db#orders", {}),
        ("shop.db", {"sheet": "orders"}),
        ("sqlite:///shop.db?table=orders", {}),
        ("orders", {"connection": "sqlite:///shop.db"}),
        ("SELECT * FROM orders;", {"connection": "SHOP"}),
        ("", {"connection": "sqlite:///shop.db?table=orders"}),
    ],
)
def test_a_table_may_be_named_in_many_ways(shop, monkeypatch, source, options):
    monkeypatch.setenv("FETTLE_CONNECTION_SHOP", "sqlite:///shop.db")

    assert ingest.read(source, **options).frame["id"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("source", "connection", "kind", "said"),
    [
        ("shop.db#ordrs", "", NotFound, "Did you mean 'orders'?"),
        ("none.db#orders", "", NotFound, "none.db"),
        ("sqlite:///none.db?table=a", "", NotFound, "none.db"),
        ("SELECT * FROM nowhere", "sqlite:///shop.db", NotFound, "nowhere"),
        ("SELECT x FROM orders", "sqlite:///shop.db", Invalid, "no such column: x"),
        ("SELECT * FROM orders WHERE id > 9", "sqlite:///shop.db", Invalid, "no rows"),
        ("WITH a AS (SELECT 1) INSERT INTO orders (id) SELECT 9", "sqlite:///shop.db", Denied, "readonly"),
        ("SELECT 1; DROP TABLE orders", "sqlite:///shop.db", Invalid, "one statement"),
        ("orders", "https://example.org", Invalid, "is no database"),
    ],
)
def test_a_wrong_wish_is_refused_in_words(shop, source, connection, kind, said):
    with pytest.raises(kind) as caught:
        ingest.read(source, connection=connection)

    assert said in str(caught.value)
    assert ingest.read("shop.db").frame.height == 2


def test_a_file_of_several_tables_asks_which(shop):
    with sqlite3.connect(shop) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")

    with pytest.raises(Invalid, match="which one") as caught:
        ingest.read(shop)

    assert caught.value.found == "customers, orders"


def test_values_of_other_types_than_declared_are_told_with_their_row(shop):
    with sqlite3.connect(shop) as connection:
        connection.executemany("INSERT INTO orders (price) VALUES (?)", [(each,) for each in range(30)])
        connection.execute("INSERT INTO orders (price) VALUES ('abc')")

    with pytest.raises(Invalid) as caught:
        ingest.read(shop)

    assert "'abc'; the first in row 33" in caught.value.found
    assert ingest.read(shop, mixed="missing").frame["price"][-1] is None


# --- PostgreSQL

TYPES = """
CREATE TYPE mood AS ENUM ('fine', 'so-so');
CREATE SCHEMA "Other Room";
CREATE TABLE "Other Room"."My Table" (a int);
INSERT INTO "Other Room"."My Table" VALUES (1);
CREATE TABLE every (
    id bigint PRIMARY KEY, small smallint, price numeric(12, 2), whole numeric(20, 0), ratio float8, real real,
    ok boolean, name text, code char(3), day date, at timestamp, zoned timestamptz, clock time, span interval,
    raw bytea, tags text[], doc json, docb jsonb, mood mood, key uuid, address inet, range int4range,
    nothing int, none text
);
INSERT INTO every VALUES
    (1, 2, 3.50, 12345678901234567, 1.5, 0.5, true, 'Ä', 'ab', '2024-05-01', '2024-05-01 12:00', '2024-05-01 14:00+02',
     '12:30', '1 hour', '\\x01ff', '{a,"b c"}', '{"k": [1]}', '{"k": null}', 'fine',
     '00000000-0000-0000-0000-000000000007', '10.0.0.1', '[1,3)', null, null);
INSERT INTO every (id, price, ratio) VALUES (2, 'NaN', 'NaN');
"""


@pytest.fixture
def postgres(fresh_postgres_url, monkeypatch) -> str:
    """A PostgreSQL database with a table of many types, known as the connection `warehouse`."""
    with psycopg.connect(fresh_postgres_url, autocommit=True) as connection:
        connection.execute(TYPES.encode())
    monkeypatch.setenv("FETTLE_CONNECTION_WAREHOUSE", fresh_postgres_url)
    return fresh_postgres_url


def test_postgresql_types_come_in_as_they_are_meant(postgres):
    found = ingest.read("every", connection="warehouse")
    row = found.frame.row(0, named=True)

    assert {name: row[name] for name in ("id", "small", "price", "whole", "ratio", "real", "ok", "name", "code")} == {
        "id": 1, "small": 2, "price": 3.5, "whole": 12345678901234567, "ratio": 1.5, "real": 0.5, "ok": True,
        "name": "Ä", "code": "ab ",
    }  # fmt: skip
    assert (row["day"], row["at"], row["zoned"]) == (date(2024, 5, 1), NOON, NOON)
    assert (row["clock"], row["span"], row["raw"]) == ("12:30:00", 3600.0, "01ff")
    assert (row["tags"], row["doc"], row["docb"]) == ('["a","b c"]', '{"k":[1]}', '{"k":null}')
    assert (row["mood"], row["key"][-1], row["address"], row["range"]) == ("fine", "7", "10.0.0.1", "[1, 3)")
    assert found.frame.row(1)[1:] == (None,) * 23
    assert (str(found.frame.schema["nothing"]), str(found.frame.schema["none"])) == ("Int64", "String")
    assert found.source.name == "warehouse: every"


def test_postgresql_answers_a_query_a_schema_and_an_address(postgres, monkeypatch):
    query = "SELECT id * 2 AS twice FROM every ORDER BY id"

    assert ingest.read(query, connection="warehouse").frame["twice"].to_list() == [2, 4]
    assert ingest.read("Other Room.My Table", connection="warehouse").frame.rows() == [(1,)]
    monkeypatch.setenv("WAREHOUSE", postgres)
    mark = "&" if "?" in postgres else "?"
    found = ingest.read("${WAREHOUSE}" + f"{mark}table=every")
    assert found.source.name == "${WAREHOUSE}" + f"{mark}table=every"


def test_many_batches_are_one_table(postgres, monkeypatch):
    monkeypatch.setattr(databases, "BATCH_ROWS", 7)

    found = ingest.read(
        "SELECT i, CASE WHEN i > 50 THEN i / 2.0 END AS half FROM generate_series(1, 100) i",
        connection="warehouse",
    )

    assert found.frame["i"].to_list() == list(range(1, 101))
    assert found.frame["half"].null_count() == 50


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("evry", NotFound, "Did you mean 'every'?"),
        ("SELECT nothing_such FROM every", Invalid, "nothing_such"),
        ("WITH gone AS (DELETE FROM every RETURNING id) SELECT * FROM gone", Invalid, "data-modifying"),
        ("SELECT 1; COMMIT; DROP TABLE every", Invalid, "multiple commands"),
        ("SELECT 'infinity'::date AS d", Invalid, "NULLIF(column, 'infinity')"),
        ("SELECT 1/0 AS broken", Invalid, "division by zero"),
    ],
)
def test_postgresql_refuses_in_words_and_is_not_changed(postgres, source, kind, said):
    with pytest.raises(kind) as caught:
        ingest.read(source, connection="warehouse")

    assert said in str(caught.value)
    assert ingest.read("every", connection="warehouse").frame.height == 2


def test_a_user_without_rights_is_denied(postgres, monkeypatch):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(b"CREATE ROLE ada LOGIN PASSWORD 'hunter22'")
    parts = urlsplit(postgres)
    host = parts.netloc.rpartition("@")[2]
    monkeypatch.setenv("FETTLE_CONNECTION_ADA", urlunsplit(parts._replace(netloc=f"ada:hunter22@{host}")))
    try:
        with pytest.raises(Denied, match="does not allow") as caught:
            ingest.read("every", connection="ada")
        assert "hunter22" not in str(caught.value)
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(b"DROP ROLE ada")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_is_told_without_the_password(monkeypatch, caplog, scheme):
    caplog.set_level(logging.DEBUG)
    secret = "hunter22 &/:@"
    monkeypatch.setenv("FETTLE_CONNECTION_GONE", f"{scheme}://ada:{quote(secret, safe='')}@127.0.0.1:1/db")

    with pytest.raises(Unavailable) as caught:
        ingest.read("SELECT 1 AS a", connection="gone")

    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__} {caplog.text}"
    assert "hunter22" not in shown


# --- MySQL

ROWS = [
    {"id": 1, "name": "Ä", "price": 3.5, "big": 2**63 - 1, "at": datetime(2024, 5, 1, 12), "day": date(2024, 5, 1)},
    {"id": 2, "name": None, "price": None, "big": 7, "at": None, "day": None},
]  # fmt: skip


@pytest.fixture(scope="module")
def mysql() -> Iterator[str]:
    """A server that speaks MySQL's protocol, in a thread; its URL."""
    mimic = pytest.importorskip("mysql_mimic")
    from mysql_mimic.results import ResultColumn  # noqa: F401 - part of what must be there

    class Shop(mimic.Session):
        async def query(self, expression, sql, attrs):
            if "orders" in sql:
                return [tuple(row.values()) for row in ROWS], list(ROWS[0])
            return [], []

        async def schema(self):
            return {"shop": {"orders": {name: "TEXT" for name in ROWS[0]}}}

    ready, port = threading.Event(), []

    def run() -> None:
        async def main() -> None:
            server = mimic.MysqlServer(session_factory=Shop, port=0)
            await server.start_server(host="127.0.0.1", port=0)
            port.append(server._server.sockets[0].getsockname()[1])
            ready.set()
            await server.serve_forever()

        asyncio.run(main())

    threading.Thread(target=run, daemon=True).start()
    assert ready.wait(20)
    yield f"mysql://root@127.0.0.1:{port[0]}/shop"


def test_mysql_is_read_by_table_and_query(mysql, monkeypatch):
    monkeypatch.setenv("FETTLE_CONNECTION_SHOP", mysql)

    found = ingest.read("orders", connection="shop")
    again = ingest.read(f"{mysql}?table=orders")
    queried = ingest.read("SELECT id, name FROM orders", connection="shop")

    assert found.frame["id"].to_list() == [1, 2]
    assert found.frame["name"].to_list() == ["Ä", None]
    assert found.frame["big"].to_list() == [2**63 - 1, 7]
    assert (found.frame["price"][0], found.frame["at"][0], found.frame["day"][0]) == (
        3.5,
        NOON,
        date(2024, 5, 1),
    )
    assert found.frame.equals(again.frame)
    assert queried.source.name == "shop: SELECT id, name FROM orders"
