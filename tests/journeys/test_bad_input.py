"""Whatever is typed wrong or goes wrong: a clear error, the documented exit code, nothing lost, and going on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from fettle.cli.app import run
from fettle.workspace import Workspace
from tests.journeys.tables import classes, table, with_target, write_csv
from tests.journeys.typed import Said, Typed, command, process

TARGET = ("--target", "class label")
QUICK = ("--trials", "3", "--no-serve")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with one good file in it."""
    for name in ("FETTLE_WORKSPACE", "FETTLE_TOKEN", "FETTLE_SERVE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))
    made = tmp_path / "project"
    made.mkdir()
    monkeypatch.chdir(made)
    write_csv(made / "good.csv")
    return made


@pytest.fixture
def typed(folder: Path, capfd: pytest.CaptureFixture[str]) -> Typed:
    """Type a `fettle` command in that folder."""

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run(words)
        printed = capfd.readouterr()
        return Said(code, printed.out, printed.err)

    return call


def assert_helpful(said: Said, code: int, *told: str) -> None:
    """An error in its form: asked, found, what to do; and not a word of Python."""
    assert said.code == code, said
    form = r"error\[[a-z-]+\]: .+\nfound: .+\nhint: .+\n\Z"
    assert re.search(form, said.err), said.err
    assert not re.search(r"Traceback|[a-z]Error:|\.py:", said.err), said.err
    for each in told:
        assert each in said.err, said.err


def write(text: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text.encode() if isinstance(text, str) else text)


def changed(**columns: pl.Expr) -> Callable[[Path], object]:
    """The good table with other values in some columns."""
    frame = table()
    made = with_target("class label", classes(frame), frame)
    return lambda path: made.with_columns(
        expression.alias(name.replace("_", " ")) for name, expression in columns.items()
    ).write_csv(path)


FILES: dict[str, tuple[Callable[[Path], object], int, tuple[str, ...]]] = {
    "a file that is not there": (lambda path: None, 3, ("There is no file",)),
    "an empty file": (write(""), 2, ("is empty", "0 bytes")),
    "blank lines only": (write("\n\n\n"), 2, ("is empty",)),
    "a header only": (write("a,class label\n"), 2, ("no rows",)),
    "a folder": (lambda path: path.mkdir(), 2, ("is a folder",)),
    "a binary file": (write(b"\x00\x01\x02" * 500), 2, ("binary",)),
    "a picture": (write(b"\x89PNG\r\n\x1a\n" + bytes(99)), 2, ("PNG",)),
    "a web page": (write("<!doctype html><title>Sign in</title>"), 2, ("web page",)),
    "another encoding": (write(b"a,class label\ncaf\x81\x8d,1\n"), 2, ("UTF-8", "iconv")),
    "a ragged file": (write("a,class label\n1,x\n2,y,z\n"), 2, ("ragged: line 3", "3 field(s)")),
    "an open quote": (write('a,class label\n1,"x\n2,y\n'), 2, ("quote",)),
    "numbers for names": (write("1,2\n3,4\n5,6\n"), 2, ("no column names",)),
    "fewer than 50 rows": (lambda path: write_csv(path, 49), 2, ("too few rows", "49", "50")),
    "a mixed column": (
        changed(年齢=pl.when(pl.int_range(pl.len()) == 99).then(pl.lit("oops")).otherwise(pl.col("年齢"))),
        2,
        ("mixed", "'oops'", "line 101"),
    ),
    "one class": (changed(class_label=pl.lit("x")), 2, ("one value only", "'x' in all 300 rows")),
    "no target values": (changed(class_label=pl.lit(None, pl.String)), 2, ("has no values", "300 rows")),
    "hardly any target values": (
        changed(class_label=pl.when(pl.int_range(pl.len()) < 40).then(pl.col("class label"))),
        2,
        ("too few rows", "40", "260 without 'class label'"),
    ),
    "a target of free text": (changed(class_label=pl.col("note")), 2, ("too many different values",)),
}


@pytest.mark.parametrize("which", FILES)
def test_a_file_that_cannot_be_learned_from(typed: Typed, folder: Path, which: str):
    make, code, told = FILES[which]
    make(folder / "bad.csv")
    before = sorted(each.name for each in folder.iterdir())
    assert_helpful(typed("up", "bad.csv", *TARGET), code, *told)
    assert sorted(each.name for each in folder.iterdir()) == before, "nothing was written"


WORDS: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "a misspelt file": (("god.csv", *TARGET), 3, ("'good.csv'",)),
    "a misspelt target": (("good.csv", "--target", "clas lable"), 3, ("target", "'class label'")),
    "a target in other letters": (("good.csv", "--target", "Class Label"), 3, ("'class label'",)),
    "no target": (("good.csv",), 2, ("Which column", "class label", "fettle up good.csv --target")),
    "a misspelt time": (("good.csv", *TARGET, "--time", "sen at"), 3, ("the time", "'seen at'")),
    "a time of numbers": (
        ("good.csv", *TARGET, "--time", "年齢"),
        2,
        ("cannot be the time", "values such as"),
    ),
    "a time of texts": (("good.csv", *TARGET, "--time", "city"), 2, ("cannot be the time", "'city")),
    "the target as time": (("good.csv", *TARGET, "--time", "class label"), 2, ("both",)),
    "one answer in the older rows": (
        (
            "SELECT *, CASE WHEN row_number() OVER () < 250 THEN 'a' ELSE 'b' END AS late FROM 'good.csv'",
            *("--target", "late", "--time", "seen at"),
        ),
        2,
        ("older rows", "'a' in all 210 rows"),
    ),
    "a time that stands still": (
        ("SELECT *, DATE '2024-01-01' AS day FROM 'good.csv'", *TARGET, "--time", "day"),
        2,
        ("cannot be split by 'day'",),
    ),
    "a regression on texts": (("good.csv", *TARGET, "--task", "regression"), 2, ("needs a number",)),
    "no trials": (("good.csv", *TARGET, "--trials", "0"), 2, ("train.trials",)),
    "a budget of words": (("good.csv", *TARGET, "--budget", "soon"), 2, ("train.budget", "'soon'")),
    "a port that is none": (("good.csv", *TARGET, "--port", "99999"), 2, ("serve.port", "65535")),
    "a name with a slash": (("good.csv", *TARGET, "--name", "a/b"), 2, ("cannot name a project",)),
    "a query on nothing": (("SELECT * FROM 'nope.csv'", *TARGET), 3, ("does not exist",)),
    "a query that is wrong": (("SELECT nope FROM 'good.csv'", *TARGET), 2, ("cannot be run",)),
    "an address": (("ftp://example.org/a.csv", *TARGET), 2, ("scheme", "'ftp'")),
}


@pytest.mark.parametrize("which", WORDS)
def test_words_that_cannot_be_meant(typed: Typed, folder: Path, which: str):
    words, code, told = WORDS[which]
    assert_helpful(typed("up", *words), code, *told)
    assert sorted(each.name for each in folder.iterdir()) == ["good.csv"]


def test_an_unknown_option_and_an_unknown_task(typed: Typed):
    said = typed("up", "good.csv", *TARGET, "--trails", "3")
    assert said.code == 2 and "--trials" in said.err
    said = typed("up", "good.csv", *TARGET, "--task", "magic")
    assert said.code == 2 and "regression" in said.err


def test_the_same_error_for_a_program(typed: Typed):
    said = typed("up", "good.csv", "--target", "clas lable", "--json")
    assert said.code == 3
    assert said.json()["error"]["code"] == "not-found"
    assert "'class label'" in said.json()["error"]["hint"]


def test_what_needs_a_project_says_how_to_begin(typed: Typed):
    for words in (("run",), ("predict", "good.csv"), ("rollback",), ("status",), ("down",), ("serve",)):
        said = typed(*words)
        assert said.code in (2, 3), said
        assert "fettle" in said.err.partition("hint: ")[2], said.err


def test_a_mistake_then_the_right_words(typed: Typed, folder: Path):
    assert typed("up", "good.csv", "--target", "clas", *QUICK).code == 3
    assert typed("up", "missing.csv", *TARGET, *QUICK).code == 3
    done = typed("up", "good.csv", *TARGET, *QUICK, "--json")
    assert done.code == 0, done.err
    first = (folder / "fettle.toml").read_text("utf-8")

    # With a model there, a mistake changes nothing, and another table is refused by name.
    assert_helpful(typed("up", "good.csv", "--target", "clas lable", *QUICK), 3, "'class label'")
    assert_helpful(typed("up", "missing.csv", *TARGET, *QUICK), 3)
    write_csv(folder / "other.csv", 200)
    assert_helpful(typed("up", "other.csv", *TARGET, *QUICK), 6, "good.csv", "other.csv", "-C NEWFOLDER")
    assert_helpful(typed("up", "good.csv", "--target", "is member?", *QUICK), 6, "data.target")
    assert (folder / "fettle.toml").read_text("utf-8") == first

    # The same words again do nothing twice, and a folder of its own takes the other table.
    again = typed("up", "good.csv", *TARGET, *QUICK, "--json")
    assert again.code == 0 and again.json()["version"] == done.json()["version"]
    elsewhere = typed("up", "other.csv", *TARGET, *QUICK, "-C", "other", "--json")
    assert elsewhere.code == 0, elsewhere.err
    assert (
        tomllib.loads((folder / "other" / "fettle.toml").read_text("utf-8"))["data"]["source"]
        == "../other.csv"
    )


def test_a_model_that_is_no_better_than_none_does_not_serve(typed: Typed, folder: Path):
    frame = table(80)
    with_target("coin", [("heads", "tails")[(number * 7919) % 13 % 2] for number in range(80)], frame).select(
        "constant", "gappy", "coin"
    ).write_csv(folder / "coin.csv")
    said = typed("up", "coin.csv", "--target", "coin", *QUICK)
    assert_helpful(said, 5, "not fit to serve", "--override")
    assert_helpful(typed("run"), 5, "not fit to serve")
    assert_helpful(typed("predict", "coin.csv"), 3, "champion")


def test_a_fettle_toml_broken_by_hand(typed: Typed, folder: Path):
    assert typed("up", "good.csv", *TARGET, *QUICK).code == 0
    declared = folder / "fettle.toml"
    good = declared.read_text("utf-8")
    for text, told in (
        (good + "\n[data\n", "not valid TOML"),
        (good.replace("target", "tarket"), "data.target"),
        (good.replace("trials = 3", 'trials = "many"'), "train.trials"),
        (good.replace('"class label"', '"klass label"'), "'class label'"),
    ):
        declared.write_text(text, "utf-8")
        said = typed("run")
        assert said.code in (2, 3), said
        assert told in said.err, said.err
        assert declared.read_text("utf-8") == text, "it is not mended behind anyone's back"
    declared.write_text("# mine\n" + good, "utf-8")
    assert typed("up", "good.csv", *TARGET, *QUICK).code == 0
    assert declared.read_text("utf-8").startswith("# mine"), "what a person wrote stays"


def test_init_keeps_what_it_was_told_through_up(typed: Typed, folder: Path):
    assert typed("init", "--name", "mine").code == 0
    assert typed("up", "good.csv", *TARGET, *QUICK, "--json").json()["project"] == "mine"
    assert typed("init", "--name", "my/project", "-C", "x").code == 2


def test_a_port_in_use_is_told_before_work_begins(typed: Typed, folder: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_helpful(typed("up", "good.csv", *TARGET, "--trials", "3", "--port", port), 7, port, "--port")
    assert not (folder / "fettle.toml").exists()


def test_a_folder_that_cannot_be_written(typed: Typed, folder: Path):
    assert_helpful(
        typed("up", "good.csv", *TARGET, *QUICK, "-C", "good.csv/below"), 7, "workspace cannot be made"
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB in memory."""
    made = tmp_path / "disk"
    made.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(made)], capture_output=True, check=False
    )
    if mounted.returncode:
        # only root may mount; tests/storage stand in with RLIMIT_FSIZE
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    yield made
    subprocess.run(["umount", "-l", str(made)], check=True)


def test_a_read_only_disk(folder: Path, disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert_helpful(process("up", "good.csv", *TARGET, *QUICK, "-C", str(disk / "new"), folder=folder), 7)
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_a_disk_that_fills_up_and_then_has_room(folder: Path, disk: Path):
    words = ("up", "good.csv", *TARGET, *QUICK, "-C", str(disk / "new"))
    filler = disk / "filler"
    for free_kb in (8, 600):
        filler.write_bytes(bytes(max(0, _free_bytes(disk) - free_kb * 1024)))
        assert_helpful(process(*words, folder=folder), 7, "full")
        filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    said = process(*words, "--json", folder=folder)
    assert said.code == 0, said.err
    assert said.json()["version"] == 1


def _free_bytes(disk: Path) -> int:
    facts = os.statvfs(disk)
    return facts.f_bavail * facts.f_bsize


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle_it_goes_on(folder: Path, how: signal.Signals):
    words = ("up", "good.csv", *TARGET, "--no-serve", "--trials", "6")
    for wait_s, heard in ((0.3, ""), (1.2, ""), (0.0, "Data:"), (0.3, "Search:")):
        with (folder / "said").open("wb") as said:
            begun = subprocess.Popen(command(*words), cwd=folder, stdout=said, stderr=said)
            while heard not in (folder / "said").read_text("utf-8") and begun.poll() is None:
                time.sleep(0.02)
            time.sleep(wait_s)
            begun.send_signal(how)
            code = begun.wait(60)
        text = (folder / "said").read_text("utf-8")
        # Python ends itself by the signal if it came within exec() or eval(); a shell shows both as 130
        assert code in ((0, 130, -how) if how == signal.SIGINT else (0, -how)), text
        assert "Traceback" not in text, text
        if code == 130:
            assert "goes on from there" in text
    done = process(*words, "--json", folder=folder)
    assert done.code == 0, done.err
    with Workspace.open(str(folder)) as ws:
        assert [each.version for each in ws.registry.versions("good")] == [1]
        assert len(ws.data.log("good")) == 1
        trials = [each for each in ws.tracking.runs(experiment="good") if each.params]
        ended = [each for each in trials if each.status == "finished"]
        assert len({each.name for each in ended}) == len(ended) == 6, "no trial twice, none lost"
