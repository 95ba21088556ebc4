"""A served version's baseline comes from the registry and from its bundle, whatever packaging put there."""

import pytest

from fettle.core.canonical import encode
from fettle.core.errors import NotFound
from fettle.core.ids import digest
from fettle.monitoring import profiles
from fettle.monitoring.baselines import resolve
from fettle.packaging.records import REFERENCE_FILE, File, Manifest
from fettle.storage.objects import put_object

from .conftest import Traffic


def bundle(traffic: Traffic, task: str, files: tuple[File, ...]) -> str:
    manifest = Manifest(task, "way", "logistic", {}, 100, files)  # type: ignore[arg-type] - the tasks are given as text
    return put_object(traffic.ws.blobs, encode(manifest))


@pytest.mark.parametrize(
    ("task", "metric"), [("binary", "accuracy"), ("multiclass", "accuracy"), ("regression", "mae")]
)
def test_the_baseline_names_the_bundles_profile_and_the_accepted_metric(
    traffic: Traffic, task: str, metric: str
):
    data = encode(traffic.profile)
    name = bundle(traffic, task, (File(REFERENCE_FILE, digest(data), len(data)),))
    traffic.ws.call("registry.register", model="shop", bundle=name, metrics={"accuracy": 0.9, "mae": 3.0})
    found = resolve(traffic.ws, "shop", "shop", 1)
    assert (found.metric, found.target) == (metric, "way")
    assert found.reference == {"accuracy": 0.9, "mae": 3.0}[metric]
    assert profiles.load(traffic.ws.blobs, found.profile) == traffic.profile


def test_a_bundle_without_profile_is_watched_for_performance_only(traffic: Traffic):
    traffic.ws.call("registry.register", model="shop", bundle=bundle(traffic, "binary", ()))
    found = resolve(traffic.ws, "shop", "shop", 1)
    assert (found.profile, found.reference, found.task) == ("", None, "classification")


def test_a_version_that_is_not_registered_is_an_error(traffic: Traffic):
    with pytest.raises(NotFound):
        resolve(traffic.ws, "shop", "shop", 1)
