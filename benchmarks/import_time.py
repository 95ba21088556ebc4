"""How long `import fettle` and `fettle --help` take over bare Python; medians of fresh processes, interleaved.

    python benchmarks/import_time.py [runs]

Budget: `import fettle` at most 60 ms, `fettle --help` at most 200 ms over bare Python. Measure on a quiet machine.
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python (bare)": ["-c", "pass"],
    "import fettle": ["-c", "import fettle"],
    "fettle --help": ["-m", "fettle", "--help"],
    "fettle version": ["-m", "fettle", "version"],
}
BUDGETS_MS = {"import fettle": 60, "fettle --help": 200}


def seconds(arguments: list[str]) -> float:
    """Run one fresh interpreter and return the wall time."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main(runs: int) -> None:
    taken = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, arguments in COMMANDS.items():
            taken[name].append(seconds(arguments))
    medians = {name: statistics.median(values) * 1000 for name, values in taken.items()}
    bare = medians["python (bare)"]
    print(f"{'':16} {'median ms':>10} {'over bare':>10} {'budget':>8}   ({runs} runs each)")
    for name, median in medians.items():
        budget = f"{BUDGETS_MS[name]}" if name in BUDGETS_MS else ""
        print(f"{name:16} {median:10.1f} {median - bare:10.1f} {budget:>8}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
