"""The prediction log: what was written is read, from anywhere, also when the last record is torn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fettle.serving.log import Exchange, PredictionLog, Told, read, workers
from fettle.serving.records import Label, Prediction

AT = datetime(1996, 5, 7, 12, 30, tzinfo=UTC)


def exchange(id: str, rows: list[dict], status: int = 200, error: str = "") -> Exchange:
    answers = [{"prediction": index} for index, _ in enumerate(rows)] if status == 200 else []
    return Exchange(id, AT, "market", "price", 2, status, 850, rows, answers, error)


def write(folder: Path, worker: str, *frames: Exchange | Told) -> None:
    log = PredictionLog(folder / worker)
    for frame in frames:
        log.write(frame)
    log.close()


def test_rows_of_a_request_become_predictions_with_their_place(tmp_path: Path):
    write(tmp_path, "w1", exchange("a", [{"x": 1.5, "y": None}, {"x": 2}]), Told(AT, [("a", 1, "UP")]))
    records = [record for _, _, record in read(tmp_path)]
    assert records == [
        Prediction("a", AT, "market", "price", 2, 0, {"x": 1.5, "y": None}, {"prediction": 0}, 200, 850),
        Prediction("a", AT, "market", "price", 2, 1, {"x": 2}, {"prediction": 1}, 200, 850),
        Label("a", AT, "UP", 1),
    ]


def test_a_refusal_is_a_record_too(tmp_path: Path):
    write(tmp_path, "w1", exchange("bad", [], status=400, error="not JSON"))
    [(_, _, record)] = read(tmp_path)
    assert isinstance(record, Prediction)
    assert (record.status, record.error, record.features, record.answer) == (400, "not JSON", {}, None)


def test_reading_goes_on_from_any_record(tmp_path: Path):
    told = Told(AT, [("a", 0, 1), ("b", 0, 2)])
    write(tmp_path, "w1", exchange("a", [{"x": n} for n in range(3)]), exchange("b", [{"x": 9}]), told)
    write(tmp_path, "w2", exchange("c", [{"x": 1}, {"x": 2}]))
    whole = list(read(tmp_path))
    assert len(whole) == 8
    cursors: dict[str, str] = {}
    for taken, (worker, position, _) in enumerate(whole, start=1):
        cursors[worker] = position
        assert [record for _, _, record in read(tmp_path, cursors)] == [
            record for _, _, record in whole[taken:]
        ]


def test_a_reader_follows_a_writer(tmp_path: Path):
    log = PredictionLog(tmp_path / "w1")
    cursors: dict[str, str] = {}
    for number in range(20):
        log.write(exchange(f"r{number}", [{"x": number}]))
        [(worker, position, record)] = read(tmp_path, cursors)
        cursors[worker] = position
        assert record.id == f"r{number}"
    assert list(read(tmp_path, cursors)) == []
    log.close()


def test_a_torn_last_record_is_not_there(tmp_path: Path):
    write(tmp_path, "w1", exchange("a", [{"x": 1}]), exchange("b", [{"x": 2}]))
    [segment] = (tmp_path / "w1").glob("*.seg")
    segment.write_bytes(segment.read_bytes()[:-9])
    assert [record.id for _, _, record in read(tmp_path)] == ["a"]


def test_a_folder_that_is_not_there_is_an_empty_log(tmp_path: Path):
    assert list(read(tmp_path / "never")) == []
    assert workers(tmp_path / "never") == []


@pytest.mark.parametrize("value", [10**30, -(10**400), "\ud800", {"deep": [10**30]}])
def test_what_msgpack_cannot_say_is_kept_as_near_as_it_goes(tmp_path: Path, value: object):
    write(tmp_path, "w1", exchange("a", [{"x": value, "y": 1}]))
    [(_, _, record)] = read(tmp_path)
    assert isinstance(record, Prediction)
    assert record.features["y"] == 1
    assert set(record.features) == {"x", "y"}
