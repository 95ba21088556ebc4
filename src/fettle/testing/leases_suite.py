"""What every `Leases` must do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from fettle.core.clock import Clock, FrozenClock
from fettle.core.errors import Conflict
from fettle.storage.ports import Database, Leases

OpenLeases = Callable[[Database, Clock], Leases]
OpenDatabase = Callable[[], Database]


class LeasesSuite:
    """Subclass, and provide the fixtures `open_database` and `open_leases` (which takes a database and a clock)."""

    @pytest.fixture
    def clock(self) -> FrozenClock:
        return FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))

    @pytest.fixture
    def db(self, open_database: OpenDatabase) -> Iterator[Database]:
        opened = open_database()
        yield opened
        opened.close()

    @pytest.fixture
    def leases(self, db: Database, open_leases: OpenLeases, clock: FrozenClock) -> Leases:
        return open_leases(db, clock)

    def test_a_taken_lease_is_not_given(self, leases: Leases, clock: FrozenClock) -> None:
        grant = leases.acquire("loop", "one", 10)
        assert grant is not None
        assert (grant.name, grant.holder, grant.expires_at) == (
            "loop",
            "one",
            clock.now() + timedelta(seconds=10),
        )
        assert leases.acquire("loop", "two", 10) is None
        assert leases.acquire("other", "two", 10) is not None

    def test_an_expired_lease_goes_to_the_next_with_a_higher_token(
        self, leases: Leases, db: Database, clock: FrozenClock
    ) -> None:
        first = leases.acquire("loop", "one", 10)
        clock.advance(10)
        second = leases.acquire("loop", "two", 10)
        assert first is not None
        assert second is not None
        assert second.token > first.token
        with pytest.raises(Conflict, match="no longer held"), db.write() as tx:
            leases.check(tx, first)
        with db.write() as tx:
            leases.check(tx, second)
        with pytest.raises(Conflict):
            leases.renew(first)
        leases.release(first)
        assert leases.acquire("loop", "three", 10) is None

    def test_renewing_keeps_others_out(self, leases: Leases, clock: FrozenClock) -> None:
        grant = leases.acquire("loop", "one", 10)
        assert grant is not None
        for _ in range(5):
            clock.advance(9)
            renewed = leases.renew(grant)
            assert (renewed.token, renewed.expires_at) == (grant.token, clock.now() + timedelta(seconds=10))
            assert leases.acquire("loop", "two", 10) is None
            grant = renewed

    def test_an_overslept_lease_that_nobody_took_can_be_renewed(
        self, leases: Leases, db: Database, clock: FrozenClock
    ) -> None:
        grant = leases.acquire("loop", "one", 10)
        assert grant is not None
        clock.advance(100)
        with db.write() as tx:
            leases.check(tx, grant)
        leases.renew(grant)
        assert leases.acquire("loop", "two", 10) is None

    def test_a_released_lease_is_free_and_its_tokens_go_on_growing(
        self, leases: Leases, db: Database
    ) -> None:
        first = leases.acquire("loop", "one", 10)
        assert first is not None
        leases.release(first)
        leases.release(first)
        with pytest.raises(Conflict), db.write() as tx:
            leases.check(tx, first)
        with pytest.raises(Conflict):
            leases.renew(first)
        second = leases.acquire("loop", "two", 10)
        assert second is not None
        assert second.token > first.token

    def test_a_holder_who_restarts_takes_over_from_itself(self, leases: Leases, db: Database) -> None:
        before = leases.acquire("loop", "one", 1000)
        after = leases.acquire("loop", "one", 1000)
        assert before is not None
        assert after is not None
        assert after.token > before.token
        with pytest.raises(Conflict), db.write() as tx:
            leases.check(tx, before)

    def test_one_of_many_racers_wins(
        self, open_database: OpenDatabase, open_leases: OpenLeases, clock: FrozenClock
    ) -> None:
        databases = [open_database() for _ in range(6)]
        ready = threading.Barrier(len(databases))

        def race(number: int) -> bool:
            leases = open_leases(databases[number], clock)
            ready.wait()
            return leases.acquire("loop", f"racer {number}", 10) is not None

        with ThreadPoolExecutor(len(databases)) as pool:
            assert sum(pool.map(race, range(len(databases)))) == 1
        for each in databases:
            each.close()
