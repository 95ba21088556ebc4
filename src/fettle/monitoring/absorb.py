"""Count what a pass collected: each request once, each label where its request went, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from fettle.data.bins import Counts, ReferenceProfile, count_by
from fettle.monitoring.performance import Tally, tally
from fettle.monitoring.segments import FEATURE
from fettle.monitoring.slots import Slot, slots_a_window, start_of, windows_over
from fettle.monitoring.store import requests as request_store
from fettle.monitoring.store import windows as window_store
from fettle.monitoring.store.requests import Served
from fettle.monitoring.store.tables import SlotKey

if TYPE_CHECKING:
    from fettle.monitoring.records import Baseline, Watch
    from fettle.storage.ports import Transaction

RowKey = tuple[str, int]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Slot)


@dataclass
class Change:
    """What one pass adds to the sums."""

    slots: dict[SlotKey, Slot] = field(default_factory=dict)
    last_at: dict[SlotKey, datetime] = field(default_factory=dict)
    duplicates: int = 0
    predictions: int = 0
    labels: int = 0

    def add(self, key: SlotKey, slot: Slot, last_at: datetime | None = None) -> None:
        """Add sums to a slot."""
        self.slots[key] = self.slots[key] + slot if key in self.slots else slot
        if last_at is not None:
            self.last_at[key] = max(last_at, self.last_at.get(key, last_at))


def absorb(
    tx: Transaction,
    watch: Watch,
    baselines: Mapping[tuple[str, int], Baseline],
    profiles: Mapping[tuple[str, int], ReferenceProfile],
    requests: pl.DataFrame | None,
    labels: pl.DataFrame | None,
) -> Change:
    """Add collected rows to the slots, and mark the windows over them as due."""
    change = Change()
    fresh: dict[RowKey, Served] = {}
    if requests is not None:
        fresh = _count_requests(tx, watch, profiles, requests, change)
    told = _latest(labels)
    _count_labels(tx, watch.endpoint, baselines, fresh, told, change)
    request_store.add_requests(tx, watch.endpoint, fresh)
    _save(tx, watch, change)
    return change


def decode(data: bytes) -> Slot:
    """A slot's sums as they are kept."""
    return _DECODER.decode(data)


def _count_requests(
    tx: Transaction,
    watch: Watch,
    profiles: Mapping[tuple[str, int], ReferenceProfile],
    requests: pl.DataFrame,
    change: Change,
) -> dict[RowKey, Served]:
    placed = _placed(requests, watch)
    refused = placed["status"] >= 400
    if refused.any():
        for (model, version, slot), rows in placed.filter(refused).group_by("model", "version", "slot"):
            change.add(SlotKey(str(model), _int(version), _int(slot)), Slot(errors=rows.height))
        placed = placed.filter(~refused)
    once = _once(tx, watch.endpoint, placed)
    change.duplicates = placed.height - once.height
    change.predictions = once.height
    for (model, version), rows in _by_version(once):
        identity = (str(model), _int(version))
        _count_version(rows, identity, profiles.get(identity), change)
    columns = once.select("request", "row", "slot", "model", "version", "answer").iter_rows()
    return {(request, row): Served(*where, label=None) for request, row, *where in columns}


def _placed(requests: pl.DataFrame, watch: Watch) -> pl.DataFrame:
    """The requests with the slot each belongs to, by event time."""
    origin_us = int(start_of(0, watch).timestamp() * 1e6)
    since_us = requests["at"].to_physical().to_numpy() - origin_us
    return requests.with_columns(pl.Series("slot", since_us // int(watch.stride_s * 1e6)))


def _once(tx: Transaction, endpoint: str, answered: pl.DataFrame) -> pl.DataFrame:
    """The answered rows that were not counted before, each once: the first of a request that was sent again."""
    seen = set(request_store.find_requests(tx, endpoint, answered["request"].to_list()))
    fresh: list[bool] = []
    for key in zip(answered["request"].to_list(), answered["row"].to_list(), strict=True):
        fresh.append(key not in seen)
        seen.add(key)
    return answered if all(fresh) else answered.filter(pl.Series(fresh, dtype=pl.Boolean))


def _by_version(rows: pl.DataFrame) -> Iterable[tuple[tuple[object, ...], pl.DataFrame]]:
    versions = set(zip(rows["model"].to_list(), rows["version"].to_list(), strict=True))
    return [(each, rows) for each in versions] if len(versions) < 2 else rows.group_by("model", "version")


def _int(value: object) -> int:
    return int(str(value))


def _count_version(
    rows: pl.DataFrame, identity: tuple[str, int], profile: ReferenceProfile | None, change: Change
) -> None:
    slots, group = np.unique(rows["slot"].to_numpy(), return_inverse=True)
    group = group.astype(np.int64)
    features: list[dict[str, Counts]] = [{} for _ in slots]
    answers: list[Counts | None] = [None] * slots.size
    if profile is not None:
        for name, column in profile.columns.items():
            sent = rows.get_column(FEATURE + name, default=pl.Series(name, [None] * rows.height, pl.Null))
            for each, counts in zip(features, count_by(sent, column.bins, group, slots.size), strict=True):
                each[name] = counts
        if profile.prediction is not None:
            answers = list(count_by(rows["answer"], profile.prediction.bins, group, slots.size))
    heights = np.bincount(group, minlength=slots.size)
    last_us = np.zeros(slots.size, np.int64)
    np.maximum.at(last_us, group, rows["at"].to_physical().to_numpy())
    for index, slot in enumerate(slots):
        sums = Slot(rows=int(heights[index]), features=features[index], prediction=answers[index])
        change.add(SlotKey(*identity, int(slot)), sums, _EPOCH + timedelta(microseconds=int(last_us[index])))


def _latest(labels: pl.DataFrame | None) -> dict[RowKey, str]:
    if labels is None:
        return {}
    rows = labels.filter(pl.col("label").is_not_null()).select("request", "row", "label").iter_rows()
    return {(request, row): label for request, row, label in rows}


def _count_labels(
    tx: Transaction,
    endpoint: str,
    baselines: Mapping[tuple[str, int], Baseline],
    fresh: dict[RowKey, Served],
    told: dict[RowKey, str],
    change: Change,
) -> None:
    """Join labels with their requests: with those of this pass, those counted before, or keep them until one comes."""
    early = request_store.take_early_labels(tx, endpoint, [request for request, _ in fresh]) if fresh else {}
    labels: dict[RowKey, str | None] = early | told
    counted = request_store.find_requests(tx, endpoint, [key[0] for key in labels if key not in fresh])
    added: dict[RowKey, Served] = {}
    corrected: dict[RowKey, Served] = {}
    for key, label in labels.items():
        if key in fresh:
            added[key] = fresh[key] = fresh[key]._replace(label=label)
        elif key in counted and counted[key].label != label:
            added[key] = counted[key]._replace(label=label)
            if counted[key].label is not None:
                corrected[key] = counted[key]
    unknown = {key: label for key, label in labels.items() if key not in fresh and key not in counted}
    request_store.add_early_labels(tx, endpoint, unknown)
    request_store.set_labels(
        tx, endpoint, {key: each.label for key, each in added.items() if key not in fresh}
    )
    change.labels = len(added)
    for key, sums in _tallies(baselines, added):
        change.add(key, Slot(tally=sums))
    for key, sums in _tallies(baselines, corrected):
        change.add(key, Slot(tally=Tally() - sums))


def _tallies(
    baselines: Mapping[tuple[str, int], Baseline], rows: Mapping[RowKey, Served]
) -> Iterable[tuple[SlotKey, Tally]]:
    grouped: dict[SlotKey, list[tuple[str, str, str]]] = {}
    for (request, row), each in rows.items():
        if each.answer is not None and each.label is not None:
            key = SlotKey(each.model, each.version, each.slot)
            grouped.setdefault(key, []).append((each.answer, each.label, f"{request}/{row}"))
    for key, triples in grouped.items():
        baseline = baselines.get((key.model, key.version))
        answers, labels, ids = zip(*triples, strict=True)
        yield key, tally(baseline.task if baseline else "classification", answers, labels, ids)


def _save(tx: Transaction, watch: Watch, change: Change) -> None:
    if not change.slots:
        return
    numbers = [key.slot for key in change.slots]
    kept = window_store.find_slots(tx, watch.endpoint, min(numbers), max(numbers))
    sums: dict[SlotKey, tuple[bytes, datetime]] = {}
    for key, added in change.slots.items():
        before, last_at = kept.get(key, (b"", start_of(key.slot, watch)))
        slot = decode(before) + added if before else added
        sums[key] = (_ENCODER.encode(slot), max(last_at, change.last_at.get(key, last_at)))
    window_store.put_slots(tx, watch.endpoint, sums)
    length = timedelta(seconds=watch.stride_s * slots_a_window(watch))
    touched = {}
    for key in change.slots:
        for first in windows_over(key.slot, watch):
            start_at = start_of(first, watch)
            touched[SlotKey(key.model, key.version, first)] = (start_at, start_at + length)
    window_store.touch_windows(tx, watch.endpoint, touched)
