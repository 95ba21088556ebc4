import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with its sources and its built output; npm there is not to be had."""
    for name in hook.SOURCES:
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in (hook.ASSETS, hook.STATIC):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / hook.STATIC / hook.STAMP).write_text(hook.digest_of_sources(tmp_path))
    monkeypatch.setattr(hook, "find_npm", lambda: (Path(sys.executable), tmp_path / "no-npm.py"))
    monkeypatch.delenv(hook.SWITCH, raising=False)
    return tmp_path


def test_an_unchanged_build_is_not_made_again(checkout: Path, hook: ModuleType):
    assert hook.make(checkout) is False


def test_a_touched_file_is_not_a_changed_file(checkout: Path, hook: ModuleType):
    (checkout / hook.ASSETS / "main.ts").touch()
    assert hook.make(checkout) is False


def test_a_changed_source_is_built_and_npms_words_are_passed_on(checkout: Path, hook: ModuleType):
    (checkout / hook.ASSETS / "main.ts").write_text("// changed\n")
    with pytest.raises(hook.BuildFailed) as failed:
        hook.make(checkout)
    assert "no-npm.py" in str(failed.value)
    assert "FETTLE_WEB_ASSETS=reuse" in str(failed.value)


def test_a_missing_output_is_built(checkout: Path, hook: ModuleType):
    next((checkout / hook.STATIC).glob("main-*.js")).unlink()
    with pytest.raises(hook.BuildFailed):
        hook.make(checkout)


def test_reuse_never_runs_npm(checkout: Path, hook: ModuleType, monkeypatch: pytest.MonkeyPatch):
    (checkout / hook.ASSETS / "main.ts").write_text("// changed\n")
    monkeypatch.setenv(hook.SWITCH, "reuse")
    assert hook.make(checkout) is False
    shutil.rmtree(checkout / hook.STATIC)
    with pytest.raises(hook.BuildFailed, match="holds no built assets"):
        hook.make(checkout)


def test_an_unknown_wish_is_refused(checkout: Path, hook: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(hook.SWITCH, "maybe")
    with pytest.raises(hook.BuildFailed, match="auto, build or reuse"):
        hook.make(checkout)


def test_the_lock_names_no_address():
    assert "resolved" not in (ROOT / "package-lock.json").read_text("utf-8")
    assert "://" not in (ROOT / ".npmrc").read_text("utf-8")


def test_the_hook_offers_its_output_to_the_wheel(hook: ModuleType, monkeypatch: pytest.MonkeyPatch):
    made: list[Path] = []
    monkeypatch.setattr(hook, "make", made.append)
    plugin = hook.WebAssets(str(ROOT), {}, None, None, str(ROOT / "dist"), "wheel")
    build_data: dict[str, list[str]] = {"artifacts": []}
    plugin.initialize("editable", build_data)
    assert made == [ROOT]
    assert build_data["artifacts"] == ["/src/fettle/web/static/**"]
