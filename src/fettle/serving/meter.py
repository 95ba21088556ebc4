"""Counting what a worker serves: cheap on the way of a request, exact when it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fettle.serving.records import Traffic

SHARES = 8
"""Buckets in each power of two: a latency read back is at most an eighth too high."""

_BITS = 3
_BUCKETS = SHARES * 40
_EXPOSED = range(6, 25)  # 64 µs … 16.8 s, each a power of two, so that the sums are exact
FIRST_ERROR = 400


class Latencies:
    """A histogram of microseconds in logarithmic buckets.

    Example:
        >>> seen = Latencies()
        >>> for us in (100, 200, 300, 4_000):
        ...     seen.add(us)
        >>> seen.quantile_us(0.5) <= 225
        True
    """

    def __init__(self, counts: list[int] | None = None, sum_us: int = 0) -> None:
        self.counts = counts if counts is not None else [0] * _BUCKETS
        self.sum_us = sum_us

    def add(self, us: int) -> None:
        self.counts[_index(us)] += 1
        self.sum_us += us

    def copy(self) -> Latencies:
        return Latencies(self.counts.copy(), self.sum_us)

    def since(self, earlier: Latencies) -> Latencies:
        """What was added after `earlier` was copied from this."""
        counts = [now - then for now, then in zip(self.counts, earlier.counts, strict=True)]
        return Latencies(counts, self.sum_us - earlier.sum_us)

    def quantile_us(self, q: float) -> float:
        """The upper bound of the bucket in which the quantile `q` in [0, 1] lies; 0 where nothing was counted."""
        rest = q * sum(self.counts)
        if rest <= 0:
            return 0.0
        for index, count in enumerate(self.counts):
            rest -= count
            if count and rest <= 0:
                return float(_upper(index))
        return float(_upper(_BUCKETS - 1))

    def below(self, power: int) -> int:
        """How many were shorter than 2**power µs."""
        return sum(self.counts[: _index(1 << power)])


class Tally:
    """What was served with one version."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.rows = 0
        self.latencies = Latencies()

    def copy(self) -> Tally:
        twin = Tally()
        twin.requests, twin.errors, twin.rows = self.requests, self.errors, self.rows
        twin.latencies = self.latencies.copy()
        return twin


class Meter:
    """The counts of one worker. One thread adds; any thread may read, and sees each count at some recent moment."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.by_status: Counter[int] = Counter()
        self.by_version: dict[int, Tally] = {}
        self.labels = 0
        self.swaps = 0
        self.refused_versions = 0
        self._reported: dict[int, Tally] = {}

    def add(self, version: int, status: int, rows: int, latency_us: int) -> None:
        """Count one request."""
        tally = self.by_version.get(version)
        if tally is None:
            tally = self.by_version[version] = Tally()
        tally.requests += 1
        tally.rows += rows
        if status >= FIRST_ERROR:
            tally.errors += 1
        tally.latencies.add(latency_us)
        self.by_status[status] += 1

    def total(self) -> Tally:
        """All versions together."""
        whole = Tally()
        for tally in list(self.by_version.values()):
            whole.requests += tally.requests
            whole.errors += tally.errors
            whole.rows += tally.rows
        return whole

    def take_interval(self) -> list[Traffic]:
        """What was served since the last call, by version; versions that served nothing are left out."""
        spent: list[Traffic] = []
        for version, tally in list(self.by_version.items()):
            now, then = tally.copy(), self._reported.get(version, Tally())
            self._reported[version] = now
            if now.requests > then.requests:
                seen = now.latencies.since(then.latencies)
                spent.append(
                    Traffic(
                        version=version,
                        requests=now.requests - then.requests,
                        errors=now.errors - then.errors,
                        rows=now.rows - then.rows,
                        p50_ms=seen.quantile_us(0.5) / 1000,
                        p99_ms=seen.quantile_us(0.99) / 1000,
                    )
                )
        return spent

    def exposition(self, *, live_version: int, ready: bool) -> bytes:
        """The counts in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(_Reading(self, live_version, ready))
        return generate_latest(registry)


class _Reading(Collector):
    def __init__(self, meter: Meter, live_version: int, ready: bool) -> None:
        self.meter = meter
        self.live_version = live_version
        self.ready = ready

    def collect(self) -> Iterable[Metric]:
        meter, name = self.meter, self.meter.endpoint
        requests = CounterMetricFamily("fettle_requests", "Requests answered.", labels=["endpoint", "status"])
        for status, count in sorted(meter.by_status.copy().items()):
            requests.add_metric([name, str(status)], count)
        yield requests
        rows = CounterMetricFamily(
            "fettle_rows", "Rows asked for, by version.", labels=["endpoint", "version"]
        )
        seconds = HistogramMetricFamily(
            "fettle_request_seconds",
            "Time from a parsed request to its answer.",
            labels=["endpoint", "version"],
        )
        for version, tally in sorted(meter.by_version.items()):
            labels = [name, str(version)]
            rows.add_metric(labels, tally.rows)
            latencies = tally.latencies.copy()
            bounds = [(f"{(1 << power) / 1e6:g}", latencies.below(power)) for power in _EXPOSED]
            seconds.add_metric(labels, [*bounds, ("+Inf", sum(latencies.counts))], latencies.sum_us / 1e6)
        yield from (rows, seconds)
        for metric, text, count in (
            ("fettle_labels", "Labels received.", meter.labels),
            ("fettle_swaps", "Times another version was put live.", meter.swaps),
            ("fettle_refused_versions", "Times a version could not be put live.", meter.refused_versions),
        ):
            counter = CounterMetricFamily(metric, text, labels=["endpoint"])
            counter.add_metric([name], count)
            yield counter
        for metric, text, value in (
            ("fettle_live_version", "The version that answers.", self.live_version),
            ("fettle_ready", "1 while requests are welcome.", int(self.ready)),
        ):
            gauge = GaugeMetricFamily(metric, text, labels=["endpoint"])
            gauge.add_metric([name], value)
            yield gauge


def _index(us: int) -> int:
    if us < SHARES:
        return max(us, 0)
    shift = us.bit_length() - _BITS - 1
    return min(SHARES * shift + (us >> shift), _BUCKETS - 1)


def _upper(index: int) -> int:
    if index < SHARES:
        return index + 1
    shift, share = divmod(index, SHARES)
    return (share + SHARES + 1) << (shift - 1)
