"""From a raw, messy CSV to a clean, labelled, masked, split and validated version; the tutorial of that name in Python.

    python raw_to_ready.py [FOLDER]

The rules (what is masked, labelled, cleaned, checked) are the files in `riders/`, which the commands read too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import messy

import fettle
from fettle.data import splits

RULES = Path(__file__).parent / "riders"


def ready(ws: fettle.Workspace, raw: Path) -> str:
    """Bring the raw file in and make a version that a model can be trained on.

    Args:
        ws: Where the versions live.
        raw: The messy CSV.

    Returns:
        The version's reference.
    """
    print("\n".join(ws.data.scan_privacy(raw, dataset="riders").lines()))
    ws.privacy.read(RULES / "privacy.toml")
    ws.data.ingest(raw, dataset="riders", ragged="skip", mixed="text")
    print("\n".join(ws.data.profile("riders").lines()))

    ws.labels.create("leaving", "riders", classes=["leave", "stay"], show=["note"])
    ws.labels.functions("leaving", RULES / "rules.py")
    ws.labels.publish("leaving", weak=True, column="leaves")

    ws.data.split("riders-labels", by="hash", column=["rider id"], target="leaves")
    cleaned = ws.data.clean(
        "riders-labels",
        operations=RULES / "clean.toml",
        fit_on="split=train",
        target="leaves",
        dataset="riders-ready",
    )
    print("\n".join(cleaned.lines()))
    report = ws.data.check("riders-ready", checks=[RULES / "checks.toml"])
    print("\n".join(report.lines()))
    return cleaned.ref


def main(folder: Path) -> str:
    """Make the raw file in a folder, and go all the way."""
    raw = folder / "riders.csv"
    messy.make(raw)
    with fettle.Workspace.create(folder) as ws:
        ref = ready(ws, raw)
        train = splits.rows(ws, ref, "train")
        print(f"{ref}: {train.height} rows to train on")
    return ref


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
