"""The error tree: kinds, helpful messages, and the one mapping to exit codes and statuses."""

from __future__ import annotations

import pytest

from fettle.core import errors
from fettle.core.errors import (
    Conflict,
    FettleError,
    GateFailed,
    Invalid,
    NotFound,
    exit_code_of,
    from_dict,
    status_of,
)


def test_each_kind_has_its_own_exit_code_and_a_status():
    kinds = [Invalid, NotFound, errors.Denied, Conflict, GateFailed, errors.Unavailable, errors.MissingExtra]
    codes = [exit_code_of(kind("x")) for kind in kinds]
    assert codes == [2, 3, 4, 6, 5, 7, 8]
    assert [status_of(kind("x")) for kind in kinds] == [422, 404, 403, 409, 409, 503, 501]


def test_foreign_errors_are_one_and_ctrl_c_is_130():
    assert exit_code_of(ValueError()) == 1
    assert exit_code_of(KeyboardInterrupt()) == 130
    assert status_of(ValueError()) == 500


def test_unknown_name_offers_the_nearest_and_lists_what_there_is():
    error = NotFound.among("dataset", "Chrun", ["churn", "fraud"])
    assert error.hint == "Did you mean 'churn'?"
    assert "churn, fraud" in error.found
    assert error.subject == "dataset:Chrun"


def test_an_error_does_not_repeat_a_name_without_end():
    error = NotFound.among("dataset", "x" * 10_000_000, ["churn"])
    assert len(error.message) < 300 and len(error.subject) < 300 and "xxx…" in error.message


def test_unknown_name_among_none_falls_back_to_the_hint():
    error = NotFound.among("model", "x", [], hint="Make one.")
    assert error.hint == "Make one."
    assert "no model exists" in error.found


@pytest.mark.parametrize("kind", [Invalid, NotFound, GateFailed, errors.Unavailable])
def test_an_error_survives_the_wire(kind: type[FettleError]):
    sent = kind("asked", found="found", hint="do", subject="a:b")
    back = from_dict(sent.as_dict(), status=sent.status)
    assert type(back) is kind
    assert back.as_dict() == sent.as_dict()


def test_an_unknown_code_becomes_the_kind_of_its_status():
    assert type(from_dict({"code": "brand-new", "message": "m"}, status=404)) is NotFound
    assert type(from_dict({}, status=418)) is FettleError
