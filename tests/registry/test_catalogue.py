from __future__ import annotations

import pytest

from fettle.core.errors import Conflict, Invalid, NotFound
from fettle.registry import Condition
from fettle.workspace import Workspace
from tests.bundles import kept

from .conftest import register


def test_a_model_without_versions_is_a_model(workspace: Workspace) -> None:
    made = workspace.registry.make("fraud", description="Finds fraud.", tags={"team": "risk"})
    assert (made.versions, made.latest, made.tags, made.description) == (
        0,
        0,
        {"team": "risk"},
        "Finds fraud.",
    )
    assert workspace.registry.models() == [made]
    assert workspace.registry.versions("fraud") == []
    with pytest.raises(Conflict, match="already"):
        workspace.registry.make("fraud")
    with pytest.raises(NotFound, match="no version yet"):
        workspace.registry.find("fraud@latest")


@pytest.mark.parametrize(
    "name",
    ["", " ", "a/b", "a:b", "a@b", "..", "../x", "a\nb", "a\x00b", "x" * 257, " a", "\u202ea", "a\\b", "50%"],
)
def test_what_divides_references_names_no_model(workspace: Workspace, name: str) -> None:
    with pytest.raises(Invalid):
        workspace.registry.make(name)
    with pytest.raises(Invalid):
        workspace.registry.adopt(name, "s3://bucket/model")


@pytest.mark.parametrize(
    "name", ["fraud", "Betrug (süd)", "مدل", "模型 7", 'it\'s "mine"', "a;b=c", "x" * 256]
)
def test_printable_text_names_a_model(workspace: Workspace, name: str) -> None:
    assert workspace.registry.make(name).name == name
    assert workspace.registry.register(name, kept(workspace.blobs, 0)).version == 1
    assert workspace.registry.find(f"{name}@1").model == name


def test_descriptions_and_tags_change_and_every_change_is_kept(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.change("fraud", description="one", tags={"team": "risk", "tier": "1"})
    workspace.registry.change("fraud", description="two", tags={"team": "risk"}, untag=["tier"])
    changed = workspace.registry.change_version("fraud", 1, note="good", tags={"seen": "yes"})
    assert (changed.description, changed.tags) == ("good", {"seen": "yes"})
    assert workspace.registry.model("fraud").tags == {"team": "risk"}
    told = [(each.version, each.field, each.old, each.new) for each in workspace.registry.edits("fraud")]
    assert told == [
        (0, "description", "", "one"),
        (0, "tag:team", None, "risk"),
        (0, "tag:tier", None, "1"),
        (0, "description", "one", "two"),
        (0, "tag:tier", "1", None),
        (1, "description", "", "good"),
        (1, "tag:seen", None, "yes"),
    ]
    assert [each.field for each in workspace.registry.edits("fraud", 1)] == ["description", "tag:seen"]
    with pytest.raises(NotFound, match="tag 'colour'"):
        workspace.registry.change("fraud", untag=["colour"])
    with pytest.raises(Invalid):
        workspace.registry.change("fraud", tags={"a": "x" * 100_000})


def test_a_new_name_goes_to_everything(anywhere: Workspace) -> None:
    register(anywhere, 2, tags={"kept": "yes"})
    anywhere.registry.promote("fraud", 1)
    anywhere.registry.hold("fraud", "case 7", version=2)
    anywhere.registry.protect("fraud", "staging", approvals=1)
    anywhere.registry.request_approval("fraud", 2, alias="staging")
    renamed = anywhere.registry.rename("fraud", "scams")
    assert (renamed.name, renamed.aliases, renamed.versions) == ("scams", {"champion": 1}, 2)
    assert anywhere.registry.show("scams", 2).tags == {"kept": "yes"}
    assert anywhere.registry.history("scams")[0].version == 1
    assert anywhere.registry.holds("scams")[0].version == 2
    assert anywhere.registry.approvals("scams")[0].needed == 1
    with pytest.raises(NotFound):
        anywhere.registry.model("fraud")
    assert (
        anywhere.registry.register("fraud", kept(anywhere.blobs, 5)).version == 3
    )  # numbers under the old name stay taken
    with pytest.raises(Conflict, match="already"):
        anywhere.registry.rename("fraud", "scams")


def test_a_served_model_keeps_its_name(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.promote("fraud", 1)
    workspace.serving.deploy("api", "fraud")
    with pytest.raises(Conflict, match="while it is served"):
        workspace.registry.rename("fraud", "scams")
    workspace.serving.undeploy("api")
    assert workspace.registry.rename("fraud", "scams").aliases == {"champion": 1}


def test_foreign_files_are_versions_of_another_kind(workspace: Workspace) -> None:
    made = [
        workspace.registry.adopt("fraud", "runs:/abc/model", run_id="abc", logged_model="m-1") for _ in "ab"
    ]
    assert [each.version for each in made] == [1, 2]  # the same source twice is two versions
    assert (made[0].kind, made[0].source, made[0].logged_model) == ("foreign", "runs:/abc/model", "m-1")
    assert made[0].bundle != made[1].bundle
    assert workspace.registry.made_from(logged_model="m-1") == made[::-1]
    workspace.registry.set_alias("fraud", "staging", 1)
    with pytest.raises(Conflict, match="cannot be staging") as refused:
        workspace.serving.deploy("api", "fraud", alias="staging")
    assert "files of another tool" in refused.value.found
    assert workspace.serving.endpoints() == []


def test_an_endpoint_is_never_given_foreign_files(workspace: Workspace) -> None:
    register(workspace)
    workspace.registry.promote("fraud", 1)
    workspace.serving.deploy("api", "fraud")
    workspace.registry.adopt("fraud", "runs:/abc/model")
    with pytest.raises(Conflict, match="endpoint:api serves it"):
        workspace.registry.promote("fraud", 2)
    assert workspace.registry.alias("fraud").version == 1


def test_search_among_models(anywhere: Workspace) -> None:
    for name in ("Fraud", "fraud", "churn", "a_b", "aXb"):
        anywhere.registry.make(name, tags={"team": "risk" if "raud" in name else "sales"})
    register(anywhere)
    anywhere.registry.promote("fraud", 1)

    def names(*where: Condition, **more: object) -> list[str]:
        return [each.name for each in anywhere.registry.search(where=list(where), **more).models]

    assert names(Condition("name", "like", "fr%")) == ["fraud"]
    assert names(Condition("name", "ilike", "FR%")) == ["Fraud", "fraud"]
    assert names(Condition("name", "like", r"a\_b")) == ["a_b"]
    assert names(Condition("name", "in", ["churn", "nobody"])) == ["churn"]
    assert names(Condition("tag.team", "=", "risk")) == ["Fraud", "fraud"]
    assert names(Condition("tag.team", "!=", "risk"), Condition("name", "!=", "churn")) == ["aXb", "a_b"]
    assert names(Condition("alias", "=", "champion")) == ["fraud"]
    assert names(Condition("tag.tier", "is null", None), Condition("name", "=", "churn")) == ["churn"]
    assert names(order_by=["name desc"]) == ["fraud", "churn", "a_b", "aXb", "Fraud"]
    for bad in (
        Condition("colour", "=", "red"),
        Condition("name", "in", "x"),
        Condition("name", "=", None),
        Condition("at", "=", "soon"),
        Condition("at", "like", "2%"),
    ):
        with pytest.raises((Invalid, NotFound)):
            names(bad)
    with pytest.raises(NotFound):
        names(order_by=["colour"])
    with pytest.raises(Invalid):
        names(order_by=["name sideways"])
    with pytest.raises(Invalid):
        names(limit=0)


ORDERS = [[], ["name desc"], ["at desc"], ["updated_at", "name desc"], ["version desc"], ["run_id desc"]]


def test_pages_go_on_where_the_last_one_ended(anywhere: Workspace) -> None:
    for number in range(7):
        run = "even" if number % 2 == 0 else None
        anywhere.registry.register(f"model {number % 3}", kept(anywhere.blobs, number), run_id=run)
    for turn, order in enumerate(ORDERS):
        whole = anywhere.registry.search_versions(order_by=order).versions
        paged, cursor = [], ""
        while True:
            page = anywhere.registry.search_versions(order_by=order, limit=2, cursor=cursor)
            paged += page.versions
            cursor = page.next
            if not cursor:
                break
            anywhere.registry.register(
                f"late {turn}", kept(anywhere.blobs, f"late {len(paged)}")
            )  # a new one does not shift the rest
        assert [each for each in paged if each.model != f"late {turn}"] == whole, order
        with pytest.raises(Invalid, match="cursor"):
            anywhere.registry.search_versions(order_by=order, cursor="00ff")


SEARCHES = {
    "": "churn fraud loans",
    "name = 'fraud'": "fraud",
    "name like 'f%' or name = \"loans\"": "fraud loans",
    "NOT name LIKE 'f%'": "churn loans",
    "not tags.team = 'risk'": "churn loans",
    "tags.team != 'risk'": "loans",
    "tag.`team` = 'risk'": "fraud",
    "tags.team in ('risk', 'sales') and not (name = 'fraud')": "loans",
    "tags.team not in ('risk')": "loans",
    "tags.team is null": "churn",
    "tags.team is not null and (alias = 'champion' or name like 'lo%')": "fraud loans",
    "at > '2020-01-01T00:00:00Z' and at < '2100-01-01T00:00:00Z'": "churn fraud loans",
    "description is null": "churn fraud loans",
}


def test_searches_in_words(anywhere: Workspace) -> None:
    for name, tags in (("churn", {}), ("fraud", {"team": "risk"}), ("loans", {"team": "sales"})):
        anywhere.registry.make(name, tags=tags)
    register(anywhere)
    anywhere.registry.promote("fraud", 1)
    for text, names in SEARCHES.items():
        assert " ".join(each.name for each in anywhere.registry.search(text).models) == names, text
    found = anywhere.registry.search_versions("version >= 1 and name = 'fraud'", order_by=["-at"]).versions
    assert [each.version for each in found] == [1]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name =", 7),
        ("name 'x'", 6),
        ("name = x", 8),
        ("name = 'x", 8),
        ("name = 'x' and", 15),
        ("(name = 'x'", 12),
        ("name = 'x') ", 11),
        ("name between 'a' and 'b'", 6),
        ("name in ()", 10),
        ("= 'x'", 1),
        ("(" * 100 + "name = 'x'", 61),
    ],
)
def test_a_search_that_says_nothing_is_shown_its_place(workspace: Workspace, text: str, place: int) -> None:
    with pytest.raises(Invalid, match=f"at character {place}:"):
        workspace.registry.search(text)


def test_a_search_with_half_a_character_is_refused(workspace: Workspace) -> None:
    for bad in ("name = 'x\0'", "name = '\ud800'"):
        with pytest.raises(Invalid, match="cannot be kept"):
            workspace.registry.search(bad)


def test_search_among_versions(anywhere: Workspace) -> None:
    register(anywhere, 4)
    anywhere.registry.adopt("fraud", "runs:/7/model", run_id="7", tags={"flavor": "sklearn"})
    anywhere.registry.promote("fraud", 2)

    def numbers(*where: Condition) -> list[int]:
        return [each.version for each in anywhere.registry.search_versions(where=list(where)).versions]

    assert numbers(Condition("kind", "=", "foreign")) == [5]
    assert numbers(Condition("version", ">", 2), Condition("kind", "!=", "foreign")) == [4, 3]
    assert numbers(Condition("source", "like", "runs:/%")) == [5]
    assert numbers(Condition("tag.flavor", "=", "sklearn")) == [5]
    assert numbers(Condition("alias", "=", "champion")) == [2]
    assert numbers(Condition("run_id", "is null", None)) == [4, 3, 2, 1]
    assert numbers(Condition("at", ">", "2020-01-01T00:00:00Z")) == [5, 4, 3, 2, 1]
    with pytest.raises(Invalid):
        numbers(Condition("version", "=", "9" * 40))


def test_letters_beyond_ascii_are_found_as_they_are_written(anywhere: Workspace) -> None:
    register(anywhere, 1)
    anywhere.registry.change("fraud", description="100% Äpfel*")
    for text in ("ilike '%Äpfel%'", "like '%Äpfel*'", "like '100%'"):
        assert [each.name for each in anywhere.registry.search(f"description {text}").models] == ["fraud"], (
            text
        )
    assert anywhere.registry.search("description like '%äpfel%'").models == []
