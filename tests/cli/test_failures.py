"""Whatever goes wrong becomes a message, a hint and an exit code."""

import errno
from pathlib import Path

import msgspec
import pytest

from fettle.cli import failures
from fettle.core import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Invalid("no"), 2),
        (errors.NotFound("no"), 3),
        (errors.Denied("no"), 4),
        (errors.GateFailed("no"), 5),
        (errors.Conflict("no"), 6),
        (errors.Unavailable("no"), 7),
        (errors.MissingExtra.of("psycopg", "postgres"), 8),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes_follow_the_kind(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]):
    assert failures.report(error) == code
    assert capsys.readouterr().out == ""


def test_an_error_says_what_was_found_and_what_to_do(capsys: pytest.CaptureFixture[str]):
    failures.report(errors.NotFound.among("model", "frod", ["fraud", "churn"]))
    assert capsys.readouterr().err == (
        "error[not-found]: There is no model 'frod'.\nfound: 2 known: churn, fraud\nhint: Did you mean 'fraud'?\n"
    )


def test_a_full_disk_is_said_plainly(capsys: pytest.CaptureFixture[str]):
    assert failures.report(OSError(errno.ENOSPC, "No space left on device")) == 7
    assert "The disk is full." in capsys.readouterr().err


def test_an_unexpected_error_leaves_its_whole_account_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path))
    try:
        raise ZeroDivisionError("a deep reason")
    except ZeroDivisionError as error:
        assert failures.report(error, as_json=True) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert msgspec.json.decode(said.out)["error"]["code"] == "unexpected"
    (saved,) = (tmp_path / "errors").iterdir()
    assert str(saved) in said.err
    assert "ZeroDivisionError: a deep reason" in saved.read_text("utf-8")


def test_an_account_is_saved_elsewhere_when_the_home_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(failures.tempfile, "gettempdir", lambda: str(tmp_path))
    assert failures.report(RuntimeError("odd")) == 1
    (saved,) = tmp_path.glob("fettle-error-*.txt")
    assert str(saved) in capsys.readouterr().err
