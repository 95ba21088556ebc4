"""Policies: what happens to each column of a dataset when rows come in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Length = Annotated[int, msgspec.Meta(ge=8, le=52)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Treatment(msgspec.Struct, frozen=True, tag_field="treatment", forbid_unknown_fields=True):
    """What is done to a column; missing values stay missing."""


class Keep(Treatment, frozen=True, tag="keep"):
    """Leave it as it is; for a personal column this is a decision somebody took."""

    reason: str = ""


class Drop(Treatment, frozen=True, tag="drop"):
    """Leave the column out."""


class Redact(Treatment, frozen=True, tag="redact"):
    """Put one text in the place of every value; empty: make them missing, whatever their type."""

    text: str = "[redacted]"


class Partial(Treatment, frozen=True, tag="partial"):
    """Show the first or last characters and hide the others.

    A value that is not at least twice as long as what is shown is hidden whole, so no more than half of a value shows.

    Attributes:
        first: Characters shown at the start.
        last: Characters shown at the end.
        mask: What each hidden letter or digit becomes.
        shape: Leave separators (anything but letters and digits) in their place; they do not count as shown.
    """

    first: Count = 0
    last: Count = 4
    mask: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = "*"
    shape: bool = True


class Token(Treatment, frozen=True, tag="token"):
    """Put a keyed hash (HMAC-SHA-256) in the place of a value: equal values have equal tokens, nobody gets back.

    Attributes:
        domain: Whose key; tokens of one domain join across datasets, tokens of two do not.
        prefix: Begins each token.
        length: Characters of base 32 after the prefix (5 bits each). 26 carry 130 bits: no collisions in practice.
    """

    domain: Name = "default"
    prefix: str = "tok_"
    length: Length = 26


class Vault(Treatment, frozen=True, tag="vault"):
    """Put a random token in the place of a value and keep the value sealed: `privacy.reveal` gets it back.

    Where the policy names a subject, the entry belongs to the subject and goes with it.

    Attributes:
        domain: Whose key; equal values of one domain (and one subject) have equal tokens.
        prefix: Begins each token.
    """

    domain: Name = "default"
    prefix: str = "vlt_"


class Generalise(Treatment, frozen=True, tag="generalise"):
    """Say it less exactly; give one of the ways.

    Attributes:
        to: For dates and times: their first instant of the `year`, `quarter`, `month`, `week`, `day` or `hour`.
        width: For numbers: ranges of this width, as `[20, 30)`.
        keep: For texts such as postcodes: so many first characters stay.
        levels: For categories: value → broader value; what is not listed becomes `other`.
        other: See `levels`.
    """

    to: Literal["year", "quarter", "month", "week", "day", "hour"] | None = None
    width: Positive | None = None
    keep: Annotated[int, msgspec.Meta(ge=1)] | None = None
    levels: dict[str, str] | None = None
    other: str = "other"


class Bin(Treatment, frozen=True, tag="bin"):
    """Put numbers into bins with given edges.

    Attributes:
        edges: Inner edges, ascending; n edges make n + 1 bins, closed on the left: `< 18`, `[18, 65)`, `≥ 65`.
        labels: Names for the bins, one more than edges; None: the ranges themselves.
    """

    edges: list[float]
    labels: list[str] | None = None


class Shift(Treatment, frozen=True, tag="shift"):
    """Move dates and times of a subject by one secret number of days, so that intervals stay as they are.

    Attributes:
        days: The most to shift, either way; never 0 days.
        domain: Whose key.
        per: The column that names the subject; empty: the policy's.
    """

    days: Annotated[int, msgspec.Meta(ge=1, le=36_500)] = 182
    domain: Name = "default"
    per: str = ""


class Noise(Treatment, frozen=True, tag="noise"):
    """Add random noise to numbers.

    Attributes:
        scale: Of the noise, in the column's unit: *b* of the Laplace, the standard deviation of the Gaussian.
        law: Which.
        stable: Derive the noise from a key and the row's subject (or the value), so that the same row ingested
            again has the same noise and the average over many ingests gives nothing away. False: fresh noise.
        per: With `stable`: the column whose value picks the noise; empty: the policy's subject, else the value.
        domain: Whose key.
        low: Results below become this; None: no limit.
        high: Results above become this; None: no limit.
        decimals: Round to so many; None: not, but whole numbers stay whole.
    """

    scale: Positive
    law: Literal["laplace", "gaussian"] = "laplace"
    stable: bool = True
    per: str = ""
    domain: Name = "default"
    low: float | None = None
    high: float | None = None
    decimals: Count | None = None


class Encrypt(Treatment, frozen=True, tag="encrypt"):
    """Encrypt under the subject's own key: whoever may read with `privacy.open`, until the subject is erased."""


Rule = Keep | Drop | Redact | Partial | Token | Vault | Generalise | Bin | Shift | Noise | Encrypt


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to the columns of one dataset when rows come in.

    Attributes:
        rules: Column → what is done to it.
        subject: The column that says whose row it is; needed by `encrypt` and `shift`.
        subjects: Key domain of the subjects: one person is one subject in all datasets of a domain.
        unmasked: What to do with a column that was confirmed as personal or sensitive and has no rule: `refuse` the
            ingest (the default: nothing personal comes in by oversight), `redact` it or `keep` it.
        erased: What to do with rows of a subject that was erased before: leave the `row` out, or only `blank` its
            encrypted and vaulted columns.
    """

    rules: dict[str, Rule] = {}
    subject: str = ""
    subjects: Name = "default"
    unmasked: Literal["refuse", "redact", "keep"] = "refuse"
    erased: Literal["row", "blank"] = "row"


class PolicyVersion(msgspec.Struct, frozen=True):
    """One version of a dataset's policy; none is ever changed.

    Attributes:
        dataset: The dataset.
        version: 1, 2, …
        policy: What it says.
        at: Since when.
        by: Who set it.
    """

    dataset: str
    version: int
    policy: Policy
    at: datetime
    by: str

    def lines(self) -> list[str]:
        """The policy as lines for a terminal: a rule a line."""
        policy = self.policy
        lines = [f"{self.dataset}: policy {self.version}, set {self.at:%Y-%m-%d %H:%M} UTC by {self.by}"]
        lines.append(
            f"  subject: {policy.subject or 'none'}; personal columns without a rule: {policy.unmasked}"
        )
        for column, rule in policy.rules.items():
            said = {
                name: value for name, value in msgspec.to_builtins(rule).items() if value not in (None, "")
            }
            treatment = said.pop("treatment")
            lines.append(
                f"  {column}: {' '.join([treatment, *(f'{name}={each}' for name, each in said.items())])}"
            )
        return lines


class Standing(msgspec.Struct, frozen=True):
    """What holds for the rows of a dataset that come in now.

    Attributes:
        dataset: The dataset.
        version: Of the policy; 0: none was set, so the defaults hold.
        policy: What it says.
        careful: Columns confirmed as personal or sensitive → their level.
        proposed: Columns a recogniser thinks to be personal or sensitive, that nobody has confirmed.
    """

    dataset: str
    version: int
    policy: Policy
    careful: dict[str, str] = {}
    proposed: list[str] = []
