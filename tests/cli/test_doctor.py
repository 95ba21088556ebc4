"""`fettle doctor` finds what is not well."""

from pathlib import Path


def test_all_is_well(fettle):
    said = fettle("doctor", "--json")
    assert said.code == 0, said.err
    report = said.json()
    assert report["well"] is True
    assert [each["check"] for each in report["findings"]] == [
        "python", "packages", "disk", "settings", "workspace", "audit",
    ]  # fmt: skip


def test_a_bad_setting_is_found_and_blocks_the_rest(fettle, tmp_path: Path):
    (tmp_path / "fettle.toml").write_text("nonsense = 1\n")
    said = fettle("doctor", "-C", str(tmp_path), "--json")
    assert said.code == 1
    ill = {each["check"]: each["found"] for each in said.json()["findings"] if not each["well"]}
    assert set(ill) == {"settings", "workspace", "audit"}
    assert "nonsense" in ill["settings"]


def test_no_workspace_is_found(fettle, tmp_path: Path):
    said = fettle("doctor", "-C", str(tmp_path), "--json")
    hints = {each["check"]: each["hint"] for each in said.json()["findings"] if not each["well"]}
    assert set(hints) == {"workspace", "audit"}
    assert "fettle init" in hints["workspace"]
