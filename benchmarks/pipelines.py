"""What a pipeline costs: a durable step, and a whole process whose 20 steps are all unchanged.

    python benchmarks/pipelines.py [--runs 5] [--peer]

Each step is a no-op that depends on the one before it, so the numbers are fettle's own: the key over the code, the
look-up, the value kept by content, and one commit with `synchronous=FULL`. The floor is measured in the same run:
such commits made with nothing but the `sqlite3` module, and the start of Python. With `--peer` the same 20 steps run
under Hamilton with its disk cache, and the ratio is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STEPS = 20

PIPELINE = """
import json, sys, time
from pathlib import Path

from fettle.pipelines import Flow, step
from fettle.workspace import Workspace

@step
def link(value: int, place: int) -> int:
    return value + 1

ws = Workspace.create(Path(sys.argv[1]))
runs, cpu = [], []
for _ in range(int(sys.argv[2])):
    began, used = time.perf_counter(), time.process_time()
    with Flow(ws, "chain") as flow:
        value = int(sys.argv[3])
        for place in range(20):
            value = flow.run(link, value, place)
    runs.append(time.perf_counter() - began)
    cpu.append(time.process_time() - used)
print(json.dumps({"seconds": runs, "cpu": cpu, "value": value}))
"""

HAMILTON = """
import sys, time, json, types
from hamilton import driver
module = types.ModuleType("chain")
source = "def s0(start: int) -> int:\\n    return start + 1\\n" + "".join(
    f"def s{i}(s{i - 1}: int) -> int:\\n    return s{i - 1} + 1\\n" for i in range(1, 20))
path = sys.argv[1] + "/chain.py"
open(path, "w").write(source)
sys.path.insert(0, sys.argv[1])
import chain
began = time.perf_counter()
builder = driver.Builder().with_modules(chain).with_cache(path=sys.argv[1] + "/cache")
builder.build().execute(["s19"], inputs={"start": 0})
print(json.dumps(time.perf_counter() - began))
"""


def process(*command: str) -> tuple[float, str]:
    """Run a process; its wall time and output."""
    began = time.perf_counter()
    output = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - began, output


def floor_ms(folder: Path) -> float:
    """One durable commit of one row by `sqlite3` alone, in milliseconds."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, value TEXT)")
    began = time.perf_counter()
    for _ in range(STEPS * 5):
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO rows (value) VALUES (?)", ("x" * 500,))
        database.execute("COMMIT")
    return (time.perf_counter() - began) / (STEPS * 5) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "chain.py"
        script.write_text(PIPELINE)
        process(str(script), name, "1", "-1000")  # make the workspace and the bytecode
        figures = measure(script, folder, chosen.runs)
        if chosen.peer:
            figures |= peer(folder, chosen.runs, figures)
    print(
        json.dumps(figures, indent=1)
        if chosen.json
        else "\n".join(f"{key:42} {value}" for key, value in figures.items())
    )


def measure(script: Path, folder: Path, runs: int) -> dict[str, float]:
    steps_ms, cpu_ms, spared_ms, whole_s, bare_s, floors_ms = [], [], [], [], [], []
    for index in range(runs):
        _, output = process(str(script), str(folder), "5", str(index * 1000))
        figures = json.loads(output)
        seconds = figures["seconds"]
        cpu_ms.append(figures["cpu"][0] / STEPS * 1000)
        steps_ms.append(seconds[0] / STEPS * 1000)
        spared_ms.append(min(seconds[1:]) / STEPS * 1000)
        whole_s.append(process(str(script), str(folder), "1", str(index * 1000))[0])
        bare_s.append(process("-c", "pass")[0])
        floors_ms.append(floor_ms(folder))
        (folder / "floor.db").unlink()
    middle = statistics.median
    return {
        "durable step, ms (budget 0.8)": round(middle(steps_ms), 3),
        "durable step, best, ms": round(min(steps_ms), 3),
        "durable step, processor time, ms": round(middle(cpu_ms), 3),
        "floor: one bare sqlite3 commit, ms": round(middle(floors_ms), 3),
        "spared step, ms": round(middle(spared_ms), 3),
        "unchanged 20 steps, whole process, s (0.3)": round(middle(whole_s), 3),
        "unchanged 20 steps, best, s": round(min(whole_s), 3),
        "bare Python process, s": round(middle(bare_s), 3),
    }


def peer(folder: Path, runs: int, figures: dict[str, float]) -> dict[str, float]:
    if importlib.util.find_spec("hamilton") is None:
        sys.exit("--peer needs Hamilton: pip install sf-hamilton")
    script = folder / "peer.py"
    script.write_text(HAMILTON)
    first_ms, whole_s = [], []
    for index in range(runs):
        place = folder / f"peer-{index}"
        place.mkdir()
        first_ms.append(json.loads(process(str(script), str(place))[1].splitlines()[-1]) / STEPS * 1000)
        whole_s.append(process(str(script), str(place))[0])
    step_ms, rerun_s = statistics.median(first_ms), statistics.median(whole_s)
    return {
        "Hamilton: cached step, ms": round(step_ms, 3),
        "Hamilton: unchanged, whole process, s": round(rerun_s, 3),
        "whole process: Hamilton / fettle": round(
            rerun_s / figures["unchanged 20 steps, whole process, s (0.3)"], 2
        ),
    }


if __name__ == "__main__":
    main()
