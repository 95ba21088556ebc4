"""What goes along with pushed and pulled versions: profiles, schemas, fitted cleanings, checks and splits."""

from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import NotFound
from fettle.data import schemas, splits, versions
from fettle.data.clean.fitted import decoded
from fettle.storage.objects import get_object, object_key
from tests.conftest import new_workspace


@pytest.fixture
def place(request, tmp_path: Path) -> str:
    """Where to push to: a folder, or what a test asks for by `EVERYWHERE`."""
    kind = getattr(request, "param", "folder")
    if kind == "s3":
        return request.getfixturevalue("fresh_s3_url")
    if kind == "workspace":
        new_workspace(tmp_path / "there").close()
    return str(tmp_path / "there")


EVERYWHERE = pytest.mark.parametrize("place", ["folder", "s3", "workspace"], indirect=True)
BOTH = pytest.mark.parametrize("place", ["folder", "workspace"], indirect=True)


@pytest.fixture
def other(tmp_path: Path):
    with new_workspace(tmp_path / "other") as opened:
        yield opened


@pytest.fixture
def cleaned(workspace, tmp_path):
    """A version that was split, and cleaned by what its training rows taught."""
    rows = pl.DataFrame({"id": range(40), "x": [None if n % 7 == 0 else float(n) for n in range(40)]})
    versions.commit_frame(workspace, "d", rows, key=["id"])
    workspace.data.split("d", by="hash", column=["id"])
    (tmp_path / "clean.toml").write_text('[[clean]]\ndo = "impute"\ncolumns = ["x"]\nby = "median"\n')
    made = workspace.data.clean("d", operations=tmp_path / "clean.toml", fit_on="split=train")
    assert splits.find(workspace, workspace.data.show("d")) is not None, "equal sides, of another version"
    return made


@EVERYWHERE
def test_a_version_can_be_used_elsewhere_as_it_was(workspace, other, place, cleaned):
    workspace.data.add_check("d", "x-is-small", "x < 100")
    versions.set_schema(workspace, "d", schemas.infer(versions.load(workspace, "d")))

    sent = workspace.data.push("d", to=place)
    assert sent.records >= 3
    assert [each.dataset for each in sent.also] == ["d-split"]
    assert any("d-split@main new" in line for line in sent.lines())
    got = other.data.pull("d", source=place)
    assert (got.fault, got.notes) == ("", [])

    commit = other.data.show("d")
    cleaning = decoded(get_object(other.blobs, commit.metadata["cleaning"]))
    assert cleaning.apply(pl.DataFrame({"id": [1], "x": [None]}, schema={"id": pl.Int64, "x": pl.Float64}))
    assert splits.rows(other, "d", "train").equals(splits.rows(workspace, "d", "train"))
    assert other.data.profile_of("d") == workspace.data.profile_of("d")
    assert other.data.schema_of("d") == workspace.data.schema_of("d")
    assert [each.id for each in other.data.checks("d")] == ["x-is-small"]
    assert other.data.fsck(full=True).faults == []


@BOTH
def test_what_is_there_is_not_sent_again_and_what_came_later_is(workspace, other, place, cleaned):
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    assert workspace.data.push("d", to=place).lines() == [
        f"{name}@main is up to date with {place} ({workspace.data.show(name).id[:12]})."
        for name in ("d", "d-split")
    ]
    versions.set_schema(workspace, "d", schemas.infer(versions.load(workspace, "d")))
    workspace.data.add_check("d", "x-is-small", "x < 100")
    assert workspace.data.push("d", to=place).records == 1
    other.data.pull("d", source=place)
    assert other.data.schema_of("d") == workspace.data.schema_of("d")
    assert [each.id for each in other.data.checks("d")] == ["x-is-small"]


@BOTH
def test_checks_of_ones_own_stay_and_are_named(workspace, other, place, cleaned):
    workspace.data.add_check("d", "x", "x < 100")
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    other.data.add_check("d", "x", "x < 7")
    pulled = other.data.pull("d", source=place)
    assert [each.expression for each in other.data.checks("d")] == ["x < 7"]
    assert any("check x of d" in line and "yours stays" in line for line in pulled.lines())
    assert any("check x of d" in line for line in other.data.push("d", to=place).lines())


def test_a_cleaning_that_is_gone_is_named_and_a_profile_that_is_gone_is_left_out(
    workspace, other, place, cleaned
):
    commit = workspace.data.show("d")
    workspace.blobs.delete(object_key(commit.metadata["cleaning"]))
    workspace.blobs.delete(object_key(commit.profile_digest))
    sent = workspace.data.push("d", to=place)
    assert any("The cleaning of d@" in line for line in sent.lines())
    other.data.pull("d", source=place)
    with pytest.raises(NotFound, match="No profile"):
        other.data.profile_of("d")
    assert versions.profile_of(other, "d").rows == 40


def test_what_a_version_names_is_checked_and_repaired_from_where_it_was_pushed(workspace, place, cleaned):
    workspace.data.push("d", to=place)
    commit = workspace.data.show("d")
    good = get_object(workspace.blobs, commit.metadata["cleaning"])
    workspace.blobs.put(object_key(commit.metadata["cleaning"]), good[:-1] + b"?")
    workspace.blobs.delete(object_key(commit.profile_digest))
    found = workspace.data.fsck(full=True)
    assert {each.object for each in found.faults} == {commit.metadata["cleaning"], commit.profile_digest}
    assert found.fault
    mended = workspace.data.fsck(full=True, repair_from=place)
    assert mended.fault == "" and all(each.repaired for each in mended.faults)
    assert get_object(workspace.blobs, commit.metadata["cleaning"]) == good
    assert workspace.data.fsck(full=True).faults == []


def test_splits_that_differ_do_not_hold_the_version_back(workspace, other, place, cleaned):
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    other.data.split("d", by="random", seed=3)
    other.data.push("d", to=place)
    workspace.data.split("d", by="random", seed=4)
    versions.commit_frame(workspace, "d", pl.DataFrame({"id": [99], "x": [1.0]}), append=True)
    sent = workspace.data.push("d", to=place)
    assert (sent.how, sent.also) == ("advanced", [])
    assert "d-split did not go along" in sent.fault
    assert any("fettle data pull d-split" in line for line in sent.lines())


@BOTH
def test_a_tag_that_means_another_version_there_is_kept_and_named(workspace, other, place):
    first = versions.commit_frame(workspace, "d", pl.DataFrame({"x": [1]}))
    workspace.data.tag("d", "v1")
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    second = versions.commit_frame(other, "d", pl.DataFrame({"x": [1, 2]}))
    other.data.delete_tag("d", "v1")
    other.data.tag("d", "v1")
    pulled = other.data.pull("d", source=place)
    assert pulled.fault == ""
    told = "\n".join(pulled.lines())
    assert f"v1 of d means {first.id[:12]} there, and here {second.id[:12]}: yours stays" in told
    assert "fettle data delete-tag d v1" in told

    sent = other.data.push("d", to=place)
    assert (sent.how, sent.tags) == ("advanced", 0)
    assert "1 tag(s) were not sent" in sent.fault
    other.data.delete_tag("d", "v1")
    assert other.data.pull("d", source=place).tags == 1
    assert other.data.show("d@v1").id == first.id


def test_a_tag_that_is_a_branch_here_is_named(workspace, other, place):
    versions.commit_frame(workspace, "d", pl.DataFrame({"x": [1]}))
    workspace.data.push("d", to=place)
    other.data.pull("d", source=place)
    other.data.branch("d", "trial")
    versions.commit_frame(other, "d", pl.DataFrame({"x": [5]}), branch="trial")
    workspace.data.tag("d", "trial")
    workspace.data.push("d", to=place)
    assert any("here it is a branch" in line for line in other.data.pull("d", source=place).lines())


def test_a_push_of_nothing_says_what_could_be_named(workspace, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "There is no dataset yet" in workspace.data.push(to="x").lines()[0]
    versions.commit_frame(workspace, "churn", pl.DataFrame({"x": [1]}))
    said = workspace.data.push(to="x")
    assert said == []
    assert "fettle data push NAME" in said.lines()[0] and "churn" in said.lines()[0]
