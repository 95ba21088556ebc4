"""How long and how large a query may be that somebody else has written: it is interrupted, and says why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from fettle.core.errors import Invalid
from fettle.core.units import duration_text

TIME_S = 60.0
"""A query that runs longer is stopped."""
MEMORY = "2GB"
"""What a query may hold in memory, as DuckDB writes sizes; it writes nothing to the disk."""
LEAST_ROWS = 1_000_000
"""A query may give as many rows as the table has, and always so many."""
_AGAIN_S = 0.1


@contextmanager
def interrupted_after(connection: duckdb.DuckDBPyConnection, time_s: float) -> Iterator[None]:
    """Within the context, stop what the connection does once the time is over.

    A thread interrupts it, again and again, because an interruption between two statements is forgotten.

    Args:
        connection: Whose queries are stopped.
        time_s: In seconds.

    Raises:
        Invalid: It took longer.
    """
    done, late = threading.Event(), threading.Event()

    def watch() -> None:
        if done.wait(time_s):
            return
        late.set()
        while not done.wait(_AGAIN_S):
            connection.interrupt()

    watcher = threading.Thread(target=watch, name="query limit", daemon=True)
    watcher.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not late.is_set():
            raise
        raise Invalid(
            f"The query took longer than {duration_text(time_s)} and was stopped.",
            found="a query that is too large, or does not end",
            hint="Select from `data` alone, join by equal keys, and leave out series such as range(…).",
        ) from error
    finally:
        done.set()
        watcher.join()
