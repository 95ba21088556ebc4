"""Artifacts through the server: streamed both ways, in ranges, in parts, and nowhere but where they belong."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from fettle.core.clock import FrozenClock
from fettle.protocols.mlflow import uploads
from fettle.protocols.mlflow.errors import Refused
from fettle.protocols.mlflow.paths import place_of, safe
from fettle.workspace import Workspace
from tests.protocols.conftest import PROXY
from tests.server.conftest import serve

CLIMBING = (
    "../x", "%2e%2e%2fx", "%252e%252e%252fx", "..%c0%afx", "..%5cx", "a%5c..%5c..%5cb", "..;/x", "a;/../../etc/passwd",
    "C:%5Cx", "C:/x", "%5C%5Chost%5Cshare", "a%00.txt", "a//b", "./a", "a/./b", "%2Fetc%2Fpasswd", "", "a/..",
    "a%0ab", "%0d%0aSet-Cookie:x",
    "file:%2F%2F%2Fetc", "%25252525252e%2e/x", "x" * 1200, "..%2f..%2f", "a/%2e%2e/%2e%2e/b", "%E2%80%A8",
)  # fmt: skip


def test_files_come_back_as_they_went(client, mlflow, run_id: str, tmp_path: Path):
    content = {"a.txt": b"a", "deep/er/b c.bin": bytes(range(256)) * 20_000, "deep/ü ☃ 100%.txt": b"snow"}
    for name, data in content.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    client.log_artifacts(run_id, str(tmp_path / "in"))
    assert [each.path for each in client.list_artifacts(run_id)] == ["a.txt", "deep"]
    assert [each.path for each in client.list_artifacts(run_id, "deep/er")] == ["deep/er/b c.bin"]
    got = Path(client.download_artifacts(run_id, "", str(tmp_path)))
    assert {name: (got / name).read_bytes() for name in content} == content


def test_the_same_content_is_kept_once(client, ws: Workspace, run_id: str, tmp_path: Path):
    (tmp_path / "one").write_bytes(b"same" * 100)
    for folder in ("x", "y"):
        client.log_artifact(run_id, str(tmp_path / "one"), folder)
    found = ws.call("tracking.artifacts", run=run_id)
    assert [each.path for each in found] == ["x/one", "y/one"]
    assert len({each.digest for each in found}) == 1


def test_headers_ranges_and_head(http: httpx.Client, run_id: str):
    place = f"{PROXY}/artifacts/0/{run_id}/artifacts/page.html"
    assert http.put(place, content=b"<script>0123456789").status_code == 200
    whole = http.get(place)
    assert whole.headers["content-disposition"] == "attachment; filename=page.html"
    assert (
        whole.headers["x-content-type-options"] == "nosniff"
        and "sandbox" in whole.headers["content-security-policy"]
    )
    part = http.get(place, headers={"range": "bytes=8-11"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"0123", "bytes 8-11/18")
    assert http.get(place, headers={"range": "bytes=-3"}).content == b"789"
    assert http.get(place, headers={"range": "bytes=99-"}).status_code == 416
    assert http.get(place, headers={"range": "bytes=0-1,3-4"}).content == whole.content
    head = http.head(place)
    assert head.headers["content-length"] == "18" and head.content == b""


def test_files_and_folders_are_taken_away(http: httpx.Client, client, run_id: str):
    root = f"{PROXY}/artifacts/0/{run_id}/artifacts"
    for name in ("keep.txt", "old/a", "old/b/c", "older"):
        http.put(f"{root}/{name}", content=b"x")
    assert http.delete(f"{root}/old").status_code == 200
    assert [each.path for each in client.list_artifacts(run_id)] == ["keep.txt", "older"]
    assert http.get(f"{root}/old/a").status_code == 404
    assert http.get(f"{PROXY}/artifacts", params={"path": f"0/{run_id}/artifacts"}).json()["files"][0] == {
        "path": "keep.txt",
        "is_dir": False,
        "file_size": 1,
    }


def test_a_large_file_goes_up_in_parts(
    client, ws: Workspace, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1000000")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", "700000")
    data = bytes(range(251)) * 10_000
    (tmp_path / "big.bin").write_bytes(data)
    client.log_artifact(run_id, str(tmp_path / "big.bin"), "models")
    assert (
        Path(client.download_artifacts(run_id, "models/big.bin", str(tmp_path / "got"))).read_bytes() == data
    )
    assert all(each.key.endswith("/about.json") for each in ws.blobs.list("uploads/"))


def test_parts_are_checked(http: httpx.Client, run_id: str):
    folder = f"0/{run_id}/artifacts/x"
    made = http.post(f"{PROXY}/mpu/create/{folder}", json={"path": "/home/me/big.bin", "num_parts": 2}).json()
    first, second = (urlsplit(each["url"]).path for each in made["credentials"])
    assert http.put(first, content=b"one ").headers["etag"]
    asked = {
        "path": "big.bin",
        "upload_id": made["upload_id"],
        "parts": [{"part_number": 1}, {"part_number": 2}],
    }
    early = http.post(f"{PROXY}/mpu/complete/{folder}", json=asked)
    assert early.status_code == 400 and "has not arrived" in early.json()["message"]
    assert http.put(second.replace(made["upload_id"], "0" * 64), content=b"x").status_code == 404
    assert http.put(first[:-1] + "3", content=b"x").status_code == 400
    http.put(second, content=b"two")
    assert http.post(f"{PROXY}/mpu/complete/0/{run_id}/artifacts/y", json=asked).status_code == 400
    for short in ([], asked["parts"][:1], asked["parts"][1:], asked["parts"][::-1], asked["parts"] * 2):
        refused = http.post(f"{PROXY}/mpu/complete/{folder}", json={**asked, "parts": short})
        assert refused.status_code == 400 and "All 2 parts" in refused.json()["message"]
    for _ in range(2):  # the answer to the first may have been lost
        assert http.post(f"{PROXY}/mpu/complete/{folder}", json=asked).status_code == 200
    assert http.get(f"{PROXY}/artifacts/{folder}/big.bin").content == b"one two"
    assert http.put(first, content=b"late").status_code == 404


def test_etags_say_which_content_is_meant(http: httpx.Client, run_id: str):
    folder = f"0/{run_id}/artifacts/etags"
    made = http.post(f"{PROXY}/mpu/create/{folder}", json={"path": "f", "num_parts": 1}).json()
    place = urlsplit(made["credentials"][0]["url"]).path
    mine = http.put(place, content=b"mine").headers["etag"]
    for number in range(20):
        http.put(place, content=f"other {number}".encode())

    def complete(etag: str) -> int:
        parts = [{"part_number": 1, "etag": etag}]
        asked = {"path": "f", "upload_id": made["upload_id"], "parts": parts}
        return http.post(f"{PROXY}/mpu/complete/{folder}", json=asked).status_code

    assert [complete(each) for each in ("", "wrong", '"' + "0" * 64 + '"', mine)] == [400, 400, 400, 200]
    assert http.get(f"{PROXY}/artifacts/{folder}/f").content == b"mine"


def test_blobs_tell_nothing_of_uploads(http: httpx.Client, ws: Workspace, run_id: str):
    made = http.post(f"{PROXY}/mpu/create/0/{run_id}/artifacts", json={"path": "f", "num_parts": 1}).json()
    http.put(urlsplit(made["credentials"][0]["url"]).path, content=b"secret")
    keys = [each.key for each in ws.blobs.list("uploads/")]
    assert keys and made["upload_id"] not in "".join(keys)
    assert http.get("/api/v1/blobs", params={"prefix": "uploads/"}).json() == []
    for key in keys:
        for method in ("GET", "PUT", "DELETE"):
            assert http.request(method, f"/api/v1/blobs/{key}", content=b"EVIL").status_code == 404
    assert [each.key for each in ws.blobs.list("uploads/")] == keys


def test_uploads_that_nobody_completes_go_after_a_while(tmp_path: Path):
    clock = FrozenClock(datetime(2026, 3, 1, tzinfo=UTC))
    with (
        Workspace.create(tmp_path / "team", clock=clock) as workspace,
        serve(workspace) as url,
        httpx.Client(base_url=url) as http,
    ):

        def begin() -> tuple[str, str]:
            made = http.post(f"{PROXY}/mpu/create/x", json={"path": "f", "num_parts": 1}).json()
            place = urlsplit(made["credentials"][0]["url"]).path
            http.put(place, content=b"x")
            return made["upload_id"], place

        _, old = begin()
        clock.advance(86_400 + 60)
        assert http.put(old, content=b"late").status_code == 404
        new, _ = begin()
        clock.advance(86_400 - 30)
        uploads.sweep(workspace)
        asked = {"path": "f", "upload_id": new, "parts": [{"part_number": 1}]}
        assert {each.key.split("/")[1] for each in workspace.blobs.list("uploads/")} == {
            blake3(new.encode()).hexdigest()
        }
        assert http.post(f"{PROXY}/mpu/complete/x", json=asked).status_code == 200
        clock.advance(3 * 86_400)
        begin()
        assert len(list(workspace.blobs.list("uploads/"))) == 2


def test_an_upload_can_be_given_up(http: httpx.Client, ws: Workspace, run_id: str):
    folder = f"0/{run_id}/artifacts"
    made = http.post(f"{PROXY}/mpu/create/{folder}", json={"path": "z.bin", "num_parts": 1}).json()
    http.put(urlsplit(made["credentials"][0]["url"]).path, content=b"x")
    asked = {"path": "z.bin", "upload_id": made["upload_id"]}
    assert http.post(f"{PROXY}/mpu/abort/{folder}", json=asked).status_code == 200
    assert (
        blake3(made["upload_id"].encode()).hexdigest() not in str(list(ws.blobs.list("uploads/")))
        and http.get(f"{PROXY}/artifacts/{folder}/z.bin").status_code == 404
    )


def test_presigned_urls_are_not_offered(http: httpx.Client):
    answer = http.get(f"{PROXY}/presigned/0/x/artifacts/y")
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_no_path_leads_out(url: str, ws: Workspace, run_id: str, method: str):
    for path in CLIMBING:
        raw = http.client.HTTPConnection(urlsplit(url).netloc)
        raw.putrequest(method, f"{PROXY}/artifacts/0/{run_id}/artifacts/{path}")
        raw.putheader("Content-Length", "1" if method == "PUT" else "0")
        raw.endheaders(b"x" if method == "PUT" else None)
        answer = raw.getresponse()
        status = answer.status
        assert status == 200 or "error_code" in json.loads(answer.read()), path
        raw.close()
        harmless = method == "DELETE" and path in ("", "./a", "a/./b")  # a folder without files
        assert 400 <= status < 500 or harmless, (path, status)
    assert ws.call("tracking.artifacts", run=run_id) == []


@given(st.text(st.sampled_from("a./\\%25eEfF;:C\x00ü#? "), max_size=30))
@settings(max_examples=300)
def test_what_is_safe_stays_inside_however_it_is_decoded(path: str):
    from urllib.parse import unquote

    try:
        kept = safe(path)
    except Refused:
        return
    for _ in range(6):
        assert (
            ".." not in kept.replace("\\", "/").split("/") and not kept.startswith("/") and "\x00" not in kept
        )
        kept = unquote(kept)


def test_who_owns_a_path():
    assert place_of("3/abc/artifacts/x/y").owner == "run:abc"
    assert place_of("3/models/m-1/artifacts/MLmodel").owner == "model:m-1"
    assert place_of("3/traces/tr-1/artifacts/traces.json").owner == "trace:tr-1"
    assert (place_of("some/where").owner, place_of("some/where").path) == ("path:", "some/where")
