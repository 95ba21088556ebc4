"""The desk: what is put together, what is kept apart, and what happens when a model breaks."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fettle.core.errors import Unavailable
from fettle.serving.desk import BATCH_ROWS, INLINE_ROWS, WAITING_ROWS, Desk
from fettle.serving.endpoint import open_server
from fettle.serving.forms import Predict
from fettle.serving.live import Live
from fettle.serving.log import read
from fettle.serving.records import Prediction
from fettle.workspace import Workspace
from tests.serving.conftest import ENDPOINT

Predicts = Callable[[list[dict]], list[dict]]


@pytest.fixture
def desk(ws: Workspace) -> Iterator[Desk]:
    with open_server(ws, ENDPOINT) as server:
        yield server.station.desk


@pytest.fixture
def row(desk: Desk) -> dict:
    return desk.live.examples[0].row


def ask(desk: Desk, *requests: list[dict]) -> list[tuple[int, dict]]:
    """Ask all at once, in one turn of a loop; the replies in the order of the requests."""

    async def together() -> list[tuple[int, dict]]:
        replies: dict[int, tuple[int, dict]] = {}
        over = asyncio.Event()
        for number, rows in enumerate(requests):

            def reply(status: int, body: bytes, id: str, number: int = number) -> None:
                replies[number] = (status, json.loads(body))
                if len(replies) == len(requests):
                    over.set()

            desk.take(Predict(), json.dumps({"rows": rows}).encode(), "", reply)
        await over.wait()
        return [replies[number] for number in range(len(requests))]

    return asyncio.run(together())


def with_model(live: Live, wrap: Callable[[Predicts], Predicts]) -> Live:
    """The same version behind another way to predict."""
    return dataclasses.replace(live, predict=wrap(live.predict))


def counting(sizes: list[int]) -> Callable[[Predicts], Predicts]:
    def wrap(predict: Predicts) -> Predicts:
        def counted(rows: list[dict]) -> list[dict]:
            sizes.append(len(rows))
            return predict(rows)

        return counted

    return wrap


def raising(error: Exception) -> Callable[[Predicts], Predicts]:
    def wrap(predict: Predicts) -> Predicts:
        def raises(rows: list[dict]) -> Any:
            raise error

        return raises

    return wrap


def logged(ws: Workspace) -> list[Prediction]:
    records = (record for _, _, record in read(ws.folder / "serving" / ENDPOINT))
    return [record for record in records if isinstance(record, Prediction)]


def test_what_arrives_together_is_predicted_together(desk: Desk, row: dict):
    sizes: list[int] = []
    desk.swap(with_model(desk.live, counting(sizes)))
    replies = ask(desk, *[[row]] * 40, [row] * 10)
    assert [status for status, _ in replies] == [200] * 41
    assert sizes == [BATCH_ROWS, 18]
    assert len(replies[40][1]["predictions"]) == 10


def test_each_gets_its_own_answer(desk: Desk, row: dict):
    prices = [-2.0, 0.0, 2.0]
    alone = [ask(desk, [row | {"price": price}])[0][1]["predictions"][0]["probabilities"] for price in prices]
    together = ask(desk, *[[row | {"price": price}] for price in prices])
    for (_, reply), expected in zip(together, alone, strict=True):
        assert reply["predictions"][0]["probabilities"] == pytest.approx(expected, abs=1e-6)


def test_one_bad_row_does_not_spoil_its_neighbours(ws: Workspace, desk: Desk, row: dict):
    replies = ask(desk, [row], [row | {"price": "much"}], [row, row])
    assert [status for status, _ in replies] == [200, 422, 200]
    assert "'price'" in replies[1][1]["error"]["message"]
    assert [record.status for record in logged(ws)] == [200, 422, 200, 200]


def test_a_large_request_does_not_hold_up_a_small_one(ws: Workspace, desk: Desk, row: dict):
    replies = ask(desk, [row] * (INLINE_ROWS + 1), [row])
    assert [status for status, _ in replies] == [200, 200]
    assert len(logged(ws)) == INLINE_ROWS + 2


def test_too_many_waiting_rows_are_turned_away(ws: Workspace, desk: Desk, row: dict):
    most = WAITING_ROWS // 10_000
    replies = ask(desk, *[[{"price": 1.0}] * 10_000] * (most + 1))
    assert [status for status, _ in replies].count(429) == 1
    assert replies[-1][1]["error"]["code"] == "overloaded"
    assert logged(ws)[0].status == 429
    assert ask(desk, [row])[0][0] == 200


def test_a_model_that_breaks_is_a_logged_500_and_tells_no_secrets(ws: Workspace, desk: Desk, row: dict):
    desk.swap(with_model(desk.live, raising(ZeroDivisionError("a secret"))))
    for rows in ([row], [row] * (INLINE_ROWS + 1)):
        [(status, reply)] = ask(desk, rows)
        assert (status, reply["error"]["code"]) == (500, "broken")
        assert "secret" not in json.dumps(reply)
    assert {record.status for record in logged(ws)} == {500}


def test_a_model_that_cannot_answer_now_says_so(desk: Desk, row: dict):
    desk.swap(with_model(desk.live, raising(Unavailable("The accelerator is away."))))
    [(status, reply)] = ask(desk, [row])
    assert (status, reply["error"]["message"]) == (503, "The accelerator is away.")


def test_an_answer_that_json_cannot_say_is_a_500(desk: Desk, row: dict):
    def odd(predict: Predicts) -> Predicts:
        return lambda rows: [{"prediction": {1j}} for _ in rows]

    desk.swap(with_model(desk.live, odd))
    assert ask(desk, [row])[0][0] == 500


def test_the_counts_agree_with_what_was_asked(desk: Desk, row: dict):
    ask(desk, [row], [row, row], [{}], [row | {"price": "much"}])
    total = desk.meter.total()
    assert (total.requests, total.errors, desk.meter.by_status) == (4, 2, {200: 2, 422: 2})
