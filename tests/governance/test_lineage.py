from __future__ import annotations

import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data.versions import commit_frame
from fettle.storage.objects import object_key
from fettle.workspace import Workspace
from tests.bundles import kept


@pytest.fixture
def story(workspace: Workspace) -> Workspace:
    """Two commits, a search with a trial, a pipeline run, two versions and an endpoint."""
    first = commit_frame(workspace, "churn", pl.DataFrame({"n": [1, 2]}), source="churn.csv", message="first")
    second = commit_frame(
        workspace, "churn", pl.DataFrame({"n": [3]}), source="more.csv", message="more", append=True
    )
    workspace.tracking.start("search", run_id="search")
    workspace.tracking.start("search", run_id="trial", parent="search", inputs=[second.ref])
    workspace.pipelines.start("churn", run_id="flow")
    workspace.registry.register("churn", kept(workspace.blobs, 1), dataset="churn", dataset_commit=first.id)
    workspace.registry.register(
        "churn",
        kept(workspace.blobs, 2),
        run_id="trial",
        flow_id="flow",
        dataset="churn",
        dataset_commit=second.id,
        parent_version=1,
        metrics={"accuracy": 0.9},
        gates=[{"name": "accuracy", "passed": True, "value": 0.9, "threshold": 0.8, "detail": "a | b"}],
    )
    workspace.registry.promote("churn", 2, reason="better")
    workspace.serving.deploy("churn-api", "churn")
    return workspace


def relations(workspace: Workspace, subject: str) -> set[tuple[str, str, str]]:
    def short(name: str) -> str:
        kind, _, rest = name.partition(":")
        if kind == "commit":
            return f"commit {workspace.data.show(rest).message}"
        if kind == "source":
            return "source"
        return name

    found = workspace.governance.lineage(subject)
    ids = {each.id for each in found.things}
    assert found.focus in ids
    assert all(link.source in ids and link.target in ids for link in found.links)
    return {(short(each.source), each.relation, short(each.target)) for each in found.links}


def test_a_version_leads_back_to_its_source_and_forward_to_its_endpoint(story: Workspace) -> None:
    found = relations(story, "model:churn@2")
    assert found == {
        ("source", "was read into", "commit first"),
        ("source", "was read into", "commit more"),
        ("commit first", "came before", "commit more"),
        ("commit more", "was read by", "run:trial"),
        ("commit more", "trained", "model:churn@2"),
        ("run:search", "began", "run:trial"),
        ("run:trial", "made", "model:churn@2"),
        ("flow:flow", "made", "model:churn@2"),
        ("model:churn@1", "was replaced by", "model:churn@2"),
        ("model:churn@2", "is served by", "endpoint:churn-api"),
    }
    assert relations(story, "model:churn") == found
    assert relations(story, "model:churn@champion") == found
    sources = {
        each.label for each in story.governance.lineage("model:churn@2").things if each.kind == "source"
    }
    assert sources == {"churn.csv", "more.csv"}


def test_a_commit_leads_forward_to_what_it_touched(story: Workspace) -> None:
    newest = story.data.log("churn")[0]
    found = relations(story, f"commit:{newest.ref}")
    assert ("commit more", "trained", "model:churn@2") in found
    assert ("commit more", "was read by", "run:trial") in found
    assert ("model:churn@2", "is served by", "endpoint:churn-api") in found


@pytest.mark.parametrize("subject", ["run:trial", "flow:flow", "endpoint:churn-api"])
def test_runs_pipelines_and_endpoints_lead_to_the_version(story: Workspace, subject: str) -> None:
    assert ("commit more", "trained", "model:churn@2") in relations(story, subject)


def test_a_record_that_is_not_here_is_shown_as_unknown(workspace: Workspace) -> None:
    workspace.registry.register(
        "m", kept(workspace.blobs, 1), run_id="elsewhere", dataset="gone", dataset_commit="f" * 64
    )
    found = workspace.governance.lineage("model:m@1")
    unknown = [each for each in found.things if each.detail.get("known") == "no"]
    assert {each.kind for each in unknown} == {"run", "commit"}


def test_what_has_no_lineage_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Invalid, match="lineage"):
        workspace.governance.lineage("planet:mars")
    with pytest.raises(NotFound):
        workspace.governance.lineage("model:mars@1")


def test_the_card_says_what_is_known_and_what_is_missing(story: Workspace) -> None:
    story.blobs.delete(object_key(story.registry.show("churn", 2).bundle))
    card = story.governance.card("churn", 2)
    assert "# churn, version 2" in card.text
    assert "| accuracy | passed | 0.9 | 0.8 | a \\| b |" in card.text
    assert "| Source | more.csv |" in card.text
    assert "| Endpoints | churn-api |" in card.text
    assert "| 1 |" not in card.text
    assert any("description" in each for each in card.missing)
    assert any("bundle" in each for each in card.missing)
    assert not any("metrics" in each for each in card.missing)
    bare = story.governance.card("churn", 1)
    assert any("metrics" in each for each in bare.missing)
    assert "_No gates are recorded._" in bare.text
    for each in card.missing:
        assert f"- {each}" in card.text


def test_what_was_made_from_a_version_is_found_both_ways(workspace: Workspace) -> None:
    raw = commit_frame(workspace, "churn", pl.DataFrame({"n": [1, 2]}), message="raw")
    clean = commit_frame(
        workspace, "clean", pl.DataFrame({"n": [2]}), message="clean", metadata={"made_from": raw.ref}
    )
    assert ("commit raw", "was made into", "commit clean") in relations(workspace, f"commit:{raw.ref}")
    assert ("commit raw", "was made into", "commit clean") in relations(workspace, f"commit:{clean.ref}")
    assert [each.id for each in workspace.data.derived("churn")] == [clean.id]
    assert workspace.data.derived("clean") == []
