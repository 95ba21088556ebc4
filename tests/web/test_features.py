"""The pages of features: the catalogue, one feature, and what was made with it."""

from __future__ import annotations

import httpx

from tests.bundles import kept
from tests.web.holdings import FEATURED, TABLE, Holdings
from tests.web.test_site import Tags


def test_pages_have_twins_and_fragments(data_http: httpx.Client):
    for address in (
        "/features",
        "/features?q=money",
        "/features?retired=shown",
        "/features/net",
        "/features/old_net",
    ):
        page = data_http.get(address)
        assert page.status_code == 200, address
        assert 'id="live"' in page.text
        assert data_http.get(address, headers={"HX-Request": "true", "HX-Target": "live"}).status_code == 200
        path, _, query = address.partition("?")
        assert data_http.get(f"{path}.json?{query}").status_code == 200


def test_the_catalogue_is_searched_by_words_and_by_column(data_http: httpx.Client):
    def shown(query: str) -> list[str]:
        found = Tags(data_http.get(f"/features{query}").text).found
        hrefs = [str(attrs.get("href")) for tag, attrs in found if tag == "a"]
        return [each.removeprefix("/features/") for each in hrefs if each.startswith("/features/")]

    assert shown("") == ["is_large", "net"]
    assert shown("?q=flag") == ["is_large"]
    assert shown("?q=fee") == ["net"]
    assert shown("?retired=shown") == ["is_large", "net", "old_net"]
    assert data_http.get("/features.json").json()["used"] == {"is_large": 1, "net": 1}


def test_a_feature_tells_versions_inputs_and_uses(data_http: httpx.Client, holdings: Holdings):
    twin = data_http.get("/features/net.json").json()
    assert [each["version"] for each in twin["versions"]] == [2, 1]
    assert [each["dataset"] for each in twin["made"]] == [FEATURED]
    assert [each["name"] for each in twin["followers"]] == ["is_large"]
    assert data_http.get("/features/is_large.json").json()["built_on"] == ["net"]
    page = data_http.get("/features/net").text
    for told in ("(amount - fee) * 0.98", "amount - fee", FEATURED, "What is left after fee and tax."):
        assert told in page, told
    assert "use net" in data_http.get("/features/old_net").text
    assert data_http.get("/features/nett").status_code == 404


def test_a_version_names_its_features_and_what_it_was_made_from(data_http: httpx.Client, holdings: Holdings):
    page = data_http.get(f"/data/{FEATURED}@main").text
    source = holdings.ws.call("data.show", ref=f"{TABLE}@v2")
    assert 'href="/features/is_large"' in page
    assert f'href="/data/{source.ref}"' in page


def test_models_trained_on_features_are_named(tmp_path):
    from tests.web.conftest import serve
    from tests.web.holdings import make

    made = make(tmp_path)
    with made.ws as ws, serve(ws) as address:
        head = ws.call("data.show", ref=FEATURED)
        ws.call(
            "registry.register", model="large", bundle=kept(ws.blobs, 2), metrics={}, gates=[],
            dataset=FEATURED, dataset_commit=head.id,
        )  # fmt: skip
        assert "/models/large/1" in httpx.get(f"{address}/features/net").text
