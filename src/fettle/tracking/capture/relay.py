"""Pass on what is printed, and write it to a file without its secrets: as it flows, however it is cut into pieces.

As a program it is what `tee` is: `python -I -S relay.py LOG FD`, where from FD it reads whether to mask (`1` or `0`)
and the values to look for, with NUL between. It is started for every run that keeps its console, so it must start
fast: it imports nothing of fettle, and next to nothing else.
"""

from __future__ import annotations

import os
import re
import signal
import sys

HIDDEN = "•••".encode()
MOST_BYTES = 64 << 20
"""What is printed beyond this is passed on and not kept."""

_READ_BYTES = 64 << 10
_MOST_HELD_BYTES = 16 << 10
_MOST_PEM_LINES = 200

_NAMES = (b"passw", b"passphrase", b"pwd", b"secret", b"token", b"apikey", b"api_key", b"api-key", b"api key",
          b"access_key", b"access-key", b"accesskey", b"private_key", b"private-key", b"private key", b"account_key",
          b"account-key", b"accountkey", b"client_key", b"client-key", b"clientkey", b"signing_key", b"encryption_key",
          b"credential")  # fmt: skip
_HEADERS = (b"bearer", b"authorization")
_STARTS = (b"akia", b"asia", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"xox", b"sk-", b"hf_",
           b"glpat-", b"eyj", b"aiza", b"npm_", b"pypi-")  # fmt: skip
_HINTS = (*_NAMES, *_HEADERS, *_STARTS, b"://", b"-----begin")
"""One of these is in every line that one of the forms below could be found in; to look for them costs little."""
_LONGEST_HINT = max(map(len, _HINTS))
_HINT = re.compile(rb"(?i)" + b"|".join(map(re.escape, _HINTS)))
_KNOWN = re.compile(
    rb"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}\b|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    rb"|sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|glpat-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36}"
    rb"|pypi-[A-Za-z0-9_-]{50,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)"
)
_SAID = re.compile(
    rb"""(?ix) (?P<name> (?: password | passwd | passphrase | pwd | secret | token | credentials?
    | (?: api[ _-]? | access[_-]? | private[ _-]? |
    (?:account|client|secret)[_-]? | (?:signing|encryption)_ ) key ) ["']?\]? \s*[:=]\s* )
    (?P<value> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s"',;&)}\]]+ )"""
)
_HARMLESS = re.compile(
    rb"""(?ix) ["']? (?: [-+]?[\d.,_]+(?:e[-+]?\d+)?[%a-z/]{0,10}
    | none | null | true | false | [<\[{($%] .* | \xe2\x80\xa2.* )? ["']?"""
)
_OF_TEXT = re.compile(
    rb"(?i)(?:^|[^a-z])(?:pad|bos|eos|unk|sep|cls|mask|next|last|first|image|stop|start|end)_$"
)
_HEADER = re.compile(rb"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:[a-z]+\s+)?)[^\s\"',]{6,}")
_BEARER = re.compile(rb"(?i)\b(bearer\s+)[A-Za-z0-9._~+/-]{16,}=*")
_USER = re.compile(rb"(?i)\b([a-z][a-z0-9+.-]{1,15}://)([^\s/@:\"'<>]*:)?([^\s@/\"'<>]+)@")
_QUERY = re.compile(
    rb"(?i)([?&][\w.%-]{0,60}?(?:token|secret|password|signature|credential|api[_-]?key|access[_-]?key|sig|key)=)[^&\s\"'<>#]{4,}"
)
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_END = re.compile(rb"-----END [A-Z0-9 ]*PRIVATE KEY-----")


class Masker:
    """Masks a stream: what is fed to it comes out without secrets, some of it only when its line goes on or ends.

    Args:
        values: Secrets that are known, to be masked wherever they are; none of them empty or with a line's end.
    """

    def __init__(self, values: list[bytes]) -> None:
        self._values = sorted(values, key=len, reverse=True)
        self._spaced = [value for value in self._values if b" " in value or b"\t" in value]
        self._held = b""
        self._until_end = False
        self._pem_lines = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the stream; answer what can be said by now."""
        held = self._held + data
        if len(held) <= _MOST_HELD_BYTES and self._goes_on(data):
            self._held = held
            return b""
        cut = self._settled(held)
        self._held = held[cut:]
        self._until_end = self._pem_lines > 0 or _hinted(self._held)
        return self.whole(held[:cut])

    def _goes_on(self, data: bytes) -> bool:
        """Whether what is held cannot be said yet either: a look at the new piece only, as they may be many."""
        if b"\n" in data or b"\r" in data:
            return False
        if self._until_end:
            return True
        if not self._held or b" " in data or b"\t" in data:
            return False
        self._until_end = _hinted(self._held[-_LONGEST_HINT:] + data)
        return True

    def rest(self) -> bytes:
        """The end of the stream."""
        held, self._held = self._held, b""
        return self.whole(held)

    def whole(self, text: bytes) -> bytes:
        """Text without what is secret in it, seen by itself."""
        for value in self._values:
            if value in text:
                text = text.replace(value, HIDDEN)
        if not self._pem_lines and not _hinted(text):
            return text
        return b"".join([self._line(line) for line in text.splitlines(keepends=True)])

    def _settled(self, held: bytes) -> int:
        """How much of what is held can be no part of a secret that is not there wholly yet."""
        end = max(held.rfind(b"\n"), held.rfind(b"\r")) + 1
        tail = held[end:]
        if not tail:
            return end
        if len(tail) > _MOST_HELD_BYTES:
            return end + _begun(tail, self._values)
        if self._pem_lines or _hinted(tail):
            return end
        cut = max(tail.rfind(b" "), tail.rfind(b"\t")) + 1
        if self._spaced:
            cut = min(_begun(tail, self._spaced), cut)
        for value in self._spaced:  # one that is there wholly is not cut either
            start = tail.find(value, max(0, cut - len(value) + 1))
            if 0 <= start < cut < start + len(value):
                cut = start
        return end + cut

    def _line(self, line: bytes) -> bytes:
        if self._pem_lines:
            self._pem_lines = 0 if _END.search(line) else self._pem_lines - 1
            return b""
        begin = _BEGIN.search(line)
        if begin is not None and not _END.search(line):
            self._pem_lines = _MOST_PEM_LINES
            return line[: begin.start()] + HIDDEN + b"\n"
        return _without_forms(line)


def _begun(tail: bytes, values: list[bytes]) -> int:
    """Where one of the values begins of which the end is not there yet; the end of the text where none does."""
    place = len(tail)
    for value in values:
        start = tail.find(value[:1], max(0, len(tail) - len(value) + 1))
        while 0 <= start < place:
            if value.startswith(tail[start:]):
                place = start
            start = tail.find(value[:1], start + 1)
    return place


def _hinted(text: bytes) -> bool:
    if len(text) < 200:  # a word: one search is faster than many
        return _HINT.search(text) is not None
    folded = text.lower()
    return any(hint in folded for hint in _HINTS)


def _without_forms(line: bytes) -> bytes:
    folded = line.lower()
    if b"://" in folded:
        line = _USER.sub(lambda found: found[1] + (found[2] or b"") + _user(found) + b"@", line)
        line = _QUERY.sub(rb"\1" + HIDDEN, line)
    if any(start in folded for start in _STARTS):
        line = _KNOWN.sub(HIDDEN, line)
    if any(header in folded for header in _HEADERS):
        line = _BEARER.sub(rb"\1" + HIDDEN, _HEADER.sub(rb"\1" + HIDDEN, line))
    if any(name in folded for name in _NAMES):
        line = _SAID.sub(_said, line)
    return line


def _user(found: re.Match[bytes]) -> bytes:
    """A password, or a name so long that it is a token."""
    return found[3] if not found[2] and len(found[3]) < 16 else HIDDEN


def _said(found: re.Match[bytes]) -> bytes:
    """A name and, if it is one, the secret that is set; numbers and special tokens of language models are none."""
    name, value = found["name"], found["value"]
    least = 4 if name[:1] in b"pP" and not name.lower().startswith(b"private") else 8
    plain = len(value.strip(b"\"'")) < least or _HARMLESS.fullmatch(value)
    of_text = name[:1] in b"tT" and _OF_TEXT.search(found.string[: found.start()])
    return found[0] if plain or of_text else name + HIDDEN


def main(log: str, known: int) -> None:
    """Pass standard input on to standard output, and write it to a file; go on where the file cannot be written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with open(known, "rb") as file:
        told = file.read()
    masker = Masker([each for each in told[1:].split(b"\0") if each]) if told[:1] == b"1" else None
    keeping = _Keeping(log)
    while data := os.read(0, _READ_BYTES):
        _write(1, data)
        keeping.keep(data if masker is None else masker.feed(data))
    if masker is not None:
        keeping.keep(masker.rest())


class _Keeping:
    """The file, up to `MOST_BYTES`."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._left = MOST_BYTES - os.fstat(self._file).st_size

    def keep(self, data: bytes) -> None:
        if data and self._left > 0:
            try:
                _write(self._file, data)
                self._left -= len(data)
            except OSError:  # the disk is full: printing goes on
                self._left = 0


def _write(to: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(to, data) :]
        except BlockingIOError:
            import select

            ready = select.poll()  # select() knows no descriptor above 1,023
            ready.register(to, select.POLLOUT)
            ready.poll()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
