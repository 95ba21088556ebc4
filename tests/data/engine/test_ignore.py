"""`.fettleignore` means what git says the same lines mean in `.gitignore`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fettle.core.errors import Unavailable
from fettle.data.engine.ignore import glob_pattern, rules_above
from fettle.data.engine.walk import names_of, walk

PATHS = [
    "a",
    "b.txt",
    "a.txt",
    "foo",
    "bar/foo",
    "bar/baz/foo",
    "bar/a.txt",
    "foo.d/x",
    "build/x",
    "x/build/y",
    "bar/build",
    "doc/a/b/c.pdf",
    "doc/c.pdf",
    "abc/x/y/z",
    "#hash",
    "!bang",
    "sp ace",
    "trail ",
    "[x]",
    "x1",
    "x9",
    "xa",
    "back\\slash",
    "ümlaut.txt",
    "A.TXT",
    "deep/1/2/3/4/foo",
    "foo.txt/inner",
    ".dot",
    "bar/.dot",
]

LINES = [
    "foo",
    "/foo",
    "foo/",
    "bar/foo",
    "/bar/",
    "*.txt",
    "!a.txt",
    "!bar/a.txt",
    "build/",
    "**/build",
    "build/**",
    "doc/**/c.pdf",
    "**/foo",
    "abc/**",
    "abc/*/y",
    "\\#hash",
    "#hash",
    "\\!bang",
    "!bang",
    "sp ace",
    "trail\\ ",
    "trail ",
    "[x]",
    "x[0-9]",
    "x[!0-9]",
    "x[^1]",
    "x[[:digit:]]",
    "[",
    "x[z-a]",
    "?",
    "*",
    "!*/",
    "!foo",
    "back\\\\slash",
    "/*",
    "!/bar",
    "",
    "   ",
    "a*",
    "**",
    "/**",
    "**/",
    "bar/*",
    "!bar/baz",
    "ü*",
    "*.TXT",
    ".*",
    "foo.d",
    "*/foo",
    "**foo",
    "deep/**/foo",
    "deep/**",
    "a**t",
    "x[]1]",
    "\\a",
    "foo/*",
    "doc/",
    "!doc/a/",
    "doc/a/b/",
    "\tfoo",
    "/",
    "//",
    "!",
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("ignore")
    subprocess.run(["git", "init", "-q", root], check=True)
    for name in PATHS:
        path = root / name
        if path.parent.is_file():
            path.parent.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.write_text(name)
    return root


def by_git(root: Path) -> set[str]:
    command = [
        "git",
        "-C",
        str(root),
        "-c",
        "core.excludesFile=/dev/null",
        "ls-files",
        "-zo",
        "--exclude-standard",
    ]
    return set(subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")) - {""}


def by_us(root: Path) -> set[str]:
    return {f"{each.folder}/{name}".lstrip("/") for each in walk(str(root)) for name in names_of(each.names)}


def compare(root: Path, lines: list[str], inner: list[str]) -> None:
    for folder, text in ((root, lines), (root / "bar", inner)):
        for name in (".gitignore", ".fettleignore"):
            (folder / name).write_text("\n".join(text))
    ours = {each for each in by_us(root) if not each.endswith(("/.gitignore", "/.fettleignore"))}
    theirs = {each for each in by_git(root) if not each.endswith(("/.gitignore", "/.fettleignore"))}
    assert ours - {".gitignore", ".fettleignore"} == theirs - {".gitignore", ".fettleignore"}


@pytest.mark.parametrize("line", LINES)
def test_one_line_means_what_git_means(checkout: Path, line: str) -> None:
    compare(checkout, [line], [])


@given(st.lists(st.sampled_from(LINES), max_size=6), st.lists(st.sampled_from(LINES), max_size=3))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_together_mean_what_git_means(checkout: Path, lines: list[str], inner: list[str]) -> None:
    compare(checkout, lines, inner)


def test_rules_of_the_folders_above_hold_too(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "data"
    inner.mkdir(parents=True)
    (tmp_path / "project" / ".fettleignore").write_text("*.tmp\n/data/cache/\n")
    rules = rules_above(str(inner), str(tmp_path))
    assert rules is not None
    assert rules.ignores("x/a.tmp", folder=False)
    assert rules.ignores("cache", folder=True)
    assert not rules.ignores("deep/cache", folder=True)
    assert rules_above(str(tmp_path), str(inner)) is None


def test_globs_select_files_and_what_lies_below() -> None:
    pattern = glob_pattern(["images/cat*", "labels/", "**/*.csv"])
    for path in ("images/cat.png", "images/cats/1.png", "labels/a/b", "x.csv", "a/b/x.csv"):
        assert pattern.fullmatch(path), path
    for path in ("images/dog.png", "xlabels/a", "x.csv2", "images"):
        assert not pattern.fullmatch(path), path


def test_an_ignore_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".fettleignore").symlink_to("nowhere")
    with pytest.raises(Unavailable, match="fettleignore"):
        list(walk(str(tmp_path)))
