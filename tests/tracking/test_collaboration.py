from __future__ import annotations

import pytest

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, Invalid, NotFound
from fettle.workspace import Workspace


def as_actor(workspace: Workspace, actor: str, name: str, **given):
    return workspace.perform(name, given, actor=actor, role=Role.EDITOR)


def test_comments_with_mentions_and_answers(workspace: Workspace) -> None:
    first = workspace.tracking.comment("run:1", "Look, @ada: `@code` and mail@example.org are no people")
    assert first.mentions == ["user:ada"]
    second = workspace.tracking.comment("run:1", "Yes", answers=first.id)
    assert [each.id for each in workspace.tracking.comments("run:1")] == [first.id, second.id]
    assert [each.id for each in workspace.tracking.mentions("user:ada")] == [first.id]
    edited = workspace.tracking.edit_comment(first.id, "Look, @bob")
    assert edited.edited_at is not None
    assert workspace.tracking.mentions("user:ada") == []
    workspace.tracking.drop_comment(first.id)
    assert workspace.tracking.comments("run:1")[0].answers is None
    with pytest.raises(NotFound):
        workspace.tracking.edit_comment(first.id, "x")


def test_a_comment_belongs_to_who_wrote_it(workspace: Workspace) -> None:
    made = workspace.tracking.comment("version:fraud/3", "mine")
    for name, more in (("tracking.edit_comment", {"text": "x"}), ("tracking.drop_comment", {})):
        with pytest.raises(Denied):
            as_actor(workspace, "user:eve", name, comment=made.id, **more)


@pytest.mark.parametrize("subject", ["", "run:", "thing:1", "run", "run:\x00", "run: "])
def test_what_is_nothing_to_talk_about(workspace: Workspace, subject: str) -> None:
    with pytest.raises(Invalid):
        workspace.tracking.comment(subject, "text")


def test_an_answer_stands_where_its_question_stands(workspace: Workspace) -> None:
    first = workspace.tracking.comment("run:1", "here")
    with pytest.raises(Invalid):
        workspace.tracking.comment("run:2", "there", answers=first.id)


def test_pins(workspace: Workspace) -> None:
    workspace.tracking.pin("run:1", note="best")
    workspace.tracking.pin("report:q3")
    assert [each.subject for each in workspace.tracking.pins("run")] == ["run:1"]
    assert len(workspace.tracking.pins()) == 2
    assert workspace.tracking.unpin("run:1") is True
    assert workspace.tracking.unpin("run:1") is False


def test_a_shared_page_keeps_its_address(workspace: Workspace) -> None:
    made = workspace.tracking.share("/runs?q=metrics.loss<0.3&sort=-started_at")
    assert workspace.tracking.share(made.path).id == made.id
    assert workspace.tracking.link(made.id).path == made.path


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil", "https://evil.example", "runs", "/a\nb", "", "javascript:x"]
)
def test_a_shared_page_never_leads_elsewhere(workspace: Workspace, path: str) -> None:
    with pytest.raises(Invalid):
        workspace.tracking.share(path)


def test_reports_keep_what_others_wrote(workspace: Workspace) -> None:
    first = workspace.tracking.write_report("q3", title="Third quarter", text="# Hello")
    second = workspace.tracking.write_report("q3", text="# More", revision=first.revision)
    assert (second.revision, second.title) == (2, "Third quarter")
    with pytest.raises(Conflict, match="meanwhile"):
        workspace.tracking.write_report("q3", text="# Mine", revision=1)
    with pytest.raises(Conflict, match="already"):
        workspace.perform(
            "tracking.write_report", {"name": "q3", "text": "# Mine"}, actor="user:eve", role=Role.EDITOR
        )
    assert workspace.tracking.report("q3").text == "# More"
    assert [each.name for each in workspace.tracking.reports()] == ["q3"]
    workspace.tracking.drop_report("q3")
    with pytest.raises(NotFound):
        workspace.tracking.report("q3")
