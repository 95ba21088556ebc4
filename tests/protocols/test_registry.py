"""Registered models and versions: MLflow's client and fettle's registry see the same."""

from __future__ import annotations

import uuid

import httpx
import pytest

from fettle.acts import Role
from fettle.evaluation.records import GateResult
from fettle.workspace import Workspace
from tests.bundles import kept
from tests.protocols.conftest import API


@pytest.fixture
def name() -> str:
    return f"model-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def trained(client, name: str, run_id: str) -> str:
    """A model with one version."""
    client.create_registered_model(name)
    client.create_model_version(name, f"runs:/{run_id}/model", run_id)
    return name


def refused(mlflow, code: str, words: str = ""):
    return pytest.raises(mlflow.exceptions.MlflowException, match=words or code)


def test_a_model_is_made_described_renamed_and_deleted(client, ws: Workspace, mlflow, name: str) -> None:
    made = client.create_registered_model(name, tags={"team": "risk"}, description="finds fraud")
    assert (made.name, made.tags, made.description) == (name, {"team": "risk"}, "finds fraud")
    ours = ws.registry.model(name)
    assert (ours.description, ours.tags) == ("finds fraud", {"team": "risk"})
    assert client.update_registered_model(name, "finds more").description == "finds more"
    client.set_registered_model_tag(name, "stage", "late")
    client.delete_registered_model_tag(name, "team")
    client.delete_registered_model_tag(name, "team")
    assert client.get_registered_model(name).tags == {"stage": "late"}
    other = f"{name} two"
    client.rename_registered_model(name, other)
    assert client.get_registered_model(other).name == other
    with pytest.raises(mlflow.exceptions.MlflowException, match="not found") as missing:
        client.get_registered_model(name)
    assert missing.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    client.delete_registered_model(other)
    assert other not in {each.name for each in ws.registry.models()}


def test_a_name_is_given_once(client, mlflow, name: str) -> None:
    client.create_registered_model(name)
    with pytest.raises(mlflow.exceptions.MlflowException, match="already exists") as taken:
        client.create_registered_model(name)
    assert taken.value.error_code == "RESOURCE_ALREADY_EXISTS"
    client.create_registered_model(f"{name}b")
    with pytest.raises(mlflow.exceptions.MlflowException, match="already exists"):
        client.rename_registered_model(name, f"{name}b")


def test_versions_count_up_and_are_fettles_own(client, ws: Workspace, trained: str, run_id: str) -> None:
    second = client.create_model_version(
        trained,
        f"runs:/{run_id}/model",
        run_id,
        tags={"a": "1"},
        description="better",
        run_link="https://x/y",
    )
    assert (second.version, second.run_id, second.tags, second.run_link) == (
        "2",
        run_id,
        {"a": "1"},
        "https://x/y",
    )
    assert (second.status, second.current_stage, second.description) == ("READY", "None", "better")
    ours = ws.registry.show(trained, 2)
    assert (ours.source, ours.run_id, ours.kind) == (f"runs:/{run_id}/model", run_id, "foreign")
    client.set_model_version_tag(trained, "2", "b", "x")
    client.delete_model_version_tag(trained, "2", "a")
    client.update_model_version(trained, "2", "best")
    seen = client.get_model_version(trained, "2")
    assert (seen.tags, seen.description) == ({"b": "x"}, "best")
    client.delete_model_version(trained, "1")
    assert [each.version for each in ws.registry.versions(trained)] == [2]
    assert client.create_model_version(trained, f"runs:/{run_id}/m", run_id).version == "3"


def test_fettles_versions_are_seen_by_clients(client, ws: Workspace, name: str) -> None:
    ws.registry.register(name, kept(ws.blobs, 1), tags={"by": "fettle"}, note="its own")
    ws.registry.promote(name, 1)
    seen = client.get_model_version_by_alias(name, "champion")
    assert (seen.version, seen.tags, seen.description) == ("1", {"by": "fettle"}, "its own")
    assert (
        client.get_model_version_download_uri(name, "1") == f"mlflow-artifacts:/bundles/{kept(ws.blobs, 1)}"
    )
    assert [each.version for each in client.get_registered_model(name).latest_versions] == ["1"]


def test_aliases_pass_through_the_gates(client, ws: Workspace, mlflow, trained: str, run_id: str) -> None:
    client.set_registered_model_alias(trained, "shadow", "1")
    assert ws.registry.alias(trained, "shadow").version == 1
    assert client.get_registered_model(trained).aliases == {"shadow": "1"}
    assert client.get_model_version(trained, "1").aliases == ["shadow"]
    client.delete_registered_model_alias(trained, "shadow")
    client.delete_registered_model_alias(trained, "shadow")
    with pytest.raises(mlflow.exceptions.MlflowException, match="alias shadow not found"):
        client.get_model_version_by_alias(trained, "shadow")
    for bad in ("latest", "v1", "a/b"):
        with pytest.raises(mlflow.exceptions.MlflowException) as error:
            client.set_registered_model_alias(trained, bad, "1")
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    ws.registry.register(trained, kept(ws.blobs, 2), gates=[GateResult("auc", False, 0.4, 0.8)])
    with pytest.raises(mlflow.exceptions.MlflowException, match="did not pass its gates") as gate:
        client.set_registered_model_alias(trained, "champion", "2")
    assert gate.value.get_http_status_code() == 400
    ws.registry.protect(trained, "release", approvals=1)
    with pytest.raises(mlflow.exceptions.MlflowException, match="approval"):
        client.set_registered_model_alias(trained, "release", "1")


def test_a_model_in_use_stays(client, ws: Workspace, mlflow, trained: str) -> None:
    ws.registry.hold(trained, "case 7", version=1)
    for delete in (
        lambda: client.delete_model_version(trained, "1"),
        lambda: client.delete_registered_model(trained),
    ):
        with pytest.raises(mlflow.exceptions.MlflowException, match="on hold"):
            delete()
    assert client.get_model_version(trained, "1").version == "1"


def test_models_are_found_by_name_and_tags(client, mlflow, name: str) -> None:
    for at in range(5):
        client.create_registered_model(f"{name}-{at}", tags={"group": name, "odd": str(at % 2)})

    def found(filter: str, **more) -> list[str]:
        return [each.name.rpartition("-")[2] for each in client.search_registered_models(filter, **more)]

    assert found(f"name LIKE '{name}%'") == list("01234")
    assert found(f"name ILIKE '{name.upper()}-_' AND tags.odd = '1'") == ["1", "3"]
    assert found(f"name IN ('{name}-0', '{name}-4')", order_by=["name DESC"]) == ["4", "0"]
    assert found(f"tags.group = '{name}' AND tags.odd != '1'") == ["0", "2", "4"]
    page = client.search_registered_models(f"tag.group = '{name}'", max_results=2)
    seen = [each.name for each in page]
    while page.token:
        page = client.search_registered_models(f"tag.group = '{name}'", max_results=2, page_token=page.token)
        seen += [each.name for each in page]
    assert seen == [f"{name}-{at}" for at in range(5)]
    for bad in (
        "name > 'x'",
        "color = 'x'",
        "params.x = '1'",
        "name = x",
        "name = 'x' OR name = 'y'",
        "name = 'x",
    ):
        with pytest.raises(mlflow.exceptions.MlflowException) as error:
            client.search_registered_models(bad)
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(mlflow.exceptions.MlflowException, match="at most 1000"):
        client.search_registered_models(max_results=1001)
    with pytest.raises(mlflow.exceptions.MlflowException):
        client.search_registered_models(page_token="zz")


def test_versions_are_found_by_run_source_and_tags(client, mlflow, trained: str, run_id: str) -> None:
    for at in range(2, 5):
        client.create_model_version(trained, f"s3://bucket/{trained}/{at}", tags={"at": str(at)})

    def found(filter: str, **more) -> list[str]:
        return [
            each.version for each in client.search_model_versions(f"name = '{trained}' AND {filter}", **more)
        ]

    assert [each.version for each in client.search_model_versions(f"name='{trained}'")] == list("4321")
    assert found(f"run_id = '{run_id}'") == ["1"]
    assert found(f"run_id IN ('{run_id}', 'other')") == ["1"]
    assert found(f"source_path LIKE 's3://bucket/{trained}/%'") == ["4", "3", "2"]
    assert found("version_number >= 3", order_by=["version_number ASC"]) == ["3", "4"]
    assert found("tags.at = '3'") == ["3"]
    page = client.search_model_versions(f"name='{trained}'", max_results=3)
    assert len(page) == 3
    again = client.search_model_versions(f"name='{trained}'", max_results=3, page_token=page.token)
    assert [each.version for each in again] == ["1"]
    assert not again.token
    for bad in ("source_path IN ('x')", "version_number LIKE '1'", "version_number = 'x'", "stage = 'x'"):
        with pytest.raises(mlflow.exceptions.MlflowException) as error:
            client.search_model_versions(bad)
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_stages_are_marks(client, ws: Workspace, mlflow, trained: str, run_id: str) -> None:
    client.create_model_version(trained, f"runs:/{run_id}/model", run_id)
    client.create_model_version(trained, f"runs:/{run_id}/model", run_id)
    assert client.transition_model_version_stage(trained, "1", "production").current_stage == "Production"
    client.transition_model_version_stage(trained, "2", "Production", archive_existing_versions=True)
    stages = {each.current_stage: each.version for each in client.get_latest_versions(trained)}
    assert stages == {"None": "3", "Production": "2", "Archived": "1"}
    assert [each.version for each in client.get_latest_versions(trained, ["Production"])] == ["2"]
    client.transition_model_version_stage(trained, "3", "Staging")
    client.transition_model_version_stage(trained, "1", "None")
    stages = {each.current_stage: each.version for each in client.get_latest_versions(trained)}
    assert stages == {"None": "1", "Production": "2", "Staging": "3"}
    with pytest.raises(mlflow.exceptions.MlflowException, match="Invalid Model Version stage"):
        client.transition_model_version_stage(trained, "1", "heaven")
    assert ws.registry.model(trained).aliases == {}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_stage_production_asks_what_champion_asks(client, ws: Workspace, mlflow, trained: str) -> None:
    ws.registry.protect(trained, approvals=1)
    with pytest.raises(mlflow.exceptions.MlflowException, match="approval"):
        client.transition_model_version_stage(trained, "1", "Production")
    assert client.get_model_version(trained, "1").current_stage == "None"
    assert client.transition_model_version_stage(trained, "1", "Staging").current_stage == "Staging"


def test_copies_keep_what_is_known(client, ws: Workspace, mlflow, name: str) -> None:
    ws.registry.register(
        name, kept(ws.blobs, 3), gates=[GateResult("auc", False, 0.4, 0.8)], metrics={"auc": 0.4}
    )
    copied = client.copy_model_version(f"models:/{name}/1", f"{name}-copy")
    assert copied.version == "1"
    ours = ws.registry.show(f"{name}-copy", 1)
    assert (ours.bundle, ours.metrics, len(ours.failed_gates)) == (kept(ws.blobs, 3), {"auc": 0.4}, 1)
    direct = client.create_model_version(f"{name}-copy", f"mlflow-artifacts:/bundles/{kept(ws.blobs, 3)}")
    assert direct.version == "1"
    ws.registry.reject(name, 1, "no good")
    client.create_registered_model(f"{name}-third")
    for source in (f"models:/{name}/1", f"mlflow-artifacts:/bundles/{kept(ws.blobs, 3)}"):
        with pytest.raises(mlflow.exceptions.MlflowException, match="rejected"):
            client.create_model_version(f"{name}-third", source)


LOCAL = [
    "/etc", "file:///etc", "FILE:/etc", "file://localhost/etc", "file:etc", "etc/passwd", "./model", ".", "~/x",
    r"\..\..\etc\passwd", r"C:\x", "C:/x", r"\\host\share", "file+x:///etc", "javascript:alert(1)", "data:text/html,x",
    "sqlite:///x.db", "%66ile:///etc",
    "mlflow-artifacts:/..\\..\\etc", "mlflow-artifacts:/../../etc", "mlflow-artifacts://h/../x", "runs:/../x",
    "mlflow-artifacts:/%2e%2e%2fetc", "mlflow-artifacts:/%252e%252e%252fetc", "mlflow-artifacts:/..%c0%afetc",
    "s3://b/a;/../../etc", "s3://b/..;/x", "http:///#/../../../etc", "s3://b/?../", "s3://b/x#y", "s3://b/x%00",
    "s3://b/x\0", "http://h/%2E%2E/x", "s3://b/%25252525252525252e%2e/x", "runs://host/x/y", "models://r/m/1",
    "models:/",    "models:/nothere/1/2", "s3://b/" + "x" * 5000, "x", "mlflow-artifacts:/0/models/x/artifacts/../..",
]  # fmt: skip


@pytest.mark.parametrize("tag", [{}, {"mlflow.prompt.is_prompt": "true"}, {"mlflow.domain": "x"}])
def test_no_source_leads_to_this_machine(http: httpx.Client, client, trained: str, tag: dict) -> None:
    tags = [{"key": key, "value": value} for key, value in tag.items()]
    for source in LOCAL:
        answer = http.post(
            f"{API}/model-versions/create", json={"name": trained, "source": source, "tags": tags}
        )
        assert answer.status_code in (400, 404), (source, answer.text)
        assert answer.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
    assert [each.version for each in client.search_model_versions(f"name='{trained}'")] == ["1"]


def test_a_copy_leads_to_what_it_was_copied_from(client, trained: str, run_id: str) -> None:
    copied = client.copy_model_version(f"models:/{trained}/1", f"{trained}-copy")
    again = client.copy_model_version(f"models:/{trained}-copy/1", f"{trained}-third")
    assert (copied.source, again.source) == (f"models:/{trained}/1", f"models:/{trained}-copy/1")
    assert client.get_model_version_download_uri(f"{trained}-third", "1") == f"runs:/{run_id}/model"


def test_a_source_is_of_the_run_that_was_named(client, mlflow, trained: str, run_id: str) -> None:
    other = client.create_run("0").info.run_id
    for source in (f"runs:/{other}/model", f"mlflow-artifacts:/0/{other}/artifacts/model"):
        with pytest.raises(mlflow.exceptions.MlflowException, match="must identify"):
            client.create_model_version(trained, source, run_id)
    for missing in ("models:/m-" + "0" * 32, "models:/nothere@champion"):
        with pytest.raises(mlflow.exceptions.MlflowException) as error:
            client.create_model_version(trained, missing)
        assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("bad", ["", " ", "a/b", "a:b", "a\0b", "x" * 257, "a\nb", "..", "%2e", "\u202ex"])
def test_bad_names_are_refused(http: httpx.Client, bad: str) -> None:
    answer = http.post(f"{API}/registered-models/create", json={"name": bad})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("number", ["x", "1.5", "-1", "0", "99", "9" * 12, "9" * 30, "１"])
def test_bad_numbers_are_refused(http: httpx.Client, trained: str, number: str) -> None:
    for path in ("get", "get-download-uri"):
        answer = http.get(f"{API}/model-versions/{path}", params={"name": trained, "version": number})
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


def test_prompts_are_kept_apart(client, name: str) -> None:
    client.register_prompt(name=name, template="Say {{word}}", commit_message="first")
    client.set_prompt_alias(name, "good", 1)
    assert client.load_prompt(f"prompts:/{name}@good").template == "Say {{word}}"
    assert name not in {each.name for each in client.search_registered_models()}
    assert name in {each.name for each in client.search_prompts()}


def test_viewers_only_look(ws: Workspace, name: str) -> None:
    with pytest.raises(Exception, match="editor"):
        ws.perform("registry.make", {"model": name}, actor="user:eve", role=Role.VIEWER)
