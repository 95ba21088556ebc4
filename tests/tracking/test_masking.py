"""Secrets are masked in what a run records by itself: command line, environment, diff, and the console as it flows."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fettle import tracking
from fettle.core.urls import HIDDEN
from fettle.storage.objects import get_object
from fettle.tracking.capture import arguments, git, masks, relay
from fettle.workspace import Workspace

VALUE = "correct horse/battery+1"
GHP = "ghp_" + "a1B2" * 9

SAID = [
    "password: hunter22x",
    "db.password = 'hunter22x is mine'",
    '{"api_key": "hunter22x"}',
    "Authorization: Bearer hunter22x",
    "authorization=hunter22x",
    "using bearer abcdefgh-hunter22x-012345",
    "see https://ada:hunter22x@example.org/x",
    "see https://hunter22x-0123456789abcdef@example.org/x",
    "GET https://example.org/x?page=2&access_token=hunter22x&z=1",
    "MY_DB_PASSWORD=hunter22x",
    "client_secret: hunter22x",
    f"token {GHP}hunter22x",
    "AWS_SECRET_ACCESS_KEY=hunter22x",
    "os.environ['STRIPE_API_KEY'] = 'hunter22x'",
]
LEFT = [
    "tokens/s: 3,000 num_tokens: 4096 loss: 0.3",
    "pad_token='[PAD]', eos_token: endoftext!!",
    "token = 12345678",
    "secret: None",
    "password:",
    "epoch 3: 100%|#####| 10/10 [00:01<00:00, 9.1it/s]",
    "see https://example.org/x?page=2 and git@github.com:a/b",
    "basic training goes on with 24 heads",
    "bearer of bad news",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "a task-oriented-network-with-many-layers",
]


def masked(text: str, *values: str) -> str:
    return relay.Masker([each.encode() for each in values]).whole(text.encode()).decode()


def test_one_sign_stands_for_what_is_hidden() -> None:
    assert relay.HIDDEN.decode() == HIDDEN


@pytest.mark.parametrize("line", SAID)
def test_forms_in_what_is_printed(line: str) -> None:
    assert "hunter22x" not in masked(line) and HIDDEN in masked(line)


@pytest.mark.parametrize("line", LEFT)
def test_what_is_printed_and_is_no_secret(line: str) -> None:
    assert masked(line) == line


def test_a_private_key_over_many_lines() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef\n-----END RSA PRIVATE KEY-----\n"
    assert masked(f"a\n{key}b\n") == f"a\n{HIDDEN}\nb\n"


@pytest.mark.parametrize("size", [1, 2, 7, 13, 40])
def test_a_private_key_that_comes_in_pieces(size: int) -> None:
    text = b"a -----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef\n-----END RSA PRIVATE KEY-----\nb\n"
    masker = relay.Masker([])
    said = b"".join(masker.feed(text[at : at + size]) for at in range(0, len(text), size)) + masker.rest()
    assert said.decode() == f"a {HIDDEN}\nb\n"


PIECES = st.sampled_from(
    [*SAID, *LEFT, VALUE, VALUE[:9], VALUE[9:], "a", " ", "\n", "\r", "\r\n", "pass", "word=", "ü", "x" * 50]
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 400), max_size=12))
def test_a_stream_is_masked_alike_however_it_is_cut(texts: list[str], places: list[int]) -> None:
    data = "".join(texts).encode()
    masker = relay.Masker([VALUE.encode()])
    cuts = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    said = b"".join(masker.feed(data[start:end]) for start, end in itertools.pairwise(cuts))
    said += masker.rest()
    assert VALUE.encode() not in said
    assert said == relay.Masker([VALUE.encode()]).whole(data)


def test_a_secret_that_comes_a_letter_at_a_time_in_a_line_without_an_end() -> None:
    masker = relay.Masker([VALUE.encode()])
    text = f"{'.' * 40_000}{VALUE}{'.' * 40_000}"
    said = b"".join(masker.feed(each.encode()) for each in text) + masker.rest()
    assert said.decode() == text.replace(VALUE, HIDDEN)


def test_little_waits() -> None:
    masker = relay.Masker([VALUE.encode()])
    assert masker.feed(b"loss 0.3 ") == b"loss 0.3 "
    assert masker.feed(b"step") == b"" and masker.feed(b" 7") == b"step "
    assert masker.feed(b"\n") == b"7\n"
    assert masker.feed(b"now correct hor") == b"now "  # the beginning of a known secret
    assert masker.feed(b"ses\n") == b"correct horses\n"


@pytest.mark.parametrize(
    ("words", "safe"),
    [
        (["mysql", "-p", "hunter22x", "-u", "ada"], f"mysql -p {HIDDEN} -u ada"),
        (["mysql", "-phunter22x"], f"mysql -p{HIDDEN}"),
        (["serve", "-p", "8080"], "serve -p 8080"),
        (["mkdir", "-p", "--", "a"], "mkdir -p -- a"),
        (["--password", "-hunter22x", "--lr", "1"], f"--password {HIDDEN} --lr 1"),
        (["--token=hunter22x"], f"--token={HIDDEN}"),
        (["STRIPE_KEY=hunter22x", "train"], f"STRIPE_KEY={HIDDEN} train"),
        (["bash", "-c", "API_TOKEN=hunter22x  train --password hunter22x"],
         None),
        (["bash", "-c", "train --password hunter22x --lr 1"], f"bash -c train --password {HIDDEN} --lr 1"),
        (["--header", "Authorization: Bearer hunter22x"], None),
        (["https://ada:hunter22x@host/x"], f"https://ada:{HIDDEN}@host/x"),
        (["--max-tokens", "4096", "--sort-key=name", "--token-file", "a.txt"],
         "--max-tokens 4096 --sort-key=name --token-file a.txt"),
        (["--tokenizer", "bert", "--bypass", "cache", "--no-auth", "x"], "--tokenizer bert --bypass cache --no-auth x"),
    ],
)  # fmt: skip
def test_a_command_line(words: list[str], safe: str | None) -> None:
    found = " ".join(arguments.told(words)[0])
    assert "hunter22x" not in found
    assert safe is None or found == safe


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        ("API_TOKEN", True), ("PGPASSWORD", True), ("STRIPE_KEY", True), ("AWS_SECRET_ACCESS_KEY", True),
        ("DB_PASS", True), ("TOKENIZERS_PARALLELISM", False), ("MONKEY", False), ("SSH_KEY_PATH", False),
        ("PASSWORD_STORE_DIR", False), ("PATH", False), ("COMPASS", False),
    ],
)  # fmt: skip
def test_which_variables_hold_secrets(name: str, tells: bool) -> None:
    assert masks.tells(name) is tells


def test_values_of_the_environment(tmp_path: Path) -> None:
    environment = {
        "API_TOKEN": VALUE,
        "A_KEY": "short",
        "B_KEY": str(tmp_path),
        "C_KEY": "-----BEGIN X-----\nline-one\n-----END X-----",
        "HOME": "/nowhere",
    }
    assert masks.named(environment) == [VALUE, "correct%20horse%2Fbattery%2B1", "line-one"]


PRINTING = """
import os, subprocess, sys, time
from fettle import tracking
from fettle.workspace import Workspace
with tracking.run(Workspace.create(sys.argv[1]), "e", run_id="one", capture=["console", "code"]):
    secret = os.environ["DEPLOY_KEY"]
    print("the secret is", secret)
    sys.stdout.write(secret[:5]); sys.stdout.flush(); time.sleep(0.2); print(secret[5:], flush=True)
    subprocess.run(["echo", "child", secret])
    print("given", sys.argv[3], flush=True)
    print("unfinished", secret, end="", flush=True)
    if len(sys.argv) > 4: os.kill(os.getpid(), 9)
"""


def console(workspace: Workspace, run: str = "one") -> str:
    found = {each.path: each.digest for each in workspace.tracking.show(run).artifacts}
    pieces = [get_object(workspace.blobs, found[path]) for path in sorted(found) if "console" in path]
    return b"".join(pieces).decode()


@pytest.mark.parametrize("killed", [[], ["killed"]])
def test_the_console_of_a_process(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: list[str]
) -> None:
    monkeypatch.setenv("DEPLOY_KEY", VALUE)
    command = [sys.executable, "-c", PRINTING, str(tmp_path), "--token", "aTokenOfMine9", *killed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.count(VALUE) == 4  # the console itself shows what was printed
    journals = b"".join(
        each.read_bytes() for each in workspace.folder.glob("tracking/**/*") if each.is_file()
    )
    assert VALUE.encode() not in journals
    tracking.recover(workspace)
    kept = console(workspace)
    assert VALUE not in kept and "aTokenOfMine9" not in kept
    lines = kept.splitlines()
    assert sorted(lines) == sorted(
        [f"the secret is {HIDDEN}", HIDDEN, f"child {HIDDEN}", f"given {HIDDEN}", f"unfinished {HIDDEN}"]
    )
    if not killed:
        assert "aTokenOfMine9" not in workspace.tracking.show("one").tags["code.command"]


def test_a_stream_that_is_watched_and_the_switch(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEPLOY_KEY", VALUE)
    with tracking.run(workspace, "e", run_id="one", capture=["console"]):
        print(VALUE[:9], end="")
        print(VALUE[9:])
        print("no end:", VALUE, end="")
    assert console(workspace) == f"{HIDDEN}\nno end: {HIDDEN}"
    assert capsys.readouterr().out == f"{VALUE}\nno end: {VALUE}"
    monkeypatch.setenv("FETTLE_TRACK_MASK", "false")
    with tracking.run(workspace, "e", run_id="two", capture=["console"]):
        print(VALUE)
    assert console(workspace, "two") == f"{VALUE}\n"


def test_nothing_is_masked_where_that_is_wanted(tmp_path: Path) -> None:
    off = masks.Mask.of_process(False)
    assert off.stream() is None and off.text("password=hunter22x") == "password=hunter22x"
    assert off.command(["-p", "hunter22x"]) == ["-p", "hunter22x"]
    assert off.as_bytes() == b"0"


def test_a_remote_and_a_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_KEY", VALUE)
    assert git.shown_remote("ada:hunter22x@host:x.git") == f"ada:{HIDDEN}@host:x.git"
    assert git.shown_remote("git@host:x.git") == "git@host:x.git"
    for words in (
        ["init", "-q"],
        ["config", "user.email", "a@b.c"],
        ["config", "user.name", "a"],
        ["remote", "add", "origin", "https://ada:hunter22x@host/x.git"],
        ["commit", "-q", "--allow-empty", "-m", "one"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    (tmp_path / "a.py").write_text(f"x = {VALUE!r}\nlr = 1\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    tags, files = git.found(tmp_path, masks.Mask.of_process())
    assert "hunter22x" not in tags["git.remote"]
    assert VALUE not in files["captured/changes.diff"] and "+lr = 1" in files["captured/changes.diff"]
    tags, files = git.found(tmp_path, masks.Mask(False))
    assert "hunter22x" in tags["git.remote"] and VALUE in files["captured/changes.diff"]
