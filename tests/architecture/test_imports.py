"""`import fettle` and `fettle --help` stay cheap: what they load is named here; the time is a benchmark's business."""

import subprocess
import sys

import pytest

HEAVY = (
    "numpy", "scipy", "sklearn", "polars", "pyarrow", "pandas", "duckdb", "optuna", "onnx", "onnxruntime", "skl2onnx",
    "sqlalchemy", "psycopg", "obstore", "starlette", "uvicorn", "httpx", "jinja2",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    tell = "import sys; print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], text=True, capture_output=True, check=True
    )
    return set(done.stderr.split())


def test_import_fettle_loads_nothing_heavy():
    loaded = loaded_by("import fettle")
    assert not loaded & {*HEAVY, "msgspec", "rich", "cyclopts", "asyncio", "email", "http"}


@pytest.mark.parametrize(
    "command", [["--help"], ["--version"], ["version"], ["config", "show"], ["nonsense"]]
)
def test_light_commands_load_nothing_heavy(command: list[str]):
    loaded = loaded_by(f"from fettle.cli.app import run; run({command!r})")
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "room",
    ["core", "acts", "data", "tracking", "pipelines", "training", "evaluation", "packaging", "registry", "serving",
     "monitoring", "retraining", "governance", "projects", "workspace", "execution"],
)  # fmt: skip
def test_a_room_is_cheap_to_enter(room: str):
    loaded = loaded_by(f"import fettle.{room}")
    assert not loaded & set(HEAVY)
