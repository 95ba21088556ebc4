"""Policies that make sense, and their form as TOML that people read and keep under version control."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import msgspec

from fettle.core.errors import Invalid
from fettle.privacy.records import Bin, Encrypt, Generalise, Policy, Rule, Shift


def check(policy: Policy) -> Policy:
    """Return the policy if its rules can be carried out.

    Raises:
        Invalid: A rule needs a subject and none is named, or its options contradict each other.
    """
    for column, rule in policy.rules.items():
        if fault := _fault(policy, rule):
            raise Invalid(
                f"The rule for {column!r} cannot be carried out.",
                found=fault[0],
                hint=fault[1],
                subject=f"column:{column}",
            )
    return policy


def _fault(policy: Policy, rule: Rule) -> tuple[str, str] | None:
    if isinstance(rule, Encrypt) and not policy.subject:
        return (
            "encrypt, and no subject",
            'Name the column that says whose row it is: subject = "customer_id".',
        )
    if isinstance(rule, Shift) and not (rule.per or policy.subject):
        return "shift, and no subject", 'Name the column that says whose row it is: per = "customer_id".'
    if isinstance(rule, Generalise):
        ways = [name for name in ("to", "width", "keep", "levels") if getattr(rule, name) is not None]
        if len(ways) != 1:
            return f"{len(ways)} ways: {', '.join(ways)}", "Give exactly one of to, width, keep and levels."
    if isinstance(rule, Bin):
        if not rule.edges or rule.edges != sorted(set(rule.edges)):
            return f"edges {rule.edges}", "Give one or more edges in ascending order."
        if rule.labels is not None and len(rule.labels) != len(rule.edges) + 1:
            count = len(rule.edges)
            return f"{len(rule.labels)} labels for {count} edges", f"Give {count + 1} labels."
    return None


# --- TOML


def to_toml(policies: dict[str, Policy]) -> str:
    """Write the policies of datasets as TOML: a table a dataset, a line a column.

    Example:
        >>> from fettle.privacy.records import Policy, Token
        >>> print(to_toml({"customers": Policy(rules={"email": Token(domain="people")})}))
        [customers]
        columns.email = { treatment = "token", domain = "people" }
        <BLANKLINE>
    """
    blocks = []
    for dataset, policy in sorted(policies.items()):
        lines = [f"[{_key(dataset)}]"]
        plain = {name: getattr(policy, name) for name in ("subject", "subjects", "unmasked", "erased")}
        defaults = Policy()
        lines += [
            f"{name} = {_value(value)}" for name, value in plain.items() if value != getattr(defaults, name)
        ]
        lines += [f"columns.{_key(column)} = {_rule(rule)}" for column, rule in policy.rules.items()]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def from_toml(text: str, name: str = "privacy.toml") -> dict[str, Policy]:
    """Read policies from TOML as `to_toml` writes it; dataset → policy.

    Args:
        text: The TOML.
        name: What it is called in errors.

    Raises:
        Invalid: It is not TOML, or says something a policy does not know; the place is named.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{name} is not valid TOML.", found=str(error), hint=f"Mend {name}.") from error
    return {dataset: _policy(dataset, table, name) for dataset, table in tables.items()}


def _policy(dataset: str, table: Any, name: str) -> Policy:
    if not isinstance(table, dict):
        raise Invalid(
            f"{name} does not fit: {dataset!r} is not a table.",
            found=repr(table)[:60],
            hint=f"Write [{_key(dataset)}] and its columns below.",
        )
    fields = {key: value for key, value in table.items() if key != "columns"}
    try:
        return check(msgspec.convert({**fields, "rules": table.get("columns", {})}, Policy))
    except msgspec.ValidationError as error:
        raise Invalid(
            f"{name} does not fit: the policy of {dataset!r} says something unknown.",
            found=str(error).replace("$.rules", "columns").replace("$", dataset),
            hint="docs/reference/privacy.md lists the treatments and their options.",
        ) from error


def _rule(rule: Rule) -> str:
    fields = msgspec.to_builtins(rule)
    defaults = {
        name: default
        for name, default in zip(
            reversed(rule.__struct_fields__), reversed(rule.__struct_defaults__), strict=False
        )
    }
    said = {
        name: value
        for name, value in fields.items()
        if value is not None and (name not in defaults or value != defaults[name])
    }
    return _value(said)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else repr(value)


def _key(key: str) -> str:
    bare = bool(key) and key.isascii() and all(each.isalnum() or each in "-_" for each in key)
    return key if bare else _text(key)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL, and for signs beyond 16 bits left as they are."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
