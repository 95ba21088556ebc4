"""Branches, tags, references, protections, retention and holds: the names of versions and what guards them."""

from datetime import timedelta

import pytest

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, FettleError, GateFailed, Invalid, NotFound
from fettle.data.records.versions import Commit, Source
from fettle.workspace import Workspace
from tests.conftest import new_workspace


def recorded(
    ws: Workspace, message: str, *, branch: str = "main", parents: list[str] | None = None, **more
) -> Commit:
    """The next version of `d`: no files, only a message."""
    head = next((each.commit for each in _refs(ws) if each.name == branch and each.kind == "branch"), "")
    return ws.data.record(
        "d",
        "",
        Source("test"),
        message,
        parents=parents or ([head] if head else []),
        expected_head=head,
        branch=branch,
        **more,
    )


def _refs(ws: Workspace):
    try:
        return ws.data.refs("d")
    except NotFound:
        return []


def test_a_reference_means_one_version(workspace: Workspace):
    one, two, three = (recorded(workspace, each) for each in ("one", "two", "three"))
    workspace.data.tag("d", "v1", at=one.id[:10])
    workspace.data.branch("d", "trial", at="main~1")
    side = recorded(workspace, "side", branch="trial")
    merge = recorded(workspace, "merge", parents=[three.id, side.id])
    means = {
        "d": merge,
        "d@main": merge,
        "d@main~1": three,
        "d@main~~": two,
        "d@main~3": one,
        "d@main^2": side,
        "d@main^2~1": two,
        "d@main^": three,
        "d@v1": one,
        "d@trial": side,
        f"d@{two.id[:6]}": two,
        f"d@{two.id}": two,
    }
    for ref, commit in means.items():
        assert workspace.data.show(ref).id == commit.id, ref


@pytest.mark.parametrize(
    ("ref", "kind", "words"),
    [
        ("e", NotFound, "d"),
        ("d@mian", NotFound, "main"),
        ("d@main~9", NotFound, "parent"),
        ("d@main^2", NotFound, "1 parent"),
        ("d@{yesterday}", Invalid, "2024-05-31"),
        ("d@{1990-01-01}", NotFound, "1990"),
        ("d@abc", NotFound, "version of d"),
    ],
)
def test_a_wrong_reference_says_what_is_there(
    workspace: Workspace, ref: str, kind: type[FettleError], words: str
):
    recorded(workspace, "one")
    recorded(workspace, "two")
    with pytest.raises(kind, match=words):
        workspace.data.show(ref)


def test_a_moment_means_what_was_newest_then(workspace: Workspace):
    one = recorded(workspace, "one")
    two = recorded(workspace, "two")
    assert workspace.data.show(f"d@{{{one.at.isoformat()}}}").id == one.id
    assert workspace.data.show(f"d@main@{{{two.at.isoformat()}}}").id == two.id


def test_a_merge_base_is_the_newest_common_version(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    ours = recorded(workspace, "ours")
    theirs = recorded(workspace, "theirs", branch="trial")
    assert workspace.data.merge_base("d@main", "d@trial").id == one.id
    recorded(workspace, "merged", parents=[ours.id, theirs.id])
    recorded(workspace, "further", branch="trial")
    assert workspace.data.merge_base("d@main", "d@trial").id == theirs.id


def test_lineage_lists_parents_before_children_and_leaves_out_what_is_known(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    ours, theirs = recorded(workspace, "ours"), recorded(workspace, "theirs", branch="trial")
    merge = recorded(workspace, "merge", parents=[ours.id, theirs.id])
    listed = [each.id for each in workspace.data.lineage("d")]
    assert listed[0] == one.id
    assert listed[-1] == merge.id
    assert set(listed[1:3]) == {ours.id, theirs.id}
    assert [each.id for each in workspace.data.lineage("d", known=[ours.id])] == [theirs.id, merge.id]


def test_every_movement_is_on_record_and_a_removed_branch_can_be_had_again(workspace: Workspace):
    recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    side = recorded(workspace, "side", branch="trial")
    workspace.data.delete_branch("d", "trial")
    with pytest.raises(NotFound):
        workspace.data.show("d@trial")
    last = workspace.data.moves("d", name="trial")[0]
    assert (last.old, last.new, last.reason) == (side.id, "", "branch removed")
    workspace.data.reset("d", side.id, branch="trial", reason="still wanted")
    assert workspace.data.show("d@trial").id == side.id
    assert [each.reason for each in workspace.data.moves("d", name="trial")] == [
        "still wanted",
        "branch removed",
        "commit",
        "branch at main",
    ]


def test_a_tag_stays_and_shares_no_name_with_a_branch(workspace: Workspace):
    recorded(workspace, "one")
    workspace.data.tag("d", "v1", message="first")
    with pytest.raises(Conflict, match="already"):
        workspace.data.tag("d", "v1")
    with pytest.raises(Conflict, match="branch 'main'"):
        workspace.data.tag("d", "main")
    with pytest.raises(Conflict, match="tag 'v1'"):
        workspace.data.branch("d", "v1")
    assert workspace.data.delete_tag("d", "v1").message == "first"
    with pytest.raises(NotFound):
        workspace.data.delete_tag("d", "v1")


def test_a_branch_is_moved_by_compare_and_set(workspace: Workspace):
    one = recorded(workspace, "one")
    recorded(workspace, "two")
    with pytest.raises(Conflict, match="meanwhile"):
        workspace.data.record("d", "", Source("x"), "late", parents=[one.id], expected_head=one.id)
    with pytest.raises(Conflict, match="continue"):
        workspace.data.record("d", "", Source("x"), "wrong", parents=[], expected_head=one.id)


def test_a_branch_advances_only_to_what_continues_it(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    side = recorded(workspace, "side", branch="trial")
    two = recorded(workspace, "two")
    with pytest.raises(Conflict, match="does not continue"):
        workspace.data.advance("d", side.id, expected_head=two.id)
    workspace.data.branch("d", "old", at=one.id)
    assert workspace.data.advance("d", side.id, branch="old", expected_head=one.id).id == side.id


def performed(ws: Workspace, role: Role, name: str, **arguments):
    return ws.perform(name, arguments, actor="user:eve", role=role)


def test_a_protected_branch_takes_merges_and_approvers_only(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    side = recorded(workspace, "side", branch="trial")
    workspace.data.protect("d", "ma*", merges_only=True)
    with pytest.raises(Denied, match="merging"):
        recorded(workspace, "direct")
    with pytest.raises(Denied):
        workspace.data.reset("d", side.id)
    with pytest.raises(Denied, match="merging another branch"):
        recorded(workspace, "no merge at all", parents=[one.id, one.id])
    stray = recorded(workspace, "stray", branch="trial")
    workspace.data.reset("d", side.id, branch="trial")
    with pytest.raises(Denied, match="merging another branch"):
        workspace.data.advance("d", stray.id, expected_head=one.id)
    assert workspace.data.advance("d", side.id, expected_head=one.id).id == side.id
    workspace.data.unprotect("d", "ma*")
    workspace.data.protect("*", "main", approver=True)
    given = {
        "dataset": "d",
        "tree": "",
        "source": Source("x"),
        "parents": [side.id],
        "expected_head": side.id,
    }
    with pytest.raises(Denied, match="approver"):
        performed(workspace, Role.EDITOR, "data.record", **given)
    assert performed(workspace, Role.APPROVER, "data.record", **given).parent == side.id
    with pytest.raises(NotFound):
        workspace.data.unprotect("d", "main")
    with pytest.raises(Invalid):
        workspace.data.protect("d", "main")


def test_an_editor_cannot_protect_hold_or_remove(workspace: Workspace):
    recorded(workspace, "one")
    for name, arguments in {
        "data.protect": {"dataset": "d", "approver": True},
        "data.hold": {"ref": "d", "reason": "case"},
        "data.reset": {"dataset": "d", "to": "main"},
        "data.retain": {"dataset": "d", "days": 1},
        "data.hook": {"event": "after-commit", "target": "https://example.org"},
    }.items():
        with pytest.raises(Denied):
            performed(workspace, Role.EDITOR, name, **arguments)


def test_retention_lets_old_versions_go_but_not_what_is_named_held_or_recent(workspace: Workspace, clock):
    with new_workspace(workspace.folder.parent / "other", clock=clock) as ws:
        old = [recorded(ws, f"old {number}") for number in range(5)]
        ws.data.tag("d", "kept", at=old[0].id)
        hold = ws.data.hold(f"d@{old[1].id}", "case 7")
        clock.advance(timedelta(days=60).total_seconds())
        new = [recorded(ws, f"new {number}") for number in range(2)]
        assert ws.data.roots().expired == []
        ws.data.retain("d", 14, keep_last=1)
        # what a branch was moved away from less than 30 days ago stays: the last old version
        assert set(ws.data.roots().expired) == {old[2].id, old[3].id}
        assert set(ws.data.roots().commits) == {old[0].id, old[1].id, old[4].id, new[0].id, new[1].id}
        ws.data.release(hold.id)
        assert old[1].id in ws.data.roots().expired
        ws.data.hold("d", "everything")
        assert ws.data.roots().expired == []
        assert ws.data.retain("d", 0) is None


def test_a_dataset_on_hold_keeps_its_branches(workspace: Workspace):
    recorded(workspace, "one")
    workspace.data.branch("d", "trial")
    hold = workspace.data.hold("d", "case 7")
    with pytest.raises(Conflict, match="case 7"):
        workspace.data.delete_branch("d", "trial")
    ended = workspace.data.release(hold.id)
    assert ended.released_at is not None
    workspace.data.delete_branch("d", "trial")
    with pytest.raises(NotFound):
        workspace.data.release(hold.id)
    assert [each.id for each in workspace.data.holds(released=True)] == [hold.id]


def test_a_commit_of_another_place_is_adopted_as_it_is(workspace: Workspace, tmp_path):
    recorded(workspace, "one")
    recorded(workspace, "two")
    line = workspace.data.lineage("d")
    with new_workspace(tmp_path / "there") as there:
        with pytest.raises(NotFound, match="parent"):
            there.data.adopt("d", line[1:])
        assert there.data.adopt("d", line) == 2
        there.data.advance("d", line[-1].id)
        assert there.data.show("d") == line[-1]
        import msgspec

        forged = msgspec.structs.replace(line[0], author="user:mallory")
        with pytest.raises(Invalid, match="no commit"):
            there.data.adopt("d", [forged])


def test_a_branch_that_asks_for_checks_takes_only_versions_that_passed_them(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.add_check("d", "positive", "x > 0")
    workspace.data.protect("d", "main", checks=True)
    workspace.data.branch("d", "trial")
    side = recorded(workspace, "side", branch="trial")
    with pytest.raises(GateFailed, match="no merge"):
        recorded(workspace, "direct")
    with pytest.raises(GateFailed, match="positive"):
        workspace.data.advance("d", side.id, expected_head=one.id)
    text = workspace.data.checks("d")[0].text
    said = {"dataset": "", "commit": "", "check": "positive", "at": one.at, "severity": "error", "rows": 3}
    said |= {"text": text}
    workspace.data.record_checks(f"d@{side.id}", [said | {"outcome": "failed", "failed": 1}])
    with pytest.raises(GateFailed, match="positive"):
        workspace.data.advance("d", side.id, expected_head=one.id)
    workspace.data.record_checks(
        f"d@{side.id}", [said | {"outcome": "passed", "failed": 0, "text": "another"}]
    )
    with pytest.raises(GateFailed, match="positive"):
        workspace.data.advance("d", side.id, expected_head=one.id)
    workspace.data.record_checks(f"d@{side.id}", [said | {"outcome": "passed", "failed": 0}])
    given = {"dataset": "d", "to": side.id, "expected_head": one.id}
    workspace.data.record_checks(f"d@{side.id}", [said | {"outcome": "passed", "failed": 0}])
    with pytest.raises(GateFailed, match="positive"):
        workspace.perform("data.advance", given, actor=side.author, role=Role.EDITOR)
    assert workspace.data.advance("d", side.id, expected_head=one.id).id == side.id


def test_checks_that_guard_a_branch_are_changed_by_approvers_and_cannot_be_none(workspace: Workspace):
    one = recorded(workspace, "one")
    workspace.data.protect("d", "main", checks=True)
    workspace.data.branch("d", "trial")
    side = recorded(workspace, "side", branch="trial")
    with pytest.raises(GateFailed, match="no check of severity error"):
        workspace.data.advance("d", side.id, expected_head=one.id)
    with pytest.raises(Denied, match="only an approver"):
        performed(workspace, Role.EDITOR, "data.add_check", dataset="d", id="x", expression="x > 0")


def test_a_branch_never_names_a_version_of_another_dataset(workspace: Workspace):
    recorded(workspace, "one")
    other = workspace.data.record("other", "", Source("x"), "theirs")
    with pytest.raises(NotFound, match="no version of 'd'"):
        workspace.data.advance("d", other.id, branch="new")
