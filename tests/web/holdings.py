"""A workspace full of data: tables with branches and a merge, checks that fail, files, privacy and features."""

from __future__ import annotations

import random
import struct
import zlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from fettle.core.clock import FrozenClock
from fettle.data import merge, versions
from fettle.data.engine import trees
from fettle.data.records.checks import Check
from fettle.data.records.versions import Commit, Type
from fettle.data.repositories import repository
from fettle.data.schemas import infer
from fettle.features.records import Draft
from fettle.privacy import masking
from fettle.privacy.records import Encrypt, Finding, Generalise, Policy, Redact, Token
from fettle.workspace import Workspace
from tests.bundles import kept

HOSTILE = """<img src=x onerror="alert(1)">'"&{{7*7}}</script><script>alert(2)</script>"""
TABLE, FILES, FEATURED = "payments", "photos", "payments-features"
CHECKS = [
    Check("amount-is-positive", expression="amount > 0", owner="ada@example.org", description="No refunds."),
    Check("one-row-a-payment", unique=["id"], severity="error", owner="ada@example.org"),
    Check("known-plan", expression="plan in ('basic', 'plus')", severity="warning", mostly=0.98, owner="bea@example"),
    Check("fee-is-a-share", sql="fee < amount", severity="notice"),
]  # fmt: skip


def rows(count: int = 400, seed: int = 1) -> pl.DataFrame:
    """Payments, a row each."""
    chance = random.Random(seed)
    amounts = [round(chance.lognormvariate(3, 0.6), 2) for _ in range(count)]
    return pl.DataFrame(
        {
            "id": range(1, count + 1),
            "email": [f"person{chance.randrange(count)}@example.org" for _ in range(count)],
            "plan": [chance.choice(["basic", "basic", "plus"]) for _ in range(count)],
            "country": [chance.choice(["DE", "FR", "PT", "US"]) for _ in range(count)],
            "amount": amounts,
            "fee": [round(each * 0.02 + chance.random(), 2) for each in amounts],
            "paid": [date(2024, 1, 1) + timedelta(days=number // 4) for number in range(count)],
            "note": [chance.choice([None, None, "late", "by phone"]) for _ in range(count)],
        }
    )


def picture(side: int = 24, tone: int = 80) -> bytes:
    """A small PNG, of one colour that grows lighter downwards."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + bytes([tone, (tone + 6 * row) % 256, 160]) * side for row in range(side))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


class Holdings:
    """What a workspace holds; every clock and every row is the same each time."""

    def __init__(self, ws: Workspace, clock: FrozenClock) -> None:
        self.ws, self.clock = ws, clock

    def fill(self) -> Holdings:
        self.table()
        self.files()
        self.privacy()
        self.features()
        return self

    def later(self, hours: float = 26) -> None:
        self.clock.advance(hours * 3600)

    def commit(self, frame: pl.DataFrame, message: str, branch: str = "main", **more) -> Commit:
        self.later()
        made = versions.commit_frame(
            self.ws, TABLE, frame, source="payments.csv", message=message, branch=branch, key=["id"], **more
        )
        self.ws.data.check(made.ref)
        return made

    def table(self) -> None:
        """Five versions on main, two beside it, one merge; tags, a schema that later rows break, and a hold."""
        ws, every = self.ws, rows(400)
        first = every.head(380)
        ws.call("data.set_checks", dataset=TABLE, checks=CHECKS)
        self.commit(first, "First export of the payments", schema=infer(first, "plan"))
        ws.call("data.tag", dataset=TABLE, name="v1", message="as reported")
        second = self.commit(every, "Twenty payments that came in late")
        ws.call("data.branch", dataset=TABLE, name="correct-fees", at="main")
        bad = every.with_columns(
            amount=pl.when(pl.col("id") % 37 == 0).then(-pl.col("amount")).otherwise("amount"),
            plan=pl.when(pl.col("id") % 11 == 0).then(pl.lit("gold")).otherwise("plan"),
        )
        self.commit(bad, "Gold plans; refunds slipped in")
        fees = every.with_columns(
            fee=pl.when(pl.col("id") < 60).then(pl.col("fee") + 1).otherwise("fee").round(2)
        )
        self.commit(fees, "Fees of the first weeks corrected", branch="correct-fees")
        good = bad.with_columns(pl.col("amount").abs()).filter(pl.col("id") != 65)
        self.commit(good, "Refunds taken out again")
        self.later()
        merged = merge.merge(ws, TABLE, "correct-fees", message="Corrected fees")
        ws.call("data.tag", dataset=TABLE, name="v2")
        ws.data.check(f"{TABLE}@{merged.commit}")
        versions.profile_of(ws, f"{TABLE}@{merged.commit}")
        frame = versions.load(ws, TABLE).with_columns(channel=pl.lit("web")).drop("note")
        head = self.commit(frame, f"The channel instead of the note {HOSTILE}", metadata={"ticket": HOSTILE})
        ws.call("data.hold", ref=f"{TABLE}@{second.id}", reason="case 2024-17")
        ws.call(
            "registry.register", model="fraud", bundle=kept(ws.blobs, 1), metrics={"auc": 0.91}, gates=[],
            dataset=TABLE, dataset_commit=head.id,
        )  # fmt: skip

    def files(self) -> None:
        """A folder of images and texts, some of which would be dangerous if a browser ran them."""
        contents = {f"cats/{number:03}.png": picture(tone=number * 9) for number in range(24)}
        contents |= {
            "README.md": b"# Photos\n\nTaken in 2024.\n" * 40,
            "labels.csv": b"file,label\n" + b"".join(b"%03d.png,cat\n" % number for number in range(24)),
            "page.html": HOSTILE.encode(),
            "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(3)'/>",
            "fake.png": HOSTILE.encode(),
            "weights.bin": bytes(range(256)) * 8,
            "empty.txt": b"",
            "long.log": ("grün und weiß\n" * 9000).encode(),
            f"{HOSTILE.replace('/', ' ')}.txt": b"a name",
        }
        self.later()
        self._tree(contents, "Photos of cats")
        del contents["empty.txt"]
        contents |= {
            "dogs/001.png": picture(tone=200),
            "labels.csv": contents["labels.csv"] + b"001.png,dog\n",
        }
        self.later()
        self._tree(contents, "A dog")

    def _tree(self, contents: dict[str, bytes], message: str) -> Commit:
        with repository(self.ws).writer() as writer:
            refs = {path: writer.put_bytes(data) for path, data in contents.items()}
            entries = sorted(
                trees.Entry(path, each.digest, each.size_bytes, trees.FILE) for path, each in refs.items()
            )
            root = trees.build(sorted(entries, key=lambda each: trees.path_bytes(each.path)), writer.put_node)
            writer.flush()
        head = versions.head_of(self.ws, FILES)
        return versions.commit_tree(self.ws, FILES, root, message=message, base=head.id if head else None)

    def privacy(self) -> None:
        """Proposals, words of people, a policy, and somebody who was erased."""
        ws = self.ws
        ws.data.scan_privacy(f"{TABLE}@v1")
        ws.call(
            "privacy.propose",
            dataset=TABLE,
            findings=[Finding("note", "sensitive", "health", 0.1, 0.62, 40, HOSTILE)],
        )
        ws.call("privacy.confirm", dataset=TABLE, column="email")
        ws.call("privacy.confirm", dataset=TABLE, column="country", level="personal")
        rules = {"email": Token(domain="people"), "paid": Generalise(to="month"), "note": Redact()}
        ws.call("privacy.set_policy", dataset=TABLE, policy=Policy(rules=rules))
        people = pl.DataFrame({"customer": ["C-1", "C-2"], "email": ["ada@example.org", "bob@example.org"]})
        policy = Policy(rules={"customer": Encrypt(), "email": Encrypt()}, subject="customer")
        ws.call("privacy.set_policy", dataset="people", policy=policy)
        masked = masking.apply(ws, "people", people)
        versions.commit_frame(ws, "people", masked.frame, message="Two people")
        self.later()
        ws.privacy.erase("C-1", reason="request 17")

    def features(self) -> None:
        """Three features, one of two versions and one built on another, and a version of data made with them."""
        ws = self.ws
        numbers: dict[str, Type] = {"amount": "number", "fee": "number"}
        told: dict[str, Any] = {"owner": "ada@example.org", "tags": ["money"]}
        for draft in (
            Draft("net", numbers, "amount - fee", description="What is left after the fee.", **told),
            Draft(
                "net", numbers, "(amount - fee) * 0.98", description="What is left after fee and tax.", **told
            ),
            Draft("is_large", {"net": "number"}, "net > 50", tags=["money", "flag"]),
            Draft("old_net", numbers, "amount - 1"),
        ):
            ws.call("features.define", draft=draft)
        ws.call("features.retire", ref="old_net", reason="use net")
        self.later()
        ws.features.compute(f"{TABLE}@v2", ["is_large", "net@2"], dataset=FEATURED)


def make(folder: Path) -> Holdings:
    """A filled workspace in a folder; the caller closes it."""
    from datetime import UTC, datetime

    clock = FrozenClock(datetime(2024, 5, 1, 8, tzinfo=UTC))
    return Holdings(Workspace.create(folder, clock=clock, actor="user:ada"), clock).fill()
