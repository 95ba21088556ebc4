"""Every error class explains itself, is on the generated page, and keeps the meaning of its kind."""

import pytest

from fettle.core import errors
from tools.reference import REFERENCE, error_classes

KINDS = (
    errors.Invalid,
    errors.NotFound,
    errors.Denied,
    errors.GateFailed,
    errors.Conflict,
    errors.Unavailable,
    errors.MissingExtra,
)
CLASSES = sorted(error_classes(), key=lambda each: each.__qualname__)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_an_error_class_is_documented(kind: type[errors.FettleError]):
    assert "__doc__" in vars(kind) and kind.__doc__
    assert f"`{kind.__module__}.{kind.__name__}`" in (REFERENCE / "exit-codes.md").read_text("utf-8")


def test_codes_are_unique():
    codes = [kind("").code for kind in CLASSES]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_an_error_keeps_the_exit_code_of_its_kind(kind: type[errors.FettleError]):
    own = next((each for each in kind.__mro__ if each in KINDS), errors.FettleError)
    assert kind.exit_code == own.exit_code
