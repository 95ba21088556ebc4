"""What the page on version files promises of pushing without a name: all that pointers name goes."""

from __future__ import annotations

from fettle.cli.app import run
from fettle.workspace import Workspace


def test_push_without_a_dataset_sends_what_pointers_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ws = Workspace.create(tmp_path)
    remote = str(tmp_path / "remote")
    nothing = ws.data.push(to=remote)
    assert nothing == [] and "name a dataset" in nothing.lines()[0]
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(name)
        ws.data.add([name])
        ws.data.commit(name, message="First")
    sent = ws.data.push(to=remote)
    assert [(each.dataset, each.how) for each in sent] == [("cats", "new"), ("dogs", "new")]
    ws.close()
    assert run(["data", "push", "--to", remote]) == 0
    assert capsys.readouterr().out.count("up to date") == 2
