"""Merging and reverting versions: files by content, rows and cells by key, and what both sides changed is listed."""

import polars as pl
import pytest

from fettle.core.errors import Invalid, NotFound
from fettle.data import hooks, merge, versions
from fettle.data.engine import trees
from fettle.data.records.merges import CellConflict
from fettle.data.repositories import repository
from fettle.workspace import Workspace

START = pl.DataFrame({"id": [1, 2, 3, 4], "name": ["a", "b", "c", "d"], "price": [1.0, 2.0, 3.0, 4.0]})


def rows(ws: Workspace, frame: pl.DataFrame, *, branch: str = "main", key: list[str] | None = None):
    return versions.commit_frame(ws, "d", frame, branch=branch, key=key)


def parted(ws: Workspace, ours: pl.DataFrame, theirs: pl.DataFrame, key: list[str] | None) -> None:
    """A version that two branches went on from: `main` with ours, `trial` with theirs."""
    rows(ws, START, key=key)
    ws.data.branch("d", "trial")
    rows(ws, ours)
    rows(ws, theirs, branch="trial")


def changed(frame: pl.DataFrame, id: int, column: str, value: object) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.col("id") == id).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


def test_different_cells_of_one_row_are_both_taken(workspace):
    ours = changed(START, 2, "price", 20.0).filter(pl.col("id") != 4)
    theirs = pl.concat(
        [changed(START, 2, "name", "B"), pl.DataFrame({"id": [9], "name": ["new"], "price": [9.0]})]
    )
    parted(workspace, ours, theirs, ["id"])
    head = workspace.data.show("d")

    made = workspace.data.merge("d", "trial")

    assert (made.how, made.fault, made.cells) == ("merged", "", [])
    assert versions.load(workspace, "d").sort("id").rows() == [
        (1, "a", 1.0),
        (2, "B", 20.0),
        (3, "c", 3.0),
        (9, "new", 9.0),
    ]
    commit = workspace.data.show("d")
    assert commit.parents == [head.id, workspace.data.show("d@trial").id]
    assert (commit.rows, commit.table.key, commit.message) == (4, ["id"], "Merge trial into main")
    assert workspace.data.profile_of("d").rows == 4
    assert workspace.data.merge("d", "trial").how == "up to date"


def test_the_same_cell_is_a_conflict_and_nothing_is_changed(workspace, tmp_path):
    parted(workspace, changed(START, 2, "name", "ours"), changed(START, 2, "name", "theirs"), ["id"])
    head = workspace.data.show("d")

    made = workspace.data.merge("d", "trial", conflicts=tmp_path / "conflicts.csv")

    assert made.how == "conflicts"
    assert made.cells == [CellConflict("table", {"id": 2}, "name", "b", "ours", "theirs")]
    assert "1 conflict" in made.fault
    assert workspace.data.show("d") == head

    decided = pl.read_csv(tmp_path / "conflicts.csv").with_columns(take=pl.lit("theirs"))
    decided.write_csv(tmp_path / "decided.csv")
    made = workspace.data.merge("d", "trial", resolve=tmp_path / "decided.csv")
    assert (made.how, made.resolved) == ("merged", 1)
    assert versions.load(workspace, "d").filter(id=2)["name"].item() == "theirs"


@pytest.mark.parametrize(("take", "name"), [("ours", "ours"), ("theirs", "theirs"), ("base", "b")])
def test_one_side_wins_everywhere_if_asked(workspace, take, name):
    parted(workspace, changed(START, 2, "name", "ours"), changed(START, 2, "name", "theirs"), ["id"])
    assert workspace.data.merge("d", "trial", take=take).resolved == 1
    assert versions.load(workspace, "d").filter(id=2)["name"].item() == name


def test_tables_without_a_key_merge_where_both_only_appended(workspace):
    rows(workspace, START)
    workspace.data.branch("d", "trial")
    for branch, number in (("main", 10), ("trial", 20)):
        more = pl.DataFrame({"id": [number], "name": ["x"], "price": [0.0]})
        versions.commit_frame(workspace, "d", more, append=True, branch=branch)
    assert workspace.data.merge("d", "trial").how == "merged"
    assert versions.load(workspace, "d")["id"].to_list() == [1, 2, 3, 4, 10, 20]


def test_tables_without_a_key_that_both_rewrote_are_one_conflict(workspace):
    parted(workspace, changed(START, 1, "name", "x"), changed(START, 2, "name", "y"), None)
    made = workspace.data.merge("d", "trial")
    assert made.how == "conflicts"
    assert [(each.table, each.key) for each in made.cells] == [("table", {})]
    assert workspace.data.merge("d", "trial", take="theirs").how == "merged"
    assert versions.load(workspace, "d").equals(changed(START, 2, "name", "y"))


def test_a_branch_that_did_not_move_only_advances(workspace):
    rows(workspace, START)
    workspace.data.branch("d", "trial")
    side = rows(workspace, START[:2], branch="trial")
    made = workspace.data.merge("d", "trial")
    assert (made.how, made.commit) == ("advanced", side.id)


def test_a_version_is_undone_and_what_came_later_stays(workspace):
    rows(workspace, START, key=["id"])
    bad = rows(workspace, changed(START, 2, "name", "wrong"))
    rows(workspace, changed(changed(START, 2, "name", "wrong"), 3, "price", 30.0))

    made = workspace.data.revert("d", bad.id[:10])

    assert made.how == "merged"
    assert versions.load(workspace, "d").sort("id").equals(changed(START, 3, "price", 30.0))
    assert workspace.data.show("d").message.startswith("Revert")
    with pytest.raises(Invalid, match="first version"):
        workspace.data.revert("d", "main~3")
    with pytest.raises(NotFound):
        workspace.data.revert("d", "nothing")


# --- files


def files(ws: Workspace, content: dict[str, bytes], *, branch: str = "main"):
    """Commit these files and no others."""
    with repository(ws).writer() as writer:
        entries = [
            trees.Entry(path, writer.put_bytes(data).digest, len(data), 0o644)
            for path, data in sorted(content.items())
        ]
        root = trees.build(entries, writer.put_node)
        writer.flush()
        head = versions.head_of(ws, "f", branch)
        return versions.commit_tree(ws, "f", root, branch=branch, base=head.id if head else None)


def content(ws: Workspace, ref: str) -> dict[str, bytes]:
    repo = repository(ws)
    commit = ws.data.show(ref)
    return {each.path: repo.read(each.digest) for each in trees.entries(commit.tree, repo.node)}


def test_files_merge_by_content_and_clashes_are_decided_one_by_one(workspace):
    start = {"a": b"1", "b": b"1", "c": b"1", "d": b"1"}
    files(workspace, start)
    workspace.data.branch("f", "trial")
    files(workspace, start | {"a": b"ours", "b": b"ours", "new": b"ours"})
    files(workspace, {"a": b"theirs", "b": b"theirs", "c": b"theirs"}, branch="trial")

    made = workspace.data.merge("f", "trial")
    assert [each.path for each in made.files] == ["a", "b"]

    made = workspace.data.merge("f", "trial", file={"a": "theirs", "b": "ours"})
    assert (made.how, made.resolved) == ("merged", 2)
    assert content(workspace, "f") == {"a": b"theirs", "b": b"ours", "c": b"theirs", "new": b"ours"}
    commit = workspace.data.show("f")
    assert (commit.files, commit.size_bytes) == (4, 6 + 4 + 6 + 4)


def test_two_who_commit_different_files_are_both_there(workspace):
    base = files(workspace, {"a": b"1", "b": b"1"})
    repo = repository(workspace)
    for name in ("a", "b"):
        with repo.writer() as writer:
            kept = writer.put_bytes(name.encode() * 2)
            entry = trees.Entry(name, kept.digest, kept.size_bytes, 0o644)
            root = trees.edit(base.tree, [(name, entry)], repo.node, writer.put_node)
            writer.flush()
            versions.commit_tree(workspace, "f", root, base=base.id)
    assert content(workspace, "f") == {"a": b"aa", "b": b"bb"}
    with pytest.raises(versions.Clashed, match="same files"), repo.writer() as writer:
        kept = writer.put_bytes(b"late")
        entry = trees.Entry("a", kept.digest, kept.size_bytes, 0o644)
        root = trees.edit(base.tree, [("a", entry)], repo.node, writer.put_node)
        writer.flush()
        versions.commit_tree(workspace, "f", root, base=base.id)


def test_blame_names_the_version_that_gave_a_file_its_content(workspace):
    one = files(workspace, {"a": b"1", "b": b"1", "x/c": b"1"})
    workspace.data.branch("f", "trial")
    two = files(workspace, {"a": b"2", "b": b"1", "x/c": b"1"})
    side = files(workspace, {"a": b"1", "b": b"3", "x/c": b"1"}, branch="trial")
    workspace.data.merge("f", "trial")
    assert {each.path: each.commit for each in workspace.data.blame("f")} == {
        "a": two.id,
        "b": side.id,
        "x/c": one.id,
    }
    assert [each.path for each in workspace.data.blame("f", "x")] == ["x/c"]
    with pytest.raises(NotFound, match="x/c"):
        workspace.data.blame("f", "x/d")


# --- hooks


def test_a_hook_before_a_commit_or_merge_refuses_it(workspace):
    asked = []
    off = [
        hooks.on("before-commit", lambda event: asked.append(event) or event["message"] != "bad"),
        hooks.on("before-merge", lambda event: False, dataset="d*"),
        hooks.on("after-commit", asked.append),
    ]
    try:
        good = versions.commit_frame(workspace, "d", START, message="good")
        with pytest.raises(hooks.HookRefused, match="returned False"):
            versions.commit_frame(workspace, "d", START[:1], message="bad")
        assert workspace.data.show("d") == good
        assert [each["event"] for each in asked] == ["before-commit", "after-commit", "before-commit"]
        assert (asked[0]["rows"], asked[1]["commit"]) == (4, good.id)
        workspace.data.branch("d", "trial")
        versions.commit_frame(workspace, "d", START[:2], message="good", branch="trial")
        with pytest.raises(hooks.HookRefused, match="merge of 'd'"):
            merge.merge(workspace, "d", "trial")
    finally:
        for each in off:
            each()
    versions.commit_frame(workspace, "d", START[:1], message="bad")


def test_hooks_of_a_project_are_commands_functions_and_webhooks(workspace, tmp_path, monkeypatch):
    (tmp_path / "checks.py").write_text(
        "import json\n"
        "def small(event):\n"
        "    if event['rows'] > 3: raise ValueError('too many rows')\n"
        "def note(event):\n"
        "    open('said.json', 'a').write(json.dumps(event) + '\\n')\n"
    )
    (tmp_path / "fettle.toml").write_text(
        '[[data.hooks]]\nevent = "before-commit"\nkind = "python"\ntarget = "checks:small"\ndataset = "s*"\n'
        '[[data.hooks]]\nevent = "after-commit"\nkind = "python"\ntarget = "checks:note"\n'
        '[[data.hooks]]\nevent = "before-commit"\nkind = "command"\n'
        'target = "sh refuse.sh"\n'
    )
    (tmp_path / "refuse.sh").write_text("if grep -q forbidden; then echo no such words >&2; exit 3; fi\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hooks.HookRefused, match="nobody at this machine has trusted"):
        versions.commit_frame(workspace, "sales", START)
    assert len(workspace.data.trust_hooks()) == 3
    with pytest.raises(hooks.HookRefused, match="too many rows"):
        versions.commit_frame(workspace, "sales", START)
    with pytest.raises(hooks.HookRefused, match="no such words"):
        versions.commit_frame(workspace, "other", START, message="forbidden")
    versions.commit_frame(workspace, "sales", START[:3])
    assert '"after-commit"' in (tmp_path / "said.json").read_text()
    (tmp_path / "fettle.toml").write_text('[[data.hooks]]\nevent = "sometimes"\n')
    with pytest.raises(Invalid, match=r"data\.hooks"):
        versions.commit_frame(workspace, "sales", START[:2])
