"""Performing: arguments checked, permission asked, change and record in one transaction, retries harmless."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fettle.acts import Role, Site, store
from fettle.acts.declare import act_of
from fettle.acts.perform import perform
from fettle.core.errors import Conflict, Denied, Invalid
from tests.acts.conftest import Note, add, count, seen


def do(
    site: Site,
    function: Any,
    role: Role = Role.EDITOR,
    key: str | None = None,
    lax: bool = False,
    **arguments: Any,
) -> Any:
    return perform(
        site, act_of(function), arguments, actor="user:ada", role=role, idempotency_key=key, lax=lax
    )


def audit(site: Site) -> list:
    with site.database.read() as tx:
        return store.list_audit(tx)


def events(site: Site) -> list:
    with site.database.read() as tx:
        return [event for _, event in store.list_events(tx)]


def test_a_change_leaves_one_audit_entry_and_its_event(site: Site):
    assert do(site, add, text="hello") == Note(1, "hello")
    (entry,) = audit(site)
    assert (entry.actor, entry.act, entry.arguments, entry.previous) == (
        "user:ada",
        "notes.add",
        {"text": "hello"},
        store.GENESIS,
    )
    (event,) = events(site)
    assert (event.kind, event.subject, event.body) == ("notes.added", "note", {"times": 1})


def test_the_chain_links_each_entry_to_the_one_before(site: Site):
    for number in range(5):
        do(site, add, text=str(number))
    entries = audit(site)
    assert [each.seq for each in entries] == [1, 2, 3, 4, 5]
    assert [each.previous for each in entries[1:]] == [each.hash for each in entries[:-1]]


def test_a_failing_act_changes_nothing_at_all(site: Site):
    with pytest.raises(RuntimeError):
        do(site, add, text="explode", key="k")
    assert do(site, count) == 0
    assert audit(site) == []
    assert events(site) == []
    assert do(site, add, text="fine", key="k") == Note(1, "fine")


def test_a_read_is_not_audited_and_a_record_act_neither(site: Site):
    do(site, count)
    do(site, seen)
    assert audit(site) == []
    assert do(site, count) == 1


def test_a_repeated_key_returns_the_first_answer_and_changes_nothing(site: Site):
    first = do(site, add, text="once", key="k1")
    again = do(site, add, text="once", key="k1")
    assert first == again == Note(1, "once")
    assert do(site, count) == 1
    assert len(audit(site)) == 1


def test_a_key_is_good_for_one_request_only(site: Site):
    do(site, add, text="once", key="k1")
    with pytest.raises(Conflict, match="already used"):
        do(site, add, text="other", key="k1")


def test_sixteen_at_once_with_one_key_do_it_once(site: Site):
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: do(site, add, text="once", key="same"), range(16)))
    assert set(results) == {Note(1, "once")}
    assert do(site, count) == 1


def test_writers_at_once_keep_one_unbroken_chain(site: Site):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: do(site, add, text=str(number)), range(40)))
    entries = audit(site)
    assert [each.seq for each in entries] == list(range(1, 41))
    assert all(after.previous == before.hash for before, after in itertools.pairwise(entries))


def test_a_low_role_is_refused(site: Site):
    with pytest.raises(Denied, match="editor"):
        do(site, add, role=Role.VIEWER, text="x")
    assert do(site, count, role=Role.VIEWER) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"text": "x", "tmes": 2}, "Did you mean 'times'?"),
        ({}, "text"),
        ({"text": 5}, "Expected `str`"),
        ({"text": "x", "times": "many"}, "Expected `int`"),
        ({"text": None}, "Expected `str`"),
    ],
)
def test_bad_arguments_are_named(site: Site, arguments: dict[str, Any], told: str):
    with pytest.raises(Invalid) as caught:
        do(site, add, **arguments)
    assert told in str(caught.value)
    assert do(site, count) == 0


def test_text_is_read_as_numbers_only_where_asked(site: Site):
    with pytest.raises(Invalid):
        do(site, add, text="x", times="2")
    assert do(site, add, lax=True, text="x", times="2").id == 2
