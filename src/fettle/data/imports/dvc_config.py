"""Where a DVC repository keeps content: its cache and its remotes, as `.dvc/config` and `.dvc/config.local` say.

Of those files only addresses are taken. Keys, passwords and profiles in them are never read out, stored or shown:
credentials come from the environment.
"""

from __future__ import annotations

import os
from configparser import ConfigParser, MissingSectionHeaderError, ParsingError
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from fettle.core.errors import Invalid, NotFound

_TAKEN = ("url", "endpointurl", "region", "allow_anonymous_login", "version_aware", "worktree")


class Remote(NamedTuple):
    """A remote.

    Attributes:
        name: As DVC calls it.
        base: A folder or `s3://…`, to be opened; empty if it is of a kind that cannot be read here.
        kind: `local`, `s3`, `gs`, `ssh`, …
    """

    name: str
    base: str
    kind: str


class Config(NamedTuple):
    """The folders and places of content; `remote` is the one to use, if there is any."""

    cache: Path
    remote: Remote | None


def read_config(root: Path, remote: str = "") -> Config:
    """Read the configuration of a DVC repository.

    Args:
        root: The repository.
        remote: The name of a remote; empty: the default one.

    Raises:
        NotFound: There is no remote of that name.
        Invalid: A file is broken, or a remote has no address.
    """
    folder = root / ".dvc"
    sections: dict[str, dict[str, str]] = {}
    for name in ("config", "config.local"):
        for section, values in _sections(folder / name).items():
            sections.setdefault(section, {}).update(values)
    cache = sections.get("cache", {}).get("dir", "cache")
    remotes = {
        name.removeprefix("remote ").strip().strip('"'): values
        for name, values in sections.items()
        if name.startswith("remote ")
    }
    wanted = remote or sections.get("core", {}).get("remote", "")
    if wanted and wanted not in remotes:
        raise NotFound.among("remote of the DVC repository", wanted, remotes)
    found = _remote(wanted, remotes, folder) if wanted else None
    return Config(Path(os.path.normpath(folder / cache)), found)


def _sections(path: Path) -> dict[str, dict[str, str]]:
    parser = ConfigParser(interpolation=None, strict=False, comment_prefixes=("#", ";"))
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (MissingSectionHeaderError, ParsingError) as error:
        lines = [str(number) for number, _ in getattr(error, "errors", [])] or [
            str(getattr(error, "lineno", "?"))
        ]
        raise Invalid(
            f"{path} is broken.", found=f"line {', '.join(lines)}", hint="See `dvc config --list`."
        ) from None
    return {
        name.strip("'"): {
            key: value.strip().strip("'\"") for key, value in parser[name].items() if _wanted(name, key)
        }
        for name in parser.sections()
    }


def _wanted(section: str, key: str) -> bool:
    section = section.strip("'")
    if section.startswith("remote "):
        return key in _TAKEN
    return (section, key) in (("core", "remote"), ("cache", "dir"))


def _remote(name: str, remotes: dict[str, dict[str, str]], folder: Path) -> Remote:
    values = remotes[name]
    url = values.get("url", "")
    if not url:
        raise Invalid(f"The DVC remote {name!r} has no url.", hint="dvc remote modify NAME url …")
    parts = urlsplit(url)
    if parts.scheme == "remote":
        if parts.netloc not in remotes or parts.netloc == name:
            raise NotFound.among("remote of the DVC repository", parts.netloc, remotes)
        inner = {**remotes[parts.netloc], **{key: value for key, value in values.items() if key != "url"}}
        inner["url"] = f"{inner.get('url', '').rstrip('/')}{parts.path}"
        return _remote(name, {**remotes, name: inner}, folder)
    versioned = [key for key in ("version_aware", "worktree") if values.get(key, "").lower() == "true"]
    if versioned:
        return Remote(name, "", f"{parts.scheme or 'local'} with {versioned[0]}")
    if parts.scheme == "s3":
        return Remote(name, _s3(url, values), "s3")
    if parts.scheme in ("", "file") or os.path.isabs(url):
        path = parts.path if parts.scheme == "file" else url
        return Remote(name, os.path.normpath(folder / os.path.expanduser(path)), "local")
    return Remote(name, "", parts.scheme)


def _s3(url: str, values: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = {
        "endpoint": values.get("endpointurl", ""),
        "region": values.get("region", ""),
        "anonymous": "true" if values.get("allow_anonymous_login", "").lower() == "true" else "",
    }
    text = urlencode({key: value for key, value in query.items() if value})
    base = f"s3://{parts.netloc}{quote(parts.path.rstrip('/'), safe='/')}"
    return f"{base}?{text}" if text else base
