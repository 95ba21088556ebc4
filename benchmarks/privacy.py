"""Privacy: how long a scan, tokens, encryption and k-anonymity take, beside what they are built from.

    python benchmarks/privacy.py [rows]

Each line is beside a plain loop or select in the same run that does the least such a task can do.
"""

from __future__ import annotations

import hmac
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from fettle.privacy import anonymity, cells, masking, scan
from fettle.privacy.ciphers import new_key
from fettle.privacy.records import Encrypt, Policy, Token
from fettle.privacy.subjects import new_name
from fettle.privacy.treatments import keyed
from fettle.workspace import Workspace


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rows(count: int) -> pl.DataFrame:
    drawn = np.random.default_rng(7)
    numbers = drawn.integers(0, 10**9, count)
    return pl.DataFrame(
        {
            "customer": [f"C-{each % (count // 10 + 1)}" for each in range(count)],
            "email": [f"user{each}@example.org" for each in numbers.tolist()],
            "card": [f"4{each:015d}" for each in (numbers * 7).tolist()],
            "zip": [f"{each % 100_000:05d}" for each in numbers.tolist()],
            "age": drawn.integers(18, 90, count),
            "sex": drawn.choice(["f", "m"], count),
        }
    )


def main(count: int) -> None:
    frame = rows(count)
    print(f"{count:,} rows")
    sample = timed(lambda: scan.scan(frame))
    every = timed(lambda: scan.scan(frame, sample=None))
    least = timed(lambda: frame.select(pl.col("email").str.contains(r"^[^@]+@[^@]+$").sum()))
    print(f"scan, sampled          {sample:7.3f} s ({sample / frame.width * 1000:.1f} ms a column)")
    print(f"scan, every value      {every:7.3f} s ({every / least:.0f}× one regex over one column)")
    email, key = frame["email"], new_key()
    plain = timed(lambda: [hmac.digest(key, each.encode(), "sha256") for each in email.to_list()])
    token = timed(lambda: keyed.token(email, Token(), key))
    print(f"tokens                 {token:7.3f} s ({token / plain:.1f}× a bare loop of HMAC-SHA-256)")
    names = {each: new_name("subj-") for each in frame["customer"].unique().to_list()}
    keys = {name: new_key() for name in names.values()}
    owners = frame["customer"].replace_strict(names)
    sealed = timed(lambda: cells.encrypt(email, owners, keys))
    opened = timed(lambda: cells.decrypt(cells.encrypt(email, owners, keys), keys)) - sealed
    print(f"encrypt / decrypt      {sealed:7.3f} / {opened:.3f} s ({sealed / count * 1e6:.1f} µs a value)")
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder)) as workspace:
        workspace.call(
            "privacy.set_policy", dataset="d", policy=Policy(rules={"email": Encrypt()}, subject="customer")
        )
        first = timed(lambda: masking.apply(workspace, "d", frame))
        again = timed(lambda: masking.apply(workspace, "d", frame))
    print(
        f"mask, new subjects     {first:7.3f} s ({first / len(names) * 1e6:.0f} µs a subject), known: {again:.3f} s"
    )
    quasi = ["zip", "age", "sex"]
    grouped = timed(lambda: frame.group_by(quasi).len())
    checked = timed(lambda: anonymity.check(frame, ["age", "sex"], k=2))
    print(f"k-anonymity            {checked:7.3f} s ({checked / grouped:.1f}× one group_by of three columns)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
