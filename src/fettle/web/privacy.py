"""Privacy: what columns hold and who says so, what happens to them, and what was erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fettle.core.errors import Denied, FettleError, Invalid, NotFound
from fettle.web.asked import Asked
from fettle.web.formats import segment
from fettle.web.forms import fields_of
from fettle.web.history import main_of
from fettle.web.labels import Perform
from fettle.web.site import COMPRESSED, HEADERS, Facts, Site, as_json, asked_of, tagged
from fettle.web.tables import Column, arrange

if TYPE_CHECKING:
    from fettle.privacy.records import Classified, PolicyVersion

LEVELS = ("public", "internal", "personal", "sensitive")
TONES = {"public": "idle", "internal": "idle", "personal": "warn", "sensitive": "bad"}
CAREFUL = ("personal", "sensitive")
SHOWN_CERTIFICATES = 100
DOINGS = ("confirm", "reject")


class Kept(msgspec.Struct, frozen=True):
    """What is known of the privacy of one dataset.

    Attributes:
        dataset: The dataset.
        levels: How many columns have each level.
        proposed: How many columns that need care nobody has confirmed.
        unruled: How many confirmed ones that need care have no rule.
        policy: Version of its policy; 0 if none was set.
        subject: The column that names the subject; empty if none does.
    """

    dataset: str
    levels: dict[str, int]
    proposed: int
    unruled: int
    policy: int
    subject: str


def screens(site: Site, perform: Perform | None = None) -> list[Route]:
    """The pages of privacy, read with the role of whoever asks, and the form by which a person has the last word.

    Args:
        site: What pages share.
        perform: Performs an act for whoever sent a request; None: the workspace does.
    """
    act = perform or (lambda _, name, arguments: site.ws.call(name, **arguments))
    pages = (("/privacy", "privacy/privacy.html", read_all, draw_all),
             ("/privacy/{dataset}", "privacy/dataset.html", read_one, draw_one))  # fmt: skip

    def shown(template: str, read: Any, draw: Any) -> Any:
        def show(request: Request) -> Response:
            asked = asked_of(request)
            try:
                facts = read(act, request, asked)
            except FettleError as error:
                return site.refuse(error, request)
            return tagged(site.render(template, request, asked, {**facts, **draw(facts, asked)}), request)

        return show

    def twin(read: Any) -> Any:
        def tell(request: Request) -> Response:
            try:
                return as_json(read(act, request, asked_of(request)))
            except FettleError as error:
                return as_json({"error": error.as_dict()}, error.status)

        return tell

    async def say(request: Request) -> Response:
        try:
            return await run_in_threadpool(_said, act, request, await fields_of(request))
        except FettleError as error:
            return await run_in_threadpool(site.refuse, error, request)

    return [
        *(
            route
            for path, template, read, draw in pages
            for route in (
                Route(f"{path}.json", twin(read), methods=["GET"], middleware=COMPRESSED),
                Route(path, shown(template, read, draw), methods=["GET"], middleware=COMPRESSED),
            )
        ),
        Route("/privacy/{dataset}", say, methods=["POST"]),
    ]


def read_all(act: Perform, request: Request, _: Asked) -> Facts:
    """What is known of every dataset, and the certificates of erasure if the visitor may see them."""
    classes = act(request, "privacy.classification", {})
    policies = {each.dataset: each for each in act(request, "privacy.policies", {})}
    by: dict[str, list[Classified]] = {}
    for each in classes:
        by.setdefault(each.dataset, []).append(each)
    certificates, denied = _certificates(act, request)
    return {
        "datasets": [
            kept_of(name, by.get(name, []), policies.get(name)) for name in sorted({*by, *policies})
        ],
        "certificates": certificates,
        "denied": denied,
    }


def _certificates(act: Perform, request: Request) -> tuple[list[Any], str]:
    try:
        return act(request, "privacy.certificates", {})[:SHOWN_CERTIFICATES], ""
    except Denied as error:
        return [], error.message


def kept_of(dataset: str, classes: Sequence[Classified], policy: PolicyVersion | None) -> Kept:
    """Count what is known of a dataset."""
    rules = policy.policy.rules if policy else {}
    careful = [each for each in classes if each.level in CAREFUL]
    return Kept(
        dataset,
        dict(Counter(each.level for each in classes)),
        sum(each.status == "proposed" for each in careful),
        sum(each.status == "confirmed" and each.column not in rules for each in careful),
        policy.version if policy else 0,
        policy.policy.subject if policy else "",
    )


def draw_all(facts: Facts, asked: Asked) -> Facts:
    """The table of datasets, those that wait for a person first."""
    columns = [
        Column("dataset", "Dataset", lambda each: each.dataset),
        Column("sensitive", "Sensitive", lambda each: each.levels.get("sensitive", 0), number=True),
        Column("personal", "Personal", lambda each: each.levels.get("personal", 0), number=True),
        Column("others", "Others", _others, number=True),
        Column("proposed", "To confirm", lambda each: each.proposed, number=True),
        Column("unruled", "Without a rule", lambda each: each.unruled, number=True),
        Column("policy", "Policy", lambda each: each.policy, number=True),
        Column("subject", "Subject", lambda each: each.subject or None),
    ]
    table = arrange(facts["datasets"], columns, asked, order="-proposed", words=lambda each: each.dataset)
    return {"table": table, "others": _others}


def _others(kept: Kept) -> int:
    return kept.levels.get("internal", 0) + kept.levels.get("public", 0)


def read_one(act: Perform, request: Request, asked: Asked) -> Facts:
    """The columns of a dataset, and every version of its policy."""
    name = asked.name("dataset")
    classes = act(request, "privacy.classification", {"dataset": name})
    policies = act(request, "privacy.policies", {"dataset": name})
    if not classes and not policies:
        known = {each.name for each in act(request, "data.datasets", {})}
        if name not in known:
            raise NotFound.among("dataset", name, known, hint="Begin at /privacy.")
    return {"dataset": name, "classes": classes, "policies": policies, "branch": _branch(act, request, name)}


def _branch(act: Perform, request: Request, dataset: str) -> str:
    """The branch a dataset is shown by; empty if nothing was committed to it yet."""
    try:
        return main_of(act(request, "data.refs", {"dataset": dataset}))
    except NotFound:
        return ""


def draw_one(facts: Facts, asked: Asked) -> Facts:
    """A row for each column, those that wait for a person first; its rule in words."""
    policy = facts["policies"][0].policy if facts["policies"] else None
    rules = {column: rule_text(each) for column, each in (policy.rules if policy else {}).items()}
    columns = [
        Column("column", "Column", lambda each: each.column.casefold()),
        Column("level", "Class", lambda each: LEVELS.index(each.level)),
        Column("kind", "Recognised as", lambda each: each.kind or None),
        Column("confidence", "Sure", lambda each: each.confidence, number=True),
        Column("", "Policy"),
        Column("status", "Said by", lambda each: each.status),
        Column("", "A person's word"),
    ]
    waiting = sorted(
        facts["classes"],
        key=lambda each: (
            each.level not in CAREFUL,
            each.status == "confirmed",
            -LEVELS.index(each.level),
            -each.confidence,
        ),
    )
    chosen = asked.choice("status", ("", "proposed", "confirmed"))
    rows = [each for each in waiting if chosen in ("", each.status)]
    return {
        "table": arrange(rows, columns, asked, words=lambda each: f"{each.column} {each.kind} {each.level}"),
        "policy": policy,
        "rules": rules,
        "levels": LEVELS,
        "tones": TONES,
        "careful": CAREFUL,
        "texts": {each.version: dict(_texts(each)) for each in facts["policies"]},
    }


def _texts(version: PolicyVersion) -> list[tuple[str, str]]:
    return [(column, rule_text(each)) for column, each in version.policy.rules.items()]


def rule_text(rule: Any) -> str:
    """A treatment in words: its name, and what was decided otherwise than usual."""
    fields = {each.name: each.default for each in msgspec.structs.fields(rule)}
    said = {key: getattr(rule, key) for key, usual in fields.items() if getattr(rule, key) != usual}
    return ", ".join(
        [str(rule.__struct_config__.tag), *(f"{key} {_value(each)}" for key, each in said.items())]
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"of {len(value)} values"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _said(act: Perform, request: Request, fields: dict[str, str]) -> Response:
    """Do what the form asks: confirm the class of a column, or say that there is nothing personal in it."""
    dataset, column = str(request.path_params["dataset"]), fields.get("column", "")
    doing = fields.get("do", "confirm")
    if doing not in DOINGS or not column:
        raise Invalid(
            "The form asks for nothing that is known.", found=repr(doing[:40]), hint=", ".join(DOINGS)
        )
    known = {each.column for each in act(request, "privacy.classification", {"dataset": dataset})}
    if column not in known:
        raise NotFound.among("classified column", column, known)
    level = fields.get("level", "")
    if doing == "confirm" and level not in LEVELS:
        raise Invalid("There is no such class.", found=repr(level[:40]), hint=", ".join(LEVELS))
    given: dict[str, Any] = {
        "dataset": dataset,
        "column": column,
        "note": fields.get("note", "").strip()[:500],
    }
    given |= {"level": level} if doing == "confirm" else {"level": "internal", "kind": ""}
    act(request, "privacy.confirm", given)
    back = f"?status={fields['status']}" if fields.get("status") in ("proposed", "confirmed") else ""
    return RedirectResponse(f"/privacy/{segment(dataset)}{back}", 303, HEADERS)
