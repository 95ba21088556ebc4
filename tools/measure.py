"""Print how long modules and functions of `src/fettle` are, and the largest import cycle.

    python -m tools.measure

Lengths are text lines; a function's docstring is not counted. The cycle is the largest strongly connected component
of the import graph, function-level imports included, typing-only imports excluded.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import grimp

SOURCE = Path(__file__).resolve().parents[1] / "src" / "fettle"


def module_lengths(source: Path) -> dict[str, int]:
    """Lines of each module."""
    return {
        str(path.relative_to(source)): path.read_text("utf-8").count("\n") for path in source.rglob("*.py")
    }


def function_lengths(source: Path) -> dict[str, int]:
    """Lines of each function without its docstring, by `module.py:name`."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.relative_to(source)}:{node.lineno} {node.name}"] = _length(node)
    return found


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def largest_cycle(package: str = "fettle") -> set[str]:
    """The largest set of modules that all import each other, directly or not; empty if there is no cycle."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    knots = [each for each in _components(edges) if len(each) > 1]
    return max(knots, key=len, default=set())


def _components(edges: dict[str, set[str]]) -> Iterator[set[str]]:
    """Strongly connected components: Kosaraju (1978), by two depth-first walks."""
    order: list[str] = []
    seen: set[str] = set()
    for start in edges:
        order.extend(_walk(start, edges, seen))
    backward: dict[str, set[str]] = {module: set() for module in edges}
    for module, targets in edges.items():
        for target in targets:
            backward[target].add(module)
    seen = set()
    for start in reversed(order):
        component = set(_walk(start, backward, seen))
        if component:
            yield component


def _walk(start: str, edges: dict[str, set[str]], seen: set[str]) -> list[str]:
    """Modules first reached from `start`, each after all it leads to."""
    if start in seen:
        return []
    seen.add(start)
    done: list[str] = []
    stack = [(start, iter(edges[start]))]
    while stack:
        module, rest = stack[-1]
        for target in rest:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(edges[target])))
                break
        else:
            stack.pop()
            done.append(module)
    return done


def _line(what: str, lengths: dict[str, int]) -> str:
    values = sorted(lengths.values())
    p95 = values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]
    longest = max(lengths, key=lambda name: lengths[name])
    median = statistics.median(values)
    return f"{what:9} {len(values):5}   median {median:5.0f}   p95 {p95:4}   max {values[-1]} ({longest})"


def main() -> None:
    print(_line("modules", module_lengths(SOURCE)))
    print(_line("functions", function_lengths(SOURCE)))
    cycle = largest_cycle()
    print(f"largest import cycle: {len(cycle)}" + (f" ({', '.join(sorted(cycle))})" if cycle else ""))


if __name__ == "__main__":
    main()
