"""Texts in any encoding become UTF-8: by their byte-order mark, by what the bytes can be, or by a name given.

UTF-8 is taken as it is. Without a mark, UTF-16 and UTF-32 show by where their zero bytes are. Anything else is tried as
the encodings that spreadsheets and databases write, and the one in which the letters make words is taken, with a note;
if two do nearly as well, nothing is guessed and both readings are shown. Where two programs wrote into one file, the
lines that are UTF-8 stay what they are.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fettle.core.errors import Invalid

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = {
    "cp1252": "Windows-1252",
    "latin-1": "ISO-8859-1",
    "iso8859-15": "ISO-8859-15",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "koi8-r": "KOI8-R",
    "cp866": "CP866",
    "cp1253": "Windows-1253",
    "cp850": "CP850",
    "mac-roman": "Mac Roman",
    "shift_jis": "Shift JIS",
    "euc-jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "euc-kr": "EUC-KR",
}
_WIDE = ("shift_jis", "euc-jp", "gb18030", "big5", "euc-kr")
_LATIN = ("cp1252", "latin-1", "iso8859-15", "cp1250", "cp850", "mac-roman")
_FREQUENT = {
    "cp1252": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœ",
    "latin-1": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýß",
    "iso8859-15": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšž",
    "cp1250": "áâäąăćčçďđéęëěíîĺľłńňóôőöŕřśšşťţúůűüýźžż",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбч",
    "koi8-r": "оеаинтсрвлкмдпуяыьгзбч",
    "cp866": "оеаинтсрвлкмдпуяыьгзбч",
    "cp1253": "αοιετσνηυρπκμλωδγάέίόήύώς",
    "cp850": "àáâãäåæçèéêëìíîïñòóôõöøùúûüýß",
    "mac-roman": "àáâãäåæçèéêëìíîïñòóôõöøùúûüß",
}
_USUAL_SIGNS = "€£§°«»“”„’‘–—…©®™·²³½¼¿¡ºª\u00a0"
_WORD = re.compile(r"[^\W\d_]+")
_SAMPLE_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 22
_ZERO_PLACES = (
    ("utf-32-le", (2, 3), (0,)),
    ("utf-32-be", (0, 1), (3,)),
    ("utf-16-le", (1, 3), (0, 2)),
    ("utf-16-be", (0, 2), (1, 3)),
)
"""Without a mark: which of four bytes are zero where a text has characters of ASCII, and which never are."""

_MANY = 0.02
_SURE = 0.6
_FEW_BYTES = 6
"""Fewer bytes beyond ASCII than these are no evidence of another encoding than the usual."""

_WESTERN = ("cp1252", "latin-1", "iso8859-15")
_CLEAR = 0.05
_DEFAULT_BONUS = 0.1


class Text(NamedTuple):
    """A text in UTF-8: the file itself if it was that already, else its bytes; and a note if something was decided."""

    data: Path | bytes
    notes: list[str]


def to_utf8(data: Path | bytes, name: str, encoding: str | None = None) -> Text:
    """Bring a text to UTF-8.

    Args:
        data: A file or its bytes.
        name: What to call it in errors.
        encoding: What it is in, by any name that Python knows; None: find out.

    Raises:
        Invalid: The name is unknown, a byte does not belong into the encoding, or the encoding cannot be told.
    """
    if encoding is not None:
        return _named(data, name, _codec(encoding), encoding)
    head = _bytes_of(data, 4096)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
    if marked == "utf-8-sig" or (marked is None and _is_utf8(data) and not _zeros(head)):
        return Text(data, [])
    if marked or (marked := _zeros(head)):
        notes = [] if marked in ("utf-16", "utf-32") else [f"the text is in {marked.upper()}, without a mark"]
        return Text(_decoded(data, name, marked), notes)
    return _detected(data, name)


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file can be a text: no zero byte, but where UTF-16 and UTF-32 have them."""
    marked = any(head.startswith(mark) for mark, _ in _MARKS)
    return marked or b"\x00" not in head or _zeros(head) is not None


def not_utf8(data: Path | bytes) -> tuple[int, bytes] | None:
    """The line of the first byte that is not UTF-8, and the bytes around it; None if there is none."""
    line, carried = 1, b""
    for chunk in _chunks(data):
        block = carried + chunk
        try:
            block.decode("utf-8")
            carried = b""
        except UnicodeDecodeError as error:
            if len(chunk) == _CHUNK_BYTES and error.end == len(block) and error.start >= len(block) - 3:
                carried, block = block[error.start :], block[: error.start]
            else:
                begins = max(error.start - 12, block.rfind(b"\n", 0, error.start) + 1)
                near = block[begins : error.start + 12].partition(b"\n")[0]
                return line + block.count(b"\n", 0, error.start), near
        line += block.count(b"\n")
    return (line, carried) if carried else None


def _named(data: Path | bytes, name: str, codec: str, given: str) -> Text:
    if codec in ("utf-8", "utf-8-sig"):
        if (wrong := not_utf8(data)) is not None:
            raise _undecodable(name, given, wrong[0], wrong[1])
        return Text(data, [])
    return Text(_decoded(data, name, codec), [])


def _codec(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name)
        return found.name
    except (LookupError, TypeError, UnicodeError) as error:
        raise Invalid(
            f"There is no encoding {encoding!r}.",
            hint="Such as utf-8, utf-16, windows-1252, iso-8859-15, windows-1251, koi8-r, shift_jis, gb18030.",
        ) from error


def _decoded(data: Path | bytes, name: str, codec: str) -> bytes:
    raw = _bytes_of(data)
    try:
        return raw.decode(codec).removeprefix("\ufeff").encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        if isinstance(error, UnicodeEncodeError):
            raise Invalid(f"{name} is no text in {codec}.", found="half of a character pair") from error
        wide = 4 if "32" in codec else 2 if "16" in codec else 1
        line = raw[: error.start].decode(codec, "replace").count("\n") + 1
        raise _undecodable(name, codec, line, raw[error.start : error.start + max(wide, 4)]) from error


def _undecodable(name: str, encoding: str, line: int, near: bytes) -> Invalid:
    shown = near.decode("cp1252", "replace").strip()
    return Invalid(
        f"{name} is not in {encoding.upper()}.",
        found=f"bytes in line {line} that it does not have; read as Windows-1252: {shown!r}",
        hint="It may be cut short or in another encoding; name that with --encoding, such as windows-1252.",
    )


def _detected(data: Path | bytes, name: str) -> Text:
    """Decide among the one- and two-byte encodings, or refuse."""
    sample = _sample(data)
    scores: list[tuple[float, str, str]] = []
    for codec in _CANDIDATES:
        try:
            text = sample.decode(codec)
        except UnicodeDecodeError:
            continue
        scores.append((_likeness(text, codec), codec, text))
    ranked = sorted(scores, key=lambda each: -each[0])
    if not ranked or ranked[0][0] < _SURE:
        raise _unknown(data, name, ranked[:3])
    score, codec, text = ranked[0]
    if codec not in _WESTERN and sum(byte > 0x7F for byte in sample) < _FEW_BYTES:
        raise _unknown(data, name, ranked[:3])
    rivals = [each for each in ranked[1:] if each[2] != text and score - each[0] < _CLEAR]
    if rivals:
        raise _unknown(data, name, [ranked[0], *rivals[:2]])
    line, near = not_utf8(data) or (1, b"")
    shown = near.decode(codec, "replace").strip()
    note = (
        f"the text is not UTF-8; it was read as {_CANDIDATES[codec]} (line {line}: {shown!r}); "
        "another can be named with --encoding (encoding=)"
    )
    if codec in _WIDE:
        return Text(_decoded(data, name, codec), [note])
    mended, kept = _by_lines(data, name, codec)
    also = f"{len(kept):,} line(s) are in UTF-8 all the same, the first is line {kept[0]}" if kept else ""
    return Text(mended, [note, also] if also else [note])


def _by_lines(data: Path | bytes, name: str, codec: str) -> tuple[bytes, list[int]]:
    """A text in a one-byte encoding, but for lines that are UTF-8 already, and which these are.

    Letters of another encoding that are UTF-8 by chance make no words (`Ã¼`), so such a line came from another program.
    """
    lines = _bytes_of(data).split(b"\n")
    kept = []
    for place, line in enumerate(lines):
        if line.isascii():
            continue
        if _is_utf8(line):
            kept.append(place + 1)
            continue
        try:
            lines[place] = line.decode(codec).encode()
        except UnicodeDecodeError as error:
            raise _undecodable(name, codec, place + 1, line[error.start : error.start + 4]) from error
    return b"\n".join(lines), kept


def _unknown(data: Path | bytes, name: str, ranked: list[tuple[float, str, str]]) -> Invalid:
    line, near = not_utf8(data) or (1, b"")
    byte = next((each for each in near if each > 0x7F), 0)
    readings = "; ".join(
        f"as {_CANDIDATES[codec]}: {near.decode(codec, 'replace').strip()!r}" for _, codec, _ in ranked
    )
    return Invalid(
        f"{name} is not in UTF-8.",
        found=f"the byte 0x{byte:02x} in line {line}" + (f"; read {readings}" if readings else ""),
        hint="Say what it is: fettle data ingest … --encoding windows-1252 (in Python encoding='windows-1252'); "
        f"or convert it: iconv -f WINDOWS-1252 -t UTF-8 '{name}' > 'utf8-{Path(name).name}'",
    )


def _likeness(text: str, codec: str) -> float:
    """How much the letters beyond ASCII look like words of a language that uses the encoding, in [0, 1].

    Each such letter counts 1 if it is frequent there and its word is of one script and cased as words are, 0.5 if it
    is rare, 0 if its word is not; usual signs count 0.7, control characters and frames of boxes nothing.
    """
    if codec in _WIDE:
        return _likeness_wide(text, codec)
    frequent = set(_FREQUENT.get(codec, ""))
    points = count = 0.0
    for word in _WORD.findall(text):
        beyond = [letter for letter in word if ord(letter) > 0x7F]
        if beyond:
            count += len(beyond)
            dense = codec in _LATIN and len(word) > 2 and 2 * len(beyond) > len(word) + 1
            points += (
                (0.3 if dense else 1.0)
                * _natural(word)
                * sum(1.0 if each.lower() in frequent else 0.5 for each in beyond)
            )
    for sign in _WORD.sub("", text):
        if ord(sign) > 0x7F:
            count += 1
            points += 0.7 if sign in _USUAL_SIGNS else 0.0
    bonus = _DEFAULT_BONUS if codec == "cp1252" else 0.0
    return points / count + bonus if count else 0.0  # a word mostly of accents is no word of a Latin language


def _likeness_wide(text: str, codec: str) -> float:
    """The share of common characters of the language; kana and hangul leave no doubt, so they weigh more."""
    beyond = [each for each in text if ord(each) > 0x7F]
    if not beyond:
        return 0.0
    kana = sum("\u3041" <= each <= "\u30fa" for each in beyond)
    hangul = sum("\uac00" <= each <= "\ud7a3" for each in beyond)
    signs = sum(each in "、。，！？：；（）「」・ー\u3000" for each in beyond)
    if codec == "euc-kr":
        return (hangul + signs) / len(beyond)
    common = sum(_is_common(each, codec) for each in beyond)
    sure = 0.1 if codec in ("shift_jis", "euc-jp") and kana > 0.15 * len(beyond) else 0.0
    return 0.9 * (common + signs) / len(beyond) + sure


def _is_common(character: str, codec: str) -> bool:
    """Whether a character is in the first level of its standard, where the frequent ones are."""
    if codec in ("shift_jis", "euc-jp"):
        levels, lead = "euc-jp", (0xA4, 0xCF)
    else:
        levels, lead = ("big5", (0xA4, 0xC6)) if codec == "big5" else ("gb2312", (0xB0, 0xD7))
    raw = character.encode(levels, "ignore")
    return len(raw) == 2 and lead[0] <= raw[0] <= lead[1]


def _natural(word: str) -> bool:
    """Whether a word is of one script and lower, Title or UPPER case."""
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in word}
    return len(scripts - {"MODIFIER", "FEMININE", "MASCULINE"}) <= 1 and (
        word.islower() or word.isupper() or word[1:].islower() or len(word) == 1
    )


def _sample(data: Path | bytes) -> bytes:
    """Lines that are not UTF-8, whole, from all over the text."""
    kept: list[bytes] = []
    size = 0
    rest = b""
    for chunk in _chunks(data):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if not (line.isascii() or _is_utf8(line)):
                kept.append(line)
                size += len(line)
        if size > _SAMPLE_BYTES:
            break
    else:
        kept.append(rest)
    return b"\n".join(kept)


def _zeros(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by where the zero bytes of its ASCII characters are."""
    block = head[: len(head) // 4 * 4]
    if len(block) < 8:
        return None
    empty = [block[place::4].count(0) / (len(block) // 4) for place in range(4)]
    for codec, full, bare in _ZERO_PLACES:
        if all(empty[place] >= _MANY for place in full) and not any(empty[place] for place in bare):
            return codec if _is_printable(block, codec) else None
    return None


def _is_printable(block: bytes, codec: str) -> bool:
    """Whether bytes decode to signs that texts have; a character cut at the end does not count."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(block)
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\r\n\ufeff" for sign in text)


def _is_utf8(data: Path | bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(data):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(data: Path | bytes) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield from (data[at : at + _CHUNK_BYTES] for at in range(0, len(data), _CHUNK_BYTES))
        return
    with data.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _bytes_of(data: Path | bytes, most: int = -1) -> bytes:
    if isinstance(data, bytes):
        return data if most < 0 else data[:most]
    with data.open("rb") as stream:
        return stream.read(most)
