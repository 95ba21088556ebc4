"""Where a version's files may lie: addresses that clients download from, never a path of this machine.

The server itself opens none of them. What lies here (files of runs and logged models) is written down file by file when
the version is made, so that fettle can hand out exactly these later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from fettle.core import canonical
from fettle.core.errors import NotFound
from fettle.protocols.mlflow import entries, logged_models
from fettle.protocols.mlflow.artifacts import files_in
from fettle.protocols.mlflow.calls import Call
from fettle.protocols.mlflow.errors import Refused, invalid, missing
from fettle.protocols.mlflow.paths import Place, place_of, safe
from fettle.registry.records.versions import ModelVersion
from fettle.storage.objects import put_object

MOST_CHARACTERS = 4000
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?://([^/]*))?(/?.*)", re.DOTALL)
_SCHEMES = frozenset(
    (
        "runs", "models", "mlflow-artifacts", "http", "https", "s3", "s3a", "s3n", "gs", "r2", "b2", "wasb", "wasbs",
        "abfs", "abfss", "adl", "hdfs", "viewfs", "dbfs", "ftp", "sftp", "oss", "cos", "obs", "swift", "hf",
    )
)  # fmt: skip
"""What MLflow's clients download from, their usual plugins among them."""
_PLACEHOLDERS = ("dummy-source", "prompt-template")
"""What clients say of a prompt, whose text is a tag and which has no files."""
_DECODINGS = 6
_MOST_COPIES = 20
"""Of copies of copies, until what was written down is used."""
_BUNDLE = re.compile(r"/?bundles/([0-9a-f]{64})/?")


@dataclass(frozen=True)
class Source:
    """Where a new version comes from.

    Attributes:
        address: As the version is going to say.
        run_id: The run that made it.
        logged_model: The logged model that it is.
        place: Where its files lie here; None if they lie elsewhere.
        copied: The version that it is a copy of.
    """

    address: str
    run_id: str | None = None
    logged_model: str | None = None
    place: Place | None = None
    copied: ModelVersion | None = None


def resolved(call: Call, address: str, run_id: str, model_id: str) -> Source:
    """Look at where a version is said to come from.

    Args:
        call: The request.
        address: Such as `runs:/ID/model`, `models:/m-ID`, `models:/NAME/3`, `mlflow-artifacts:/…`, `s3://…`.
        run_id: The run that the client names; empty if none.
        model_id: The logged model that it names.

    Raises:
        Refused: It leads to a path of this machine, climbs, or is not of the run or model that was named.
    """
    if address in _PLACEHOLDERS:
        return Source(address)
    scheme, host, path = _parts(address)
    found = Source(address, run_id or None, model_id or None)
    if scheme == "runs" and not host:
        found = _of_run(address, path, run_id, model_id)
    elif scheme == "models" and not host:
        found = _of_model(call, address, path, run_id, model_id)
    elif scheme == "mlflow-artifacts" or "/mlflow-artifacts/" in path:
        found = _of_artifacts(
            call, address, path.rpartition("/mlflow-artifacts/artifacts/")[2], run_id, model_id
        )
    elif scheme in ("runs", "models"):
        raise _wrong(address)
    if found.logged_model and found.copied is None:
        model = logged_models.found(call, found.logged_model)
        found = Source(address, found.run_id or model.run or None, model.id, found.place)
    return found


def listed(call: Call, source: Source) -> str | None:
    """Write down which files a version has, each with its digest; the list's own digest. None: they lie elsewhere."""
    if source.copied is not None:
        return source.copied.manifest
    if source.place is None:
        return None
    start = len(source.place.path) + 1 if source.place.path else 0
    files = {each.path[start:] or each.path: each.digest for each in files_in(call, source.place)}
    return put_object(call.workspace.blobs, canonical.encode(files)) if files else None


def download_uri(call: Call, version: ModelVersion, depth: int = 0) -> str:
    """Where a client downloads a version's files.

    Of files that lie here these are exactly the ones that were written down, whatever became of the run or model since:
    what people have agreed to is what is loaded.
    """
    if version.kind == "foreign" and version.manifest is not None:
        return f"{entries.LISTINGS}/{version.manifest}"
    scheme, _, path = version.source.partition(":")
    if version.kind != "foreign" or scheme != "models":
        return entries.source_of(version)
    try:
        if version.logged_model and path.strip("/") == version.logged_model:
            model = logged_models.found(call, version.logged_model)
            return logged_models.shown(call, model)["info"]["artifact_uri"]
        if depth < _MOST_COPIES:
            return download_uri(call, _version(call, version.source, path.strip("/")), depth + 1)
    except Refused:  # it was deleted
        pass
    return version.source


def _parts(address: str) -> tuple[str, str, str]:
    """Scheme, host and path of an address that is no local one, however it is written."""
    match = _ADDRESS.fullmatch(address)
    if match is None or len(address) > MOST_CHARACTERS or match.group(1).lower() not in _SCHEMES:
        raise _wrong(address)
    seen = address
    for _ in range(_DECODINGS):
        _check(address, seen)
        again = unquote(seen)
        if again == seen:
            return match.group(1).lower(), match.group(2) or "", match.group(3)
        seen = again
    raise _wrong(address)


def _check(address: str, seen: str) -> None:
    steps = [part.split(";")[0].strip() for part in seen.partition(":")[2].split("/")]
    bad = any(each in "\\#?\x7f\ufffd" or each < " " for each in seen)
    if bad or any(each in (".", "..") for each in steps):
        raise _wrong(address)


def _of_run(address: str, path: str, run_id: str, model_id: str) -> Source:
    owner, _, rest = path.strip("/").partition("/")
    if not owner or (run_id and run_id != owner):
        raise _foreign(address, "run_id")
    return Source(address, owner, model_id or None, Place(f"run:{owner}", safe(rest, folder=True)))


def _of_model(call: Call, address: str, path: str, run_id: str, model_id: str) -> Source:
    name = path.strip("/")
    if re.fullmatch(r"m-[0-9a-f]{32}", name):
        if model_id and model_id != name:
            raise _foreign(address, "model_id")
        return Source(address, run_id or None, name, Place(f"model:{name}", ""))
    version = _version(call, address, name)
    if version.status == "rejected":
        raise invalid(f"Version {version.version} of {version.model} was rejected and cannot be copied.")
    if run_id not in ("", version.run_id):
        raise _foreign(address, "run_id")
    if model_id not in ("", version.logged_model):
        raise _foreign(address, "model_id")
    exact = f"models:/{version.model}/{version.version}"
    return Source(exact, run_id or version.run_id, model_id or version.logged_model, copied=version)


def _version(call: Call, address: str, name: str) -> ModelVersion:
    """The version that `NAME/3`, `NAME@alias`, `NAME/latest` or `NAME/Production` names."""
    model, mark, which = name.partition("@") if "@" in name else name.rpartition("/")
    if not mark or not model or "/" in model:
        raise _wrong(address)
    known = entries.model_named(call, model)
    if mark == "@":
        which = str(known.aliases.get(which, 0))
    elif which.lower() == "latest":
        which = str(known.latest)
    elif not which.isdecimal():
        stage = entries.canonical_stage(which)
        latest = entries.latest_versions(call, [known]).get(model, [])
        which = str(next((each.version for each in latest if entries.stage_of(each) == stage), 0))
    return entries.version_numbered(call, model, which)


def _of_artifacts(call: Call, address: str, path: str, run_id: str, model_id: str) -> Source:
    bundle = _BUNDLE.fullmatch(path)
    if bundle is not None:
        return Source(address, run_id or None, copied=_of_bundle(call, bundle.group(1)))
    place = place_of(unquote(path).strip("/"), folder=True)
    kind, _, owner = place.owner.partition(":")
    if kind == "run" and run_id not in ("", owner):
        raise _foreign(address, "run_id")
    if kind == "model" and model_id not in ("", owner):
        raise _foreign(address, "model_id")
    made_by = owner if kind == "run" else run_id
    return Source(address, made_by or None, owner if kind == "model" else model_id or None, place)


def _of_bundle(call: Call, digest: str) -> ModelVersion:
    """A version that has a bundle; one with a failed gate goes first, so that a copy keeps it."""
    try:
        call.perform("registry.find", ref=digest)
    except NotFound:
        raise missing(f"No version has the bundle {digest}.") from None
    known = entries.versions_with(call, "bundle", digest)
    if any(each.status == "rejected" for each in known):
        raise invalid("A version with this bundle was rejected, which cannot be copied.")
    return max(known, key=lambda each: len(each.failed_gates))


def _foreign(address: str, field: str) -> Refused:
    return invalid(
        f"Invalid model version source: '{address[:300]}'. The {field} request parameter must identify the "
        "resource that contains the source."
    )


def _wrong(address: str) -> Refused:
    return invalid(
        f"Invalid model version source: '{address[:300]}'. It must be an address that clients can download from, such "
        "as runs:/ID/model, models:/m-ID, mlflow-artifacts:/… or s3://…; local paths and relative path references are "
        "refused."
    )
