from xml.etree import ElementTree

from fettle.web import graph
from fettle.web.graph import Node


def node(id: str, *after: str) -> Node:
    return Node(id, f"step {id}", "1 s", "ok", f"/{id}", after)


def test_what_takes_stands_right_of_what_gives():
    places = graph.arrange([node("a"), node("b", "a"), node("c", "a", "b"), node("d")])
    assert places["a"][0] == places["d"][0] < places["b"][0] < places["c"][0]
    assert places["a"][1] != places["d"][1]


def test_a_circle_is_drawn_all_the_same():
    places = graph.arrange([node("a", "b"), node("b", "a")])
    assert set(places) == {"a", "b"}


def test_boxes_are_links_and_edges_join_them():
    root = ElementTree.fromstring(str(graph.draw([node("a"), node("b", "a", "gone")], label="two steps")))
    assert [each.get("href") for each in root.iter("a")] == ["/a", "/b"]
    edges = [each for each in root.iter("path") if each.get("class") == "edge"]
    assert [(each.get("data-from"), each.get("data-to")) for each in edges] == [("a", "b")]


def test_hostile_names_stay_text():
    root = ElementTree.fromstring(
        str(graph.draw([Node("<x>", '"><script>', "&", "bad", "/?a=1&b=2")], label="<l>"))
    )
    assert not list(root.iter("script"))
    assert next(root.iter("a")).get("href") == "/?a=1&b=2"
