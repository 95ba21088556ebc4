"""Counting: sums are exact, quantiles at most an eighth too high, intervals add up."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fettle.serving.meter import Latencies, Meter


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.99, 1.0])
def test_a_quantile_is_never_below_the_true_one_and_an_eighth_above_at_most(q: float):
    times = np.random.default_rng(4).lognormal(6, 1.5, 20_000).astype(int)
    seen = Latencies()
    for us in times:
        seen.add(int(us))
    true = float(np.quantile(times, q, method="inverted_cdf"))
    assert true <= seen.quantile_us(q) <= max(true * 1.125 + 1, 8)


def test_every_duration_has_a_bucket():
    seen = Latencies()
    for power in range(60):
        for us in (2**power - 1, 2**power, 2**power + 1):
            seen.add(us)
    assert sum(seen.counts) == 180
    assert Latencies().quantile_us(0.5) == 0.0


def test_intervals_cut_the_traffic_without_rest():
    meter = Meter("market")
    for _ in range(3):
        meter.add(1, 200, rows=2, latency_us=900)
    [first] = meter.take_interval()
    meter.add(1, 422, rows=1, latency_us=100)
    meter.add(2, 200, rows=1, latency_us=100)
    second = {each.version: each for each in meter.take_interval()}
    assert (first.requests, first.errors, first.rows) == (3, 0, 6)
    assert 0.9 <= first.p50_ms <= 1.0125
    assert (second[1].requests, second[1].errors, second[2].requests) == (1, 1, 1)
    assert meter.take_interval() == []


def test_the_exposition_is_prometheus_text():
    meter = Meter("market")
    meter.add(1, 200, rows=2, latency_us=900)
    meter.add(2, 422, rows=1, latency_us=70)
    text = meter.exposition(live_version=2, ready=True).decode()
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    here = ("endpoint", "market")
    assert samples["fettle_requests_total", here, ("status", "200")] == 1
    assert samples["fettle_requests_total", here, ("status", "422")] == 1
    assert samples["fettle_rows_total", here, ("version", "1")] == 2
    assert samples["fettle_request_seconds_count", here, ("version", "1")] == 1
    assert samples["fettle_request_seconds_sum", here, ("version", "1")] == pytest.approx(900e-6)
    assert samples["fettle_live_version", here] == 2
    assert samples["fettle_ready", here] == 1
    bucket, first = "fettle_request_seconds_bucket", ("version", "1")
    below = [value for key, value in samples.items() if key[0] == bucket and key[3] == first]
    assert below == sorted(below)
    assert below[-1] == 1
