"""A hundred processes killed with SIGKILL at work on versions: nothing acknowledged is lost, nothing is half.

How long each kind of work takes is measured first; then the instants are drawn from that time, so that they are spread
over it. `FETTLE_SEED` repeats the draw, `FETTLE_DATA_KILLS` sets how many of each kind die (default 13, of 8 kinds).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from fettle.core.errors import Invalid
from fettle.data import versions
from fettle.data.engine import trees
from fettle.data.places import BarePlace
from fettle.storage import open_blobs
from fettle.workspace import Workspace
from tests.faults.data_crew import Crew, Ledger, content, crew, files_of, litter, sound, write
from tests.faults.data_worker import rows_of

KILLS = int(os.environ.get("FETTLE_DATA_KILLS", "13"))
SEED = int(os.environ.get("FETTLE_SEED", "20261121"))


@pytest.fixture(scope="module")
def hands(s3_endpoint: str) -> Iterator[Crew]:  # the server's credentials are in the environment
    with crew() as made:
        yield made


class Work:
    """One kind of work in one workspace: made ready, killed, looked at, and done again.

    Attributes:
        verb: The job of `data_worker`.
    """

    verb = ""

    def __init__(self, hands: Crew, ws: Workspace, tmp_path: Path) -> None:
        self.hands, self.ws, self.tmp_path = hands, ws, tmp_path
        self.ledger = Ledger(ws, tmp_path / "caches")
        self.folder = ws.folder.parent / "files"
        self.folder.mkdir()

    def ready(self, moment: int) -> dict[str, object]:
        """Make everything ready; what the job is given."""
        raise NotImplementedError

    def look(self, moment: int, acknowledged: bool) -> None:
        """After a kill: it is as before, or as it shall be."""

    def again(self, moment: int, arguments: dict[str, object]) -> None:
        """The same once more, which must come to the right end."""
        self.hands.do(self.verb, self.ws, **arguments)

    def finished(self, moment: int) -> None:
        """After it was done."""
        raise NotImplementedError

    # --- what several kinds need

    def staged(self, moment: int) -> dict[str, bytes]:
        files = files_of(SEED, moment)
        write(self.folder, files)
        self.ws.data.add([str(self.folder)])
        return files

    def committed(self, moment: int) -> str:
        files = self.staged(moment)
        made = self.ws.data.commit(str(self.folder), message=str(moment)).commit
        self.ledger.note(made, files)
        return made

    def clean(self) -> None:
        """The working copy knows itself."""
        assert self.ws.data.status(str(self.folder)).clean


class Add(Work):
    verb = "add"

    def ready(self, moment: int) -> dict[str, object]:
        self.files = files_of(SEED, moment)
        write(self.folder, self.files)
        return {"folder": str(self.folder)}

    def look(self, moment: int, acknowledged: bool) -> None:
        for each in _held(self.ledger):
            sound(self.ledger.fresh(), [each])

    def finished(self, moment: int) -> None:
        (root,) = _held(self.ledger)
        repo = self.ledger.fresh()
        found = {each.path: repo.read(each.digest) for each in trees.entries(root, repo.node)}
        assert found == self.files
        status = self.ws.data.status(str(self.folder)).copies[0]
        assert (status.modified, status.new, status.deleted) == ([], [], [])
        if moment % 4 == 3:
            self.ledger.note(self.ws.data.commit(str(self.folder)).commit, self.files)


class Commit(Work):
    verb = "commit"
    head = None

    def ready(self, moment: int) -> dict[str, object]:
        self.files = self.staged(moment)
        return {"folder": str(self.folder), "message": str(moment)}

    def look(self, moment: int, acknowledged: bool) -> None:
        head = versions.head_of(self.ws, "files")
        before = self.ledger.versions.keys()
        assert head is None or head.id in before or head.message == str(moment)
        assert not acknowledged or (head is not None and head.message == str(moment))

    def again(self, moment: int, arguments: dict[str, object]) -> None:
        with suppress(Invalid):  # nothing is staged: it was done
            self.ws.data.commit(str(self.folder), message=str(moment))

    def finished(self, moment: int) -> None:
        head = self.ws.data.show("files")
        assert head.message == str(moment)
        self.ledger.note(head.id, self.files)
        assert [each.id for each in self.ws.data.log("files")] == [*self.ledger.versions][::-1]
        assert head.id in Path(f"{self.folder}.data.toml").read_text()
        self.clean()


class Append(Work):
    verb = "append"

    def ready(self, moment: int) -> dict[str, object]:
        return {"dataset": "rows", "batch": moment, "count": 400}

    def look(self, moment: int, acknowledged: bool) -> None:
        known = self._batches()
        assert known in ([*range(moment)], [*range(moment + 1)])
        assert not acknowledged or moment in known

    def again(self, moment: int, arguments: dict[str, object]) -> None:
        if moment not in self._batches():
            versions.commit_frame(
                self.ws, "rows", rows_of(moment, 400), append=True, message=f"batch {moment}"
            )

    def finished(self, moment: int) -> None:
        wanted = pl.concat([rows_of(each, 400) for each in range(moment + 1)])
        assert versions.load(self.ws, "rows").equals(wanted)
        assert len(self.ws.data.log("rows")) == moment + 1
        assert self.ws.data.profile_of("rows").rows == wanted.height
        self.ledger.note_table(self.ws.data.show("rows").id)

    def _batches(self) -> list[int]:
        if versions.head_of(self.ws, "rows") is None:
            return []
        ids = versions.load(self.ws, "rows", ["id"])["id"]
        found = (ids // 1000).unique(maintain_order=True).to_list()
        assert ids.len() == 400 * len(found), "half a batch is there"
        return found


class Merge(Work):
    verb = "merge"
    rows = 500

    def ready(self, moment: int) -> dict[str, object]:
        if not moment:
            self._commit("main", pl.DataFrame({"id": range(self.rows), "x": 0, "y": 0}))
        self.ws.data.branch("rows", f"b{moment}")
        base = versions.load(self.ws, "rows")
        mine = pl.col("id") % 7 == moment % 7
        self.wanted = base.with_columns(
            pl.when(mine).then(moment).otherwise("x").alias("x").cast(pl.Int64),
            pl.when(mine).then(-moment - 1).otherwise("y").alias("y").cast(pl.Int64),
        )
        self.ours = self._commit("main", base.with_columns(self.wanted["y"]))
        self.theirs = self._commit(f"b{moment}", base.with_columns(self.wanted["x"]))
        return {"dataset": "rows", "other": f"b{moment}"}

    def look(self, moment: int, acknowledged: bool) -> None:
        head = self.ws.data.show("rows")
        assert head.id == self.ours or head.parents == [self.ours, self.theirs]
        assert not acknowledged or head.id != self.ours

    def again(self, moment: int, arguments: dict[str, object]) -> None:
        assert self.ws.data.merge("rows", f"b{moment}").how in ("merged", "up to date")

    def finished(self, moment: int) -> None:
        head = self.ws.data.show("rows")
        if self.theirs == self.ours:
            return
        assert self.theirs in (head.parents[-1], head.id)
        assert versions.load(self.ws, "rows").sort("id").equals(self.wanted.sort("id"))
        self.ledger.note_table(head.id)

    def _commit(self, branch: str, frame: pl.DataFrame) -> str:
        made = versions.commit_frame(self.ws, "rows", frame, branch=branch, key=["id"], profile=False)
        self.ledger.note_table(made.id)
        return made.id


class Collect(Work):
    verb = "gc"

    def ready(self, moment: int) -> dict[str, object]:
        """Dead packs, and some of which little lives: a third of the files stay the same, the rest is dropped."""
        self.staged(1000 + moment)
        self.staged(2000 + moment)
        self.committed(moment)
        return {}

    def finished(self, moment: int) -> None:
        again = self.ws.data.gc(grace="0s").collected
        assert again.live_bytes > 0.4 * again.bytes, "what is dead is gone"
        assert [*self.ws.blobs.list("data/gc/")] == []
        self.clean()


class Push(Work):
    verb = "push"

    def ready(self, moment: int) -> dict[str, object]:
        self.url = str(self.tmp_path / "there")
        self.head = self.committed(moment)
        return {"dataset": "files", "to": self.url}

    def look(self, moment: int, acknowledged: bool) -> None:
        found = self._there()
        assert found in (None, *self.ledger.versions)
        assert not acknowledged or found == self.head

    def finished(self, moment: int) -> None:
        assert self._there() == self.head
        if moment % 5 == 4:
            with Workspace.create(self.tmp_path / f"other-{moment}") as other:
                other.data.pull("files", source=self.url)
                away = Ledger(other, self.tmp_path / f"caches-{moment}")
                away.versions = self.ledger.versions
                away.check()

    def _there(self) -> str | None:
        """What the branch means there; all of it is there."""
        place = BarePlace(open_blobs(self.url), self.tmp_path / f"place-{time.monotonic_ns()}")
        head = place.pointers("files").get(("branch", "main"))
        if head is not None:
            sound(place.repository, [each.tree for each in place.commits("files", head, set())])
        return head


class PushToBucket(Push):
    def ready(self, moment: int) -> dict[str, object]:
        arguments = super().ready(moment)
        self.url = os.environ["FETTLE_TEST_BUCKET"]
        return {**arguments, "to": self.url}


class Checkout(Work):
    verb = "checkout"

    def ready(self, moment: int) -> dict[str, object]:
        if not moment:
            self.two = [self.committed(0), self.committed(100)]
            self.files = [files_of(SEED, 0), files_of(SEED, 100)]
        self.to = moment % 2
        return {"folder": str(self.folder), "ref": self.two[self.to]}

    def look(self, moment: int, acknowledged: bool) -> None:
        for path, data in content(self.folder).items():
            whole = data in (self.files[0].get(path), self.files[1].get(path))
            assert whole or ".fettle-part-" in path, f"{path} is of no version"

    def finished(self, moment: int) -> None:
        assert content(self.folder) == self.files[self.to]
        self.clean()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [Add, Commit, Append, Merge, Collect, Push, PushToBucket, Checkout])
def test_killed_at_any_instant(
    kind: type[Work],
    hands: Crew,
    workspace: Workspace,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    print(f"repeat with FETTLE_SEED={SEED} FETTLE_DATA_KILLS={KILLS} pytest -k 'killed and {kind.__name__}'")
    if kind is PushToBucket:
        monkeypatch.setenv("FETTLE_TEST_BUCKET", request.getfixturevalue("fresh_s3_url"))
    chance = random.Random(f"{SEED} {kind.__name__}")
    work = kind(hands, workspace, tmp_path_factory.mktemp("beside"))
    takes_s, landed, moment = 0.0, 0, 0
    while landed < KILLS:
        arguments = work.ready(moment)
        if moment < 2:
            takes_s = hands.do(kind.verb, workspace, **arguments).seconds
        else:
            outcome = hands.killed(kind.verb, workspace, chance.random() * takes_s, **arguments)
            landed += outcome.status == -signal.SIGKILL
            takes_s = min(takes_s, outcome.seconds or takes_s)
            assert not outcome.failed, outcome
            work.look(moment, outcome.acknowledged)
            work.ledger.check()
            work.again(moment, arguments)
        work.finished(moment)
        moment += 1
        assert moment < 3 * KILLS + 2, f"only {landed} of {moment - 2} kills came in time"
    work.ledger.check()
    assert_no_litter(work)


def assert_no_litter(work: Work) -> None:
    """What kills left is swept when the store is opened a minute later, and leases and lists are few."""
    home = work.ws.folder
    for each in (home / "blobs" / ".pending").iterdir():
        os.utime(each, (time.time() - 120,) * 2)
    with Workspace.create(home.parent) as ws:
        left = litter(home.parent)
        assert left == [], left
        ws.data.gc(grace="0s")
        assert len([*ws.blobs.list("data/leases/")]) == 0
        assert len([*ws.blobs.list("data/gc/")]) == 0
        indexes = {each.key.rpartition("/")[2][:-4] for each in ws.blobs.list("data/index/")}
        packs = {each.key.rpartition("/")[2][:-5] for each in ws.blobs.list("data/packs/")}
        assert indexes == packs


def _held(ledger: Ledger) -> list[str]:
    from fettle.data.engine import leases

    return [root for _, each in leases.held(ledger.ws.blobs, "data/") for root in each.roots]
