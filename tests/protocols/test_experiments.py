"""Experiments and their ids."""

from __future__ import annotations

import pytest

from fettle.workspace import Workspace


def test_default_is_there_before_it_is_needed(client):
    assert client.get_experiment("0").name == "Default"
    assert client.get_experiment_by_name("Default").experiment_id == "0"
    assert "Default" in {each.name for each in client.search_experiments()}


def test_experiments_are_ours_by_number(client, ws: Workspace):
    number = client.create_experiment("price/éü ☃", tags={"team": "risk", "mlflow.note.content": "why"})
    ours = ws.call("tracking.experiment", number=int(number))
    assert (ours.name, ours.notes, ours.tags) == ("price/éü ☃", "why", {"team": "risk"})
    client.rename_experiment(number, "prices")
    client.set_experiment_tag(number, "stage", "two\nlines")
    assert client.get_experiment_by_name("prices").tags["stage"] == "two\nlines"
    client.delete_experiment_tag(number, "stage")
    client.delete_experiment(number)
    assert client.get_experiment(number).lifecycle_stage == "deleted"
    client.restore_experiment(number)
    assert ws.call("tracking.experiment", name="prices").deleted_at is None


def test_a_name_is_taken_once(client, mlflow):
    client.create_experiment("taken")
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        client.create_experiment("taken")
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_runs_do_not_go_into_the_bin(client, mlflow):
    number = client.create_experiment("binned")
    client.delete_experiment(number)
    with pytest.raises(mlflow.exceptions.MlflowException, match="'active' state"):
        client.create_run(number)


def test_search_filters_sorts_and_pages(client):
    for name, team in (("seek a", "risk"), ("seek ab", "Risk"), ("seek B", None)):
        client.create_experiment(name, tags={"squad": team} if team else None)

    def found(text: str, order: str = "name ASC") -> list[str]:
        return [each.name for each in client.search_experiments(filter_string=text, order_by=[order])]

    assert found("name LIKE 'seek a%'") == ["seek a", "seek ab"]
    assert found("attribute.name ILIKE 'SEEK%'", "name DESC") == ["seek ab", "seek a", "seek B"]
    assert found("tags.squad = 'risk'") == ["seek a"]
    assert found("tags.`squad` ILIKE 'risk' AND name != 'seek a'") == ["seek ab"]
    page = client.search_experiments(filter_string="name LIKE 'seek%'", max_results=2, order_by=["name ASC"])
    rest = client.search_experiments(
        filter_string="name LIKE 'seek%'", max_results=2, order_by=["name ASC"], page_token=page.token
    )
    assert [each.name for each in [*page, *rest]] == ["seek B", "seek a", "seek ab"] and not rest.token


def test_a_place_of_ones_own_is_remembered_and_never_opened(client, mlflow):
    number = client.create_experiment("elsewhere", artifact_location="s3://bucket/place")
    run = client.create_run(number)
    assert run.info.artifact_uri == f"s3://bucket/place/{run.info.run_id}/artifacts"
    assert "mlflow.artifactLocation" not in client.get_experiment(number).tags
    for bad in ("runs:/x", "s3://bucket/../up", "s3://b/%252e%252e/up", "http://host/x?..=1", "s3://b/#/.."):
        with pytest.raises(mlflow.exceptions.MlflowException, match=r"(?i)artifact.location"):
            client.create_experiment("bad place", artifact_location=bad)
