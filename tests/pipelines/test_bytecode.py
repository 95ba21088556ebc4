from __future__ import annotations

from types import CodeType

import pytest

from fettle.pipelines.bytecode import Import, Reach, facts_of


def code(source: str) -> CodeType:
    names: dict[str, object] = {}
    exec(source, names)
    return names["f"].__code__  # type: ignore[attr-defined] - the source defines f


BASE = """
def f(x):
    y = [each + 1 for each in x if each in {"a", "b"}]
    try:
        return g(y, key=1.5)
    finally:
        h()
"""


def test_comments_layout_and_docstrings_are_no_part_of_it() -> None:
    other = '''
# a comment


def f(x):
    """What it does."""

    y = [
        each + 1  # one more
        for each in x
        if each in {"a", "b"}
    ]
    try:
        return g(
            y,
            key=1.5,
        )
    finally:
        h()
'''
    assert facts_of(code(other)).digest == facts_of(code(BASE)).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+ 1", "+ 2"),
        ('"b"', '"c"'),
        ("1.5", "1"),
        ("g(y", "k(y"),
        ("key=", "kee="),
        ("h()", "h(1)"),
        ("if each in", "if each not in"),
        ("def f(x)", "def f(*x)"),
        ("return g", "yield g"),
        ("each + 1 for", "lambda: each + 1 for"),
    ],
)
def test_whatever_changes_what_it_does_changes_the_digest(old: str, new: str) -> None:
    assert old in BASE
    assert facts_of(code(BASE.replace(old, new))).digest != facts_of(code(BASE)).digest


def test_a_true_one_is_no_integer_one() -> None:
    assert facts_of(code("def f(): return 1")).digest != facts_of(code("def f(): return True")).digest


def test_names_imports_and_texts_are_found_in_nested_code_too() -> None:
    facts = facts_of(
        code(
            "def f():\n"
            "    import numpy as np\n"
            "    from ..near import a, b\n"
            "    def inner():\n"
            "        return module.part.thing('data.csv'), [other for _ in 'x']\n"
            "    return inner\n"
        )
    )
    assert Reach(("module", "part", "thing")) in facts.reaches
    assert Reach(("other",)) in facts.reaches
    assert Import("numpy", 0, ()) in facts.imports
    assert Import("near", 2, ("a", "b")) in facts.imports
    assert "data.csv" in facts.strings
