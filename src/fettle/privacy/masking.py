"""Masking: what a dataset's policy does to rows on their way in.

    masker = masking.masker(ws, "customers")          # None: nothing to do
    for batch in batches:
        frame, notes = masker.apply(batch)

Call it before rows are written, profiled or shown anywhere: what it leaves out never was in the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from fettle.core.errors import GateFailed, Invalid
from fettle.privacy import cells, plain, vaults
from fettle.privacy.policies import check
from fettle.privacy.records import (
    Bin,
    Drop,
    Encrypt,
    Generalise,
    Keep,
    Noise,
    Partial,
    Policy,
    Redact,
    Rule,
    Shift,
    Standing,
    Token,
    Vault,
)
from fettle.privacy.subjects import Keyring, Member, pages
from fettle.privacy.treatments import keyed, keyless, texts

if TYPE_CHECKING:
    from fettle.acts import Surface


class Masked(NamedTuple):
    """A masked frame, and what was done to it in words that hold no value."""

    frame: pl.DataFrame
    notes: list[str]


def policy_of(ws: Surface, dataset: str) -> Policy | None:
    """The policy that holds for a dataset; None if there is nothing to mask or refuse."""
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    return standing.policy if standing.version or standing.careful else None


def apply(ws: Surface, dataset: str, frame: pl.DataFrame) -> Masked:
    """Mask one frame; errors as `Masker.apply`."""
    found = masker(ws, dataset)
    return found.apply(frame) if found else Masked(frame, [])


def arrive(ws: Surface, dataset: str, frame: pl.DataFrame) -> Masked:
    """Mask rows that somebody brings, unless they are masked already: rows of a version, changed and brought back.

    Shifted dates and noisy numbers are not known by their form: rows with nothing else to mask are masked again.

    Raises:
        Invalid: Some values are masked already and others are not. Otherwise as `Masker.apply`.
    """
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    if not (standing.version or standing.careful):
        return Masked(frame, [])
    form = plain.form_of(standing, frame)
    if form == "plain":
        return Masker(ws, standing).apply(frame)
    found = plain.plain_columns(standing, frame)
    if form == "mixed" and found:
        raise Invalid(
            f"Some of these rows are masked as {dataset!r} wants it, others are not.",
            found=f"values in plain in {plain.told(found)}",
            hint=f"Mask the new rows before they are joined: fettle.privacy.masking.apply(ws, {dataset!r}, rows)",
            subject=f"dataset:{dataset}",
        )
    refuse_plain(standing, found, "nothing was taken in")
    return Masked(frame, ["the rows came masked"])


def refuse_plain(standing: Standing, found: dict[str, str], outcome: str) -> None:
    """Refuse columns that stand in plain.

    Args:
        standing: What holds for the dataset.
        found: As `plain.plain_columns` tells it; the file may stand before the column: `people.csv: email`.
        outcome: What did not happen, in words.

    Raises:
        GateFailed: There are such columns.
    """
    if not found:
        return
    bare = next(
        (name.rpartition(": ")[2] for name, wish in found.items() if wish.endswith(plain.NO_RULE)), ""
    )
    dataset = standing.dataset
    raise GateFailed(
        f"{dataset!r} has columns that its privacy policy wants masked, and they stand in plain; {outcome}.",
        found=plain.told(found),
        hint=f"Give each a rule first: `fettle privacy rule {dataset} {bare} token` (drop, redact, encrypt, …)."
        if bare
        else f"Mask the file first: `fettle privacy mask FILE MASKED {dataset}`, or take its rows in by "
        f"`fettle data ingest FILE --dataset {dataset}`.",
        subject=f"dataset:{dataset}",
    )


def masker(ws: Surface, dataset: str) -> Masker | None:
    """What masks the rows of a dataset, for one ingest; None if there is nothing to mask, refuse or say."""
    standing: Standing = ws.call("privacy.standing", dataset=dataset)
    return Masker(ws, standing) if standing.version or standing.careful or standing.proposed else None


class Masker:
    """Carries out a policy on one batch after the other; keys are fetched once.

    Args:
        ws: The workspace.
        standing: What holds for the dataset.
    """

    def __init__(self, ws: Surface, standing: Standing) -> None:
        self._ws = ws
        self._standing = standing
        self._policy = check(standing.policy)
        self._keyring = Keyring(ws)
        self._members: dict[str, Member] = {}

    def apply(self, frame: pl.DataFrame) -> Masked:
        """Mask the rows of one batch.

        Args:
            frame: As they came in; left as it is.

        Returns:
            The rows with every rule carried out, and notes.

        Raises:
            GateFailed: A column confirmed as personal or sensitive has no rule, and the policy does not say what
                to do with such columns.
            Invalid: A rule does not suit its column, or a row that needs one has no subject.
            Unavailable: The master key is not here.
        """
        rules = self._rules(frame)
        notes = self._notes(frame, rules)
        subjects = self._subjects(frame, rules)
        if subjects is not None and self._policy.erased == "row":
            gone = self._gone(subjects)
            if gone.any():
                notes.append(f"{int(gone.sum()):,} rows of erased subjects were left out")
                frame, subjects = frame.filter(~gone), subjects.filter(~gone)
        made = {name: self._column(frame, name, rule, subjects) for name, rule in rules.items()}
        if subjects is not None:
            self._sight(subjects)
        columns = [made[name] if name in made else frame.get_column(name) for name in frame.columns]
        return Masked(pl.DataFrame([each for each in columns if each is not None]), notes)

    # --- which rule holds for which column

    def _rules(self, frame: pl.DataFrame) -> dict[str, Rule]:
        rules = {name: rule for name, rule in self._policy.rules.items() if name in frame.columns}
        bare = [name for name in self._standing.careful if name in frame.columns and name not in rules]
        if bare and self._policy.unmasked == "refuse":
            dataset, first = self._standing.dataset, bare[0]
            raise GateFailed(
                f"{dataset!r} has personal columns and no rule for them; nothing was taken in.",
                found=", ".join(f"{name} ({self._standing.careful[name]})" for name in bare),
                hint=f"Give each a rule: `fettle privacy rule {dataset} {first} token` (drop, redact, encrypt, …).",
                subject=f"dataset:{dataset}",
            )
        return rules | (dict.fromkeys(bare, Redact()) if self._policy.unmasked == "redact" else {})

    def _notes(self, frame: pl.DataFrame, rules: dict[str, Rule]) -> list[str]:
        done = [f"{name}: {_word(rule)}" for name, rule in rules.items() if not isinstance(rule, Keep)]
        notes = [f"masked {', '.join(done)} (policy {self._standing.version})"] if done else []
        missing = [name for name in self._policy.rules if name not in frame.columns]
        if missing:
            notes.append(f"the policy has rules for columns that are not there: {', '.join(missing)}")
        subject = self._policy.subject
        if (
            subject in frame.columns
            and subject not in rules
            and any(isinstance(each, Encrypt) for each in rules.values())
        ):
            notes.append(f"{subject} names the subject and stays readable; give it a rule too")
        open_ones = [name for name in self._standing.proposed if name in frame.columns and name not in rules]
        if open_ones:
            notes.append(f"perhaps personal, confirmed by nobody: {', '.join(open_ones)}")
        return notes

    # --- whose row it is

    def _subjects(self, frame: pl.DataFrame, rules: dict[str, Rule]) -> pl.Series | None:
        """Random name of each row's subject, where a rule needs one; its own key must be known for that."""
        needing = [
            name
            for name, rule in rules.items()
            if isinstance(rule, Encrypt) or (isinstance(rule, Vault) and self._policy.subject)
        ]
        if not needing:
            return None
        who = self._owners(frame, self._policy.subject)
        self._need_owner(frame, needing, who)
        new = [each for each in who.drop_nulls().unique().to_list() if each not in self._members]
        if new:
            self._members |= self._keyring.enrol(self._keyring.domain(self._policy.subjects), new)
        names = {identifier: member.subject for identifier, member in self._members.items()}
        different = who.drop_nulls().unique()
        return texts.replaced(who, different, [names[each] for each in different.to_list()])

    def _owners(self, frame: pl.DataFrame, column: str) -> pl.Series:
        if column not in frame.columns:
            raise Invalid(
                f"The rows do not say whose they are: there is no column {column!r}.",
                found=f"columns: {', '.join(frame.columns)}",
                hint="The policy names the subject's column; correct it, or ingest the column.",
                subject=f"column:{column}",
            )
        return texts.as_text(frame.get_column(column))

    def _need_owner(self, frame: pl.DataFrame, names: list[str], who: pl.Series) -> None:
        """Refuse values that would be tied to nobody."""
        blank = who.is_null() | (who.str.strip_chars() == "")
        for name in names:
            bad = blank & frame.get_column(name).is_not_null()
            if bad.any():
                raise Invalid(
                    f"{int(bad.sum()):,} rows have a value in {name!r} and nobody it belongs to.",
                    found=f"the first is row {int(bad.arg_true()[0]) + 1}; its subject is missing",
                    hint="Fill the subject's column in, or leave those rows out.",
                    subject=f"column:{name}",
                )

    def _gone(self, subjects: pl.Series) -> pl.Series:
        erased = [each.subject for each in self._members.values() if each.key is None]
        return subjects.is_in(erased).fill_null(value=False)

    def _sight(self, subjects: pl.Series) -> None:
        counts = subjects.drop_nulls().value_counts()
        rows = dict(counts.iter_rows())
        for page in pages(list(rows)):
            self._ws.call(
                "privacy.sight",
                dataset=self._standing.dataset,
                column=self._policy.subject,
                rows={name: rows[name] for name in page},
            )

    # --- one column

    def _column(
        self, frame: pl.DataFrame, name: str, rule: Rule, subjects: pl.Series | None
    ) -> pl.Series | None:
        values = frame.get_column(name)
        match rule:
            case Keep():
                return values
            case Drop():
                return None
            case Redact() | Partial() | Generalise() | Bin():
                return keyless.treat(values, rule)
            case _:
                return self._keyed(frame, values, rule, subjects)

    def _keyed(
        self,
        frame: pl.DataFrame,
        values: pl.Series,
        rule: Token | Vault | Shift | Noise | Encrypt,
        subjects: pl.Series | None,
    ) -> pl.Series:
        if isinstance(rule, Encrypt):
            return cells.encrypt(values, self._living(subjects, values), self._keys)
        domain = self._keyring.domain(rule.domain)
        if isinstance(rule, Token):
            return keyed.token(values, rule, domain.key("token"))
        if isinstance(rule, Vault):
            owners = None if subjects is None else self._living(subjects, values)
            return vaults.deposit(self._ws, values, rule, domain, owners, self._keys)
        per = rule.per or self._policy.subject
        who = self._owners(frame, per) if per else None
        if isinstance(rule, Noise):
            return keyed.noise(values, rule, domain.key("noise"), who)
        if who is None:
            raise Invalid(f"The rule for {values.name!r} needs a subject.", hint='Give per = "customer_id".')
        self._need_owner(frame, [values.name], who)
        return keyed.shift(values, rule, domain.key("shift"), who)

    @property
    def _keys(self) -> dict[str, bytes]:
        return {each.subject: each.key for each in self._members.values() if each.key is not None}

    def _living(self, subjects: pl.Series | None, values: pl.Series) -> pl.Series:
        if subjects is None:
            raise Invalid(f"The rule for {values.name!r} needs a subject.", hint="Name it in the policy.")
        return subjects.set(self._gone(subjects), None)


def _word(rule: Rule) -> str:
    return type(rule).__name__.lower()
