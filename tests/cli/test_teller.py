"""What work says goes to stderr: bars for a terminal, a line now and then for a log, nothing when quiet."""

import pytest

from fettle.cli.teller import LogTeller, TerminalTeller, teller
from fettle.projects.teller import Silence


def test_the_teller_fits_its_reader(monkeypatch: pytest.MonkeyPatch):
    assert isinstance(teller(quiet=True), Silence)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(teller(), TerminalTeller)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert isinstance(teller(), LogTeller)


def test_a_log_gets_plain_lines_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    moments = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr("fettle.cli.teller.time.monotonic", lambda: next(moments))
    log = LogTeller()
    log.say("Training …")
    with log.bar("Replaying", 4) as bar:
        bar.advance()
        bar.advance(note="May 1997")
        bar.advance()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Training …\n  Replaying 50% May 1997\n"


def test_a_terminal_keeps_what_was_said_and_no_bar(capsys: pytest.CaptureFixture[str]):
    terminal = TerminalTeller()
    terminal.say("[not markup] 1 of 2")
    with terminal.bar("Replaying", 2) as bar:
        bar.advance(1, note="half [way]")
        bar.advance(1)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("[not markup] 1 of 2\n")
