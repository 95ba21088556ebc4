"""What every `Database` must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, insert, select, text, update

from fettle.core.errors import Conflict, FettleError, Invalid
from fettle.storage.columns import At, Json
from fettle.storage.ports import Database, Transaction
from fettle.storage.upserts import insert_new, upsert

OpenDatabase = Callable[[], Database]


class Point(msgspec.Struct, frozen=True):
    """A record to keep as JSON."""

    x: int
    y: float


THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, unique=True),
    Column("count", Integer, nullable=False, default=0),
    Column("at", At),
    Column("body", Json),
    Column("points", Json(list[Point])),
    Index("things_by_count", "count"),
)


def m001_initial(tx: Transaction) -> None:
    tx.create(THINGS)


def m002_default_thing(tx: Transaction) -> None:
    tx.execute(insert(THINGS).values(name="default", count=1))


def m003_breaks(tx: Transaction) -> None:
    tx.execute(update(THINGS).values(count=99))
    raise RuntimeError("the migration broke")


class DatabaseSuite:
    """Subclass, and provide the fixture `open_database`: a function that opens the same, at first empty, database."""

    @pytest.fixture
    def db(self, open_database: OpenDatabase) -> Iterator[Database]:
        opened = open_database()
        opened.migrate("things", [m001_initial])
        yield opened
        opened.close()
        opened.close()

    # --- transactions

    def test_a_table_is_extended_by_the_columns_and_indexes_it_lacks(self, db: Database) -> None:
        wider = Table(
            "things",
            MetaData(),
            *(Column(each.name, each.type) for each in THINGS.columns),
            Column("note", String, nullable=False, server_default="none"),
            Column("weight", Integer, index=True),
        )

        def m002_wider(tx: Transaction) -> None:
            tx.execute(insert(THINGS).values(id=1, name="before", count=1))
            tx.extend(wider)
            tx.extend(wider)

        db.migrate("things", [m001_initial, m002_wider])
        with db.read() as tx:
            row = tx.execute(select(wider)).mappings().one()
        assert (row["name"], row["note"], row["weight"]) == ("before", "none", None)

    def test_what_was_written_is_read_also_by_another_opening(
        self, db: Database, open_database: OpenDatabase
    ) -> None:
        with db.write() as tx:
            tx.execute(insert(THINGS), [{"name": "a"}, {"name": "b"}])
            tx.execute(insert(THINGS).values(name="c"))
            assert names(tx) == ["a", "b", "c"]
        other = open_database()
        with other.read() as tx:
            assert names(tx) == ["a", "b", "c"]
        other.close()

    def test_an_exception_undoes_the_whole_block(self, db: Database) -> None:
        with pytest.raises(RuntimeError, match="never mind"), db.write() as tx:
            tx.execute(insert(THINGS).values(name="a"))
            raise RuntimeError("never mind")
        assert read_names(db) == []
        with db.write() as tx:
            tx.execute(insert(THINGS).values(name="a"))
        assert read_names(db) == ["a"]

    def test_a_duplicate_is_a_conflict_and_dooms_the_transaction(self, db: Database) -> None:
        with db.write() as tx:
            tx.execute(insert(THINGS).values(name="a"))
        with pytest.raises(Conflict), db.write() as tx:
            tx.execute(insert(THINGS).values(name="b"))
            tx.execute(insert(THINGS).values(name="a"))
        with pytest.raises(Conflict, match="failed before"), db.write() as tx:
            with pytest.raises(Conflict):
                tx.execute(insert(THINGS).values(name="a"))
            tx.execute(insert(THINGS).values(name="b"))
        with pytest.raises(Conflict, match="not committed"), db.write() as tx:
            tx.execute(insert(THINGS).values(name="b"))
            with pytest.raises(Conflict):
                tx.execute(insert(THINGS).values(name="a"))
        assert read_names(db) == ["a"]

    def test_a_statement_that_is_wrong_is_an_error_of_ours(self, db: Database) -> None:
        with pytest.raises(FettleError, match="refused a statement"), db.write() as tx:
            tx.execute(text("SELECT * FROM no_such_table"))

    def test_reading_refuses_to_write(self, db: Database) -> None:
        with pytest.raises(FettleError), db.read() as tx:
            tx.execute(insert(THINGS).values(name="a"))
        assert read_names(db) == []

    def test_a_snapshot_does_not_see_what_is_written_after_it_began(self, db: Database) -> None:
        with db.read() as snapshot:
            with db.write() as tx:
                tx.execute(insert(THINGS).values(name="later"))
            assert names(snapshot) == []
            with db.read() as fresh:
                assert names(fresh) == ["later"]
            assert names(snapshot) == []

    def test_readers_do_not_wait_for_a_writer(self, db: Database) -> None:
        with db.write() as tx:
            tx.execute(insert(THINGS).values(name="open"))
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(read_names, db).result(timeout=60) == []

    def test_a_write_in_a_write_is_refused_instead_of_hanging(self, db: Database) -> None:
        with pytest.raises(Invalid, match="inside a write"), db.write(), db.write():
            pass
        with db.write() as tx:
            tx.execute(insert(THINGS).values(name="fine afterwards"))

    def test_a_transaction_cannot_be_used_after_its_block(self, db: Database) -> None:
        with db.write() as tx:
            pass
        with pytest.raises(Invalid, match="over"):
            tx.execute(insert(THINGS).values(name="late"))
        with db.read() as tx:
            pass
        with pytest.raises(Invalid, match="over"):
            names(tx)

    def test_what_a_writer_read_stays_true_until_it_commits(
        self, db: Database, open_database: OpenDatabase
    ) -> None:
        with db.write() as tx:
            tx.execute(insert(THINGS).values(name="counter", count=0))
        databases = [db, open_database(), open_database()]

        def count(each: Database) -> None:
            for _ in range(20):
                with each.write() as tx:
                    value = tx.execute(select(THINGS.c.count).where(THINGS.c.name == "counter")).scalar_one()
                    tx.execute(update(THINGS).where(THINGS.c.name == "counter").values(count=value + 1))

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(count, databases * 2))
        with db.read() as tx:
            assert tx.execute(select(THINGS.c.count)).scalar_one() == 120
        for other in databases[1:]:
            other.close()

    # --- group commit

    def test_submitted_works_answer_after_the_commit(self, db: Database) -> None:
        futures = [db.submit(adding(f"{number:03d}")) for number in range(200)]
        assert [future.result(timeout=60) for future in futures] == [f"{number:03d}" for number in range(200)]
        with db.read() as tx:
            inserted = tx.execute(select(THINGS.c.name).order_by(THINGS.c.id)).scalars().all()
        assert inserted == [f"{number:03d}" for number in range(200)]

    def test_a_failing_work_fails_alone(self, db: Database) -> None:
        def breaks(tx: Transaction) -> None:
            tx.execute(insert(THINGS).values(name="half"))
            raise RuntimeError("mine alone")

        blocked = threading.Event()
        holder = db.submit(lambda tx: blocked.wait(60))  # so that the others gather in one group
        good, bad, twin, also = (db.submit(each) for each in (adding("a"), breaks, adding("a"), adding("b")))
        blocked.set()
        assert holder.result(timeout=60) is True
        assert good.result(timeout=60) == "a"
        assert also.result(timeout=60) == "b"
        with pytest.raises(RuntimeError, match="mine alone"):
            bad.result(timeout=60)
        with pytest.raises(Conflict):
            twin.result(timeout=60)
        assert read_names(db) == ["a", "b"]

    def test_closing_finishes_what_was_submitted(self, db: Database, open_database: OpenDatabase) -> None:
        other = open_database()
        futures = [other.submit(adding(str(number))) for number in range(50)]
        other.close()
        assert all(future.done() and future.exception() is None for future in futures)
        assert len(read_names(db)) == 50
        with pytest.raises(FettleError, match="closed"):
            other.submit(adding("late"))

    # --- migrations

    def test_migrations_run_once_in_order(self, db: Database, open_database: OpenDatabase) -> None:
        db.migrate("things", [m001_initial, m002_default_thing])
        db.migrate("things", [m001_initial, m002_default_thing])
        other = open_database()
        other.migrate("things", [m001_initial, m002_default_thing])
        assert read_names(other) == ["default"]
        other.close()

    def test_rooms_do_not_share_numbers(self, db: Database) -> None:
        db.migrate("other", [m001_initial])
        db.migrate("things", [m001_initial])

    def test_a_broken_migration_changes_nothing_and_can_be_mended(self, db: Database) -> None:
        with pytest.raises(RuntimeError, match="migration broke"):
            db.migrate("things", [m001_initial, m002_default_thing, m003_breaks])
        with db.read() as tx:
            assert tx.execute(select(THINGS.c.count)).scalars().all() == [1]

        def m003_mended(tx: Transaction) -> None:
            tx.execute(update(THINGS).values(count=3))

        db.migrate("things", [m001_initial, m002_default_thing, m003_mended])
        with db.read() as tx:
            assert tx.execute(select(THINGS.c.count)).scalars().all() == [3]

    def test_many_may_migrate_at_once(self, open_database: OpenDatabase) -> None:
        databases = [open_database() for _ in range(6)]
        ready = threading.Barrier(len(databases))

        def migrate(each: Database) -> None:
            ready.wait()
            each.migrate("things", [m001_initial, m002_default_thing])

        with ThreadPoolExecutor(len(databases)) as pool:
            list(pool.map(migrate, databases))
        assert read_names(databases[0]) == ["default"]
        for each in databases:
            each.close()

    def test_an_older_fettle_refuses_newer_tables(self, db: Database) -> None:
        db.migrate("things", [m001_initial, m002_default_thing])
        with pytest.raises(Conflict, match="newer") as caught:
            db.migrate("things", [m001_initial])
        assert "m002_default_thing" in caught.value.found

    def test_migrations_out_of_order_are_refused(self, db: Database) -> None:
        with pytest.raises(Invalid, match="out of order"):
            db.migrate("things", [m002_default_thing, m001_initial])

    # --- columns and statements

    def test_moments_come_back_exactly_in_utc(self, db: Database) -> None:
        moments = [
            datetime(1996, 5, 7, 0, 30, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2262, 1, 1, 12, 0, 0, 1, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=10))),
        ]
        with db.write() as tx:
            tx.execute(insert(THINGS), [{"name": str(number), "at": at} for number, at in enumerate(moments)])
            tx.execute(insert(THINGS).values(name="none", at=None))
        with db.read() as tx:
            found = tx.execute(select(THINGS.c.at).order_by(THINGS.c.id)).scalars().all()
            after = tx.execute(select(THINGS.c.name).where(THINGS.c.at > moments[0])).scalars().all()
        assert found == [*moments, None]
        assert all(each is None or each.tzinfo is UTC for each in found)
        assert sorted(after) == ["2", "3"]
        with pytest.raises(Invalid, match="time zone"), db.write() as tx:
            tx.execute(insert(THINGS).values(name="naive", at=datetime(2026, 1, 1)))

    def test_json_comes_back_as_it_was(self, db: Database) -> None:
        bodies: list[Any] = [{"b": [1, 2.5, None, True], "ä": "日本"}, [], "text", 0, False, 2**53]
        with db.write() as tx:
            for number, body in enumerate(bodies):
                tx.execute(insert(THINGS).values(name=str(number), body=body))
            tx.execute(insert(THINGS).values(name="points", points=[Point(1, 0.1)]))
        with db.read() as tx:
            rows = tx.execute(select(THINGS.c.body, THINGS.c.points).order_by(THINGS.c.id)).all()
        assert [row.body for row in rows] == [*bodies, None]
        assert rows[-1].points == [Point(1, 0.1)]

    def test_upserts_do_not_doom(self, db: Database) -> None:
        with db.write() as tx:
            assert tx.execute(insert_new(THINGS, keys=["name"]), {"name": "a", "count": 1}).rowcount == 1
            assert tx.execute(insert_new(THINGS, keys=["name"]), {"name": "a", "count": 2}).rowcount == 0
            tx.execute(upsert(THINGS, keys=["name"], replace=["count"]), {"name": "a", "count": 3})
            tx.execute(upsert(THINGS, keys=["name"], replace=["count"]), {"name": "b", "count": 4})
        with db.read() as tx:
            rows = tx.execute(select(THINGS.c.name, THINGS.c.count).order_by(THINGS.c.name)).all()
        assert [tuple(row) for row in rows] == [("a", 3), ("b", 4)]


def adding(name: str) -> Callable[[Transaction], str]:
    def add(tx: Transaction) -> str:
        tx.execute(insert(THINGS).values(name=name))
        return name

    return add


def names(tx: Transaction) -> list[str]:
    return list(tx.execute(select(THINGS.c.name).order_by(THINGS.c.name)).scalars())


def read_names(db: Database) -> list[str]:
    with db.read() as tx:
        return names(tx)
