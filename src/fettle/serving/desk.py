"""Where requests are answered: understood, put together in batches, predicted, logged, and only then replied to.

Batching is greedy and adds no delay: whatever arrived in one turn of the event loop is predicted together. Few rows are
predicted in the loop's own thread, which for the models we carry is faster than handing them over; a large request goes
to a side thread so that the small ones need not wait for it. Rows waiting there are bounded: beyond the bound a request
is turned away (429) before any work is done for it.

An answer that cannot be logged is not given: the client gets 503 and may ask again under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns

from fettle.core.clock import Clock
from fettle.core.errors import FettleError, Unavailable
from fettle.serving.forms import Answer, Asked, Form, Row, pick_safe_id
from fettle.serving.labels import read_labels
from fettle.serving.live import Live
from fettle.serving.log import Exchange, PredictionLog, Told
from fettle.serving.meter import Meter

Reply = Callable[[int, bytes, str], None]
"""Receives status, body and request id; called once, in the loop's thread."""

BATCH_ROWS = 32
INLINE_ROWS = 256
WAITING_ROWS = 100_000

log = logging.getLogger("fettle.serving")


class Overloaded(Unavailable):
    """Too many rows are waiting; ask again in a moment."""

    status = 429


class Broken(FettleError):
    """The prediction failed for a reason that is not the request's."""


class Ticket:
    """A request on its way through the desk."""

    __slots__ = ("asked", "form", "reply", "started_ns")

    def __init__(self, asked: Asked, form: Form, reply: Reply, started_ns: int) -> None:
        self.asked = asked
        self.form = form
        self.reply = reply
        self.started_ns = started_ns


class Desk:
    """Answers the requests of one worker. All methods are called in the event loop's thread.

    Args:
        endpoint: The endpoint's name.
        live: The version that answers first.
        log: The worker's prediction log.
        clock: The time of requests, as the log and the monitoring see it.
        meter: Where requests are counted.
    """

    def __init__(self, endpoint: str, live: Live, log: PredictionLog, clock: Clock, meter: Meter) -> None:
        self.endpoint = endpoint
        self.live = live
        self.meter = meter
        self._log = log
        self._clock = clock
        self._queue: list[Ticket] = []
        self._waiting_rows = 0
        self._side = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fettle-predict")

    def swap(self, live: Live) -> None:
        """Let another version answer from the next batch on; safe from any thread (one pointer is set)."""
        self.live = live

    def columns(self) -> list[str]:
        """The live version's input columns."""
        return self.live.columns

    def take(self, form: Form, body: bytes, request_id: str, reply: Reply) -> None:
        """Take a request; `reply` is called when its answer is logged, in this turn of the loop or a later one."""
        started_ns = perf_counter_ns()
        try:
            asked = form.read(body, request_id)
        except FettleError as error:
            self._refuse(Asked(pick_safe_id(request_id), []), form, reply, started_ns, error)
            return
        ticket = Ticket(asked, form, reply, started_ns)
        if len(asked.rows) > INLINE_ROWS:
            self._set_aside(ticket)
            return
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue.append(ticket)

    def label(self, body: bytes) -> int:
        """Log the labels of a `POST /labels` and return how many; see `labels.read_labels` for what is refused."""
        labels = read_labels(body)
        self._log.write(Told(self._clock.now(), labels))
        self.meter.labels += len(labels)
        return len(labels)

    def close(self) -> None:
        """Answer what waits, and end the side thread."""
        self._flush()
        self._side.shutdown(wait=True)

    def _flush(self) -> None:
        queue, self._queue = self._queue, []
        batch: list[Ticket] = []
        count = 0
        for ticket in queue:
            batch.append(ticket)
            count += len(ticket.asked.rows)
            if count >= BATCH_ROWS:
                self._answer(batch)
                batch, count = [], 0
        if batch:
            self._answer(batch)

    def _answer(self, batch: list[Ticket]) -> None:
        live = self.live
        rows = (
            batch[0].asked.rows if len(batch) == 1 else [row for ticket in batch for row in ticket.asked.rows]
        )
        found = predict(live, rows)
        if isinstance(found, FettleError):
            if len(batch) == 1:
                self._refuse(batch[0].asked, batch[0].form, batch[0].reply, batch[0].started_ns, found, live)
                return
            for ticket in batch:  # one bad row must not spoil its neighbours
                self._answer([ticket])
            return
        at = 0
        for ticket in batch:
            count = len(ticket.asked.rows)
            self._give(ticket, found[at : at + count], live)
            at += count

    def _set_aside(self, ticket: Ticket) -> None:
        count = len(ticket.asked.rows)
        if self._waiting_rows + count > WAITING_ROWS:
            found = f"{self._waiting_rows:,} rows"
            error = Overloaded("Too many rows are waiting.", found=found, hint="Ask again soon.")
            self._refuse(ticket.asked, ticket.form, ticket.reply, ticket.started_ns, error)
            return
        self._waiting_rows += count
        loop, live = asyncio.get_running_loop(), self.live
        future = loop.run_in_executor(self._side, predict, live, ticket.asked.rows)

        def done(finished: asyncio.Future[list[Answer] | FettleError]) -> None:
            self._waiting_rows -= count
            found = finished.result()
            if isinstance(found, FettleError):
                self._refuse(ticket.asked, ticket.form, ticket.reply, ticket.started_ns, found, live)
            else:
                self._give(ticket, found, live)

        future.add_done_callback(done)

    def _give(self, ticket: Ticket, answers: list[Answer], live: Live) -> None:
        asked = ticket.asked
        try:
            body = ticket.form.reply(asked, answers, live.served)
        except (
            TypeError,
            ValueError,
            LookupError,
            OverflowError,
        ):  # a model that answers what JSON cannot say
            log.exception("an answer of %s version %s cannot be written", live.model, live.version)
            error = Broken("The answer cannot be written as JSON.", found=f"{answers[0]!r:.80}")
            self._refuse(asked, ticket.form, ticket.reply, ticket.started_ns, error, live)
            return
        error = self._write(asked, ticket.started_ns, 200, live, answers, "")
        if error is not None:
            self._refuse(asked, ticket.form, ticket.reply, ticket.started_ns, error, live, logged=True)
            return
        self.meter.add(live.version, 200, len(asked.rows), (perf_counter_ns() - ticket.started_ns) // 1000)
        ticket.reply(200, body, asked.id)

    def _refuse(
        self,
        asked: Asked,
        form: Form,
        reply: Reply,
        started_ns: int,
        error: FettleError,
        live: Live | None = None,
        *,
        logged: bool = False,
    ) -> None:
        live = live or self.live
        if not logged:
            said = f"{error.message} {error.found}".strip()
            error = self._write(asked, started_ns, error.status, live, [], said) or error
        self.meter.add(live.version, error.status, len(asked.rows), (perf_counter_ns() - started_ns) // 1000)
        reply(error.status, form.refuse(error), asked.id)

    def _write(
        self, asked: Asked, started_ns: int, status: int, live: Live, answers: list[Answer], said: str
    ) -> FettleError | None:
        try:
            self._log.write(
                Exchange(
                    asked.id,
                    self._clock.now(),
                    self.endpoint,
                    live.model,
                    live.version,
                    status,
                    (perf_counter_ns() - started_ns) // 1000,
                    asked.rows,
                    answers,
                    said,
                )
            )
        except FettleError as error:
            return error
        return None


def predict(live: Live, rows: list[Row]) -> list[Answer] | FettleError:
    """Predict, and hand back an error instead of raising it."""
    try:
        return live.predict(rows)
    except FettleError as error:
        return error
    except Exception:  # the outermost loop of a worker: one request must not take the others with it
        log.exception("a prediction of %s version %s failed", live.model, live.version)
        return Broken("The prediction failed.", hint="The endpoint's own log on stderr says why.")
