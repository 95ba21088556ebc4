"""Erasure: a person is gone from all history, the bytes of history are as they were, and nobody else is touched."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import polars as pl
import pytest

from fettle.acts import Role
from fettle.core.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from fettle.core.ids import digest
from fettle.privacy import masking
from fettle.privacy.reading import open_frame, rows_of
from fettle.privacy.records import Encrypt, Policy, Vault
from fettle.privacy.subjects import Keyring
from fettle.workspace import Workspace

POLICY = Policy(
    rules={"customer": Encrypt(), "email": Encrypt(), "born": Encrypt(), "age": Encrypt(), "card": Vault()},
    subject="customer",
)
SECRETS = (b"ada.lovelace", b"4111 1111", b"4111111111111111", b"1985-03-04", b"C-1")


@pytest.fixture
def masked(workspace: Workspace, people: pl.DataFrame, tmp_path: Path) -> pl.DataFrame:
    """Masked rows, kept as a blob of the workspace by the hash of their bytes."""
    workspace.privacy.set_policy("customers", POLICY)
    frame = masking.apply(workspace, "customers", people.drop("seen")).frame
    path = tmp_path / "rows.parquet"
    frame.write_parquet(path, compression="uncompressed")
    workspace.blobs.put("history/" + digest(path.read_bytes()), path)
    return frame


def everything_in(folder: Path) -> bytes:
    """All bytes under a folder: the database, its WAL, its backups, the blobs, the key."""
    return b"\n".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())


def test_what_was_encrypted_reads_back_as_it_was(
    workspace: Workspace, masked: pl.DataFrame, people: pl.DataFrame
):
    opened = open_frame(workspace, masked, dataset="customers", reason="support case 4")
    for name in ("customer", "email", "born", "age"):
        assert opened[name].equals(people[name]), name
    assert masked["email"][0] == masked["email"][2], "the same value of one person is the same bytes"
    entry = workspace.governance.audit(act="privacy.begin_reading")[0]
    assert entry.arguments["reason"] == "support case 4"


def test_an_erased_person_is_gone_and_the_others_are_not(workspace: Workspace, masked: pl.DataFrame):
    before = everything_in(workspace.folder / "blobs")
    done = workspace.privacy.erase("C-1", reason="request 17")
    assert [each.rows for each in done.certificates[0].seen] == [2]
    assert done.certificates[0].vaulted == 1
    assert everything_in(workspace.folder / "blobs") == before, "no byte of history changed"
    opened = open_frame(workspace, masked)
    assert opened["email"].to_list() == ["[erased]", "bob@example.org", "[erased]", None]
    assert opened["age"].to_list() == [None, 34, None, 52]
    tokens = masked["card"].to_list()
    assert workspace.privacy.reveal(tokens)[tokens[0]] == "[erased]"
    assert workspace.privacy.reveal(tokens)[tokens[1]] == "5500 0000 0000 0004"
    assert workspace.governance.verify().whole


def test_the_plaintext_is_nowhere_before_and_the_key_is_nowhere_after(
    workspace: Workspace, masked: pl.DataFrame
):
    name = Keyring(workspace).find("C-1")[0]
    leave = workspace.call("privacy.begin_reading", dataset="customers")
    sealed = workspace.call("privacy.lend", opening=leave.id, subjects=[name])[0].sealed.encode()
    held = everything_in(workspace.folder)
    assert [each for each in SECRETS if each in held] == [], "plain text never was in the workspace"
    assert sealed in held
    workspace.privacy.erase("C-1", reason="request 17")
    workspace.close()
    left = everything_in(workspace.folder)
    assert [each for each in (*SECRETS, sealed, sealed[:32]) if each in left] == []


def test_the_audit_knows_the_random_name_alone(workspace: Workspace, masked: pl.DataFrame):
    workspace.privacy.subject("C-1")
    workspace.privacy.erase("C-1", reason="request 17")
    entries = str([(each.act, each.arguments) for each in workspace.governance.audit(limit=1000)])
    assert "privacy.destroy" in entries and "subj-" in entries
    assert "C-1" not in entries and "lovelace" not in entries
    assert "sealed" not in entries and "lent" not in entries
    assert workspace.privacy.certificates()[0].reason == "request 17"


def test_erasing_twice_gives_the_first_certificate(workspace: Workspace, masked: pl.DataFrame):
    first = workspace.privacy.erase("C-1").certificates
    assert workspace.privacy.erase("C-1").certificates == first
    with pytest.raises(NotFound):
        workspace.privacy.erase("C-99")


def test_an_erased_person_who_comes_again_is_left_out(
    workspace: Workspace, masked: pl.DataFrame, people: pl.DataFrame
):
    workspace.privacy.erase("C-1")
    again = masking.apply(workspace, "customers", people.drop("seen"))
    assert again.frame.height == 2
    assert any("2 rows of erased subjects" in each for each in again.notes)
    blank = Policy(rules=POLICY.rules, subject="customer", erased="blank")
    workspace.privacy.set_policy("customers", blank)
    kept = masking.apply(workspace, "customers", people.drop("seen")).frame
    assert kept["email"].to_list()[0] is None and kept["note"].to_list() == ["a", "b", "c", "d"]


def test_a_person_who_is_forgotten_is_a_new_subject(
    workspace: Workspace, masked: pl.DataFrame, people: pl.DataFrame
):
    old = Keyring(workspace).find("C-1")
    workspace.privacy.erase("C-1", forget=True)
    again = masking.apply(workspace, "customers", people.drop("seen")).frame
    assert again.height == 4
    assert Keyring(workspace).find("C-1") != old
    assert open_frame(workspace, masked)["email"][0] == "[erased]"


def test_where_a_person_occurs_and_what_they_may_ask_for(workspace: Workspace, masked: pl.DataFrame):
    shown = workspace.privacy.subject("C-1")[0]
    assert [(each.dataset, each.rows) for each in shown.seen] == [("customers", 2)]
    rows = rows_of(workspace, masked, "C-1")
    assert rows.height == 2 and rows["email"].unique().to_list() == ["ada.lovelace@example.org"]


def test_who_may_not_read_cannot(workspace: Workspace, masked: pl.DataFrame):
    token = masked["card"][0]
    for name, arguments in (
        ("privacy.unseal", {"tokens": [token]}),
        ("privacy.begin_reading", {"dataset": "customers"}),
        ("privacy.destroy", {"subject": "subj-x"}),
    ):
        with pytest.raises(Denied):
            workspace.perform(name, arguments, actor="user:eve", role=Role.EDITOR)
    leave = workspace.call("privacy.begin_reading", dataset="customers")
    with pytest.raises(Denied, match="leave"):
        workspace.perform(
            "privacy.lend", {"opening": leave.id, "subjects": []}, actor="user:eve", role=Role.APPROVER
        )


def test_an_ingesting_editor_cannot_open_a_person_by_the_random_name(
    workspace: Workspace, masked: pl.DataFrame
):
    ring = Keyring(workspace)
    domain = ring.domain("default")
    known = workspace.perform(
        "privacy.known", {"lookups": [domain.lookup("C-1")]}, actor="user:eve", role=Role.EDITOR
    )[0]
    assert domain.lend("C-2", known.subject).open(known.lent) is None
    assert domain.lend("C-1", known.subject).open(known.lent) is not None


def test_a_rotation_makes_old_copies_useless(workspace: Workspace, masked: pl.DataFrame, tmp_path: Path):
    copy = tmp_path / "stolen"
    shutil.copytree(workspace.folder, copy / ".fettle")
    workspace.privacy.erase("C-1")
    old = (workspace.folder / "privacy.key").read_bytes()
    done = workspace.privacy.rotate()
    assert done.keys == 3, "two living subjects and the domain"
    assert (workspace.folder / "privacy.key").read_bytes() != old
    assert open_frame(workspace, masked)["email"].to_list() == [
        "[erased]",
        "bob@example.org",
        "[erased]",
        None,
    ]
    shutil.copy(workspace.folder / "privacy.key", copy / ".fettle" / "privacy.key")
    (copy / ".fettle" / "privacy.key").chmod(0o600)
    with Workspace.open(str(copy)) as stolen, pytest.raises(Unavailable, match="not here"):
        open_frame(stolen, masked)


def test_an_interrupted_rotation_is_finished_by_the_next(workspace: Workspace, masked: pl.DataFrame):
    from fettle.privacy.keys import begin_next

    begin_next(workspace)
    assert open_frame(workspace, masked)["email"][1] == "bob@example.org"
    ring = begin_next(workspace)
    assert workspace.privacy.rotate().master == ring.current.id
    assert not (workspace.folder / "privacy.key.next").exists()


def test_keys_from_the_environment(
    workspace: Workspace, people: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FETTLE_PRIVACY_KEY", "11" * 32)
    workspace.privacy.set_policy("customers", POLICY)
    masked = masking.apply(workspace, "customers", people).frame
    assert not (workspace.folder / "privacy.key").exists()
    monkeypatch.setenv("FETTLE_PRIVACY_KEY", "22" * 32)
    with pytest.raises(Unavailable, match="not here"):
        open_frame(workspace, masked)
    with pytest.raises(Conflict, match="both"):
        workspace.privacy.rotate()
    monkeypatch.setenv("FETTLE_PRIVACY_KEY_OLD", "11" * 32)
    workspace.privacy.rotate()
    monkeypatch.delenv("FETTLE_PRIVACY_KEY_OLD")
    assert open_frame(workspace, masked)["email"][1] == "bob@example.org"
    monkeypatch.setenv("FETTLE_PRIVACY_KEY", "short")
    with pytest.raises(Invalid, match="32 random bytes"):
        open_frame(workspace, masked)


def test_a_key_file_is_its_owners_alone(workspace: Workspace, masked: pl.DataFrame):
    path = workspace.folder / "privacy.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        open_frame(workspace, masked)


def test_a_key_wrapped_by_a_replaced_master_is_refused(workspace: Workspace, masked: pl.DataFrame):
    stale = Keyring(workspace)
    domain = stale.domain("default")
    assert stale.ring
    workspace.privacy.rotate()
    with pytest.raises(Conflict, match="replaced meanwhile"):
        stale.enrol(domain, ["C-77"])


def test_the_same_on_postgres(
    team_url: str, people: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    with Workspace.open(team_url) as team:
        team.privacy.set_policy("customers", POLICY)
        with pytest.raises(Unavailable, match="from the environment"):
            masking.apply(team, "customers", people)
        monkeypatch.setenv("FETTLE_PRIVACY_KEY", "11" * 32)
        frame = masking.apply(team, "customers", people).frame
        assert masking.apply(team, "customers", people).frame.equals(frame)
        assert team.privacy.erase("C-1").certificates[0].seen[0].rows == 4
        assert open_frame(team, frame)["email"].to_list() == ["[erased]", "bob@example.org", "[erased]", None]
