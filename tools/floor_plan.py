"""An import contract for one room: errands over acts over work over store over records.

import-linter's own layers want every module of a layer named. A room's work modules are named by what they do,
so here they are whatever is not one of the named floors. Function-level imports count.
"""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules

FLOORS = {"records": 0, "store": 1, "acts": 3, "errands": 4}
WORK = 2


class FloorPlan(Contract):
    """Within each room a module imports only modules of its own floor or below; acts stay on top.

    Configuration options:
        - rooms: The packages with this floor plan; wildcards allowed. A room need not have every floor.
    """

    type_name = "floor_plan"

    rooms = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every import within a room that goes up a floor."""
        rooms = module_expressions_to_modules(graph, self.rooms, as_packages=False)  # type: ignore[arg-type]  # a field is typed as itself, its value is a set
        climbs = [climb for room in sorted(each.name for each in rooms) for climb in _climbs(graph, room)]
        return ContractCheck(kept=not climbs, metadata={"climbs": climbs})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that goes up."""
        for importer, imported, lines in check.metadata["climbs"]:
            output.print_error(f"{importer} -> {imported} (lines {lines}): upward in its room", bold=False)


def _climbs(graph: ImportGraph, room: str) -> list[tuple[str, str, str]]:
    found = []
    inside = graph.find_descendants(room)
    for importer in sorted(inside):
        for imported in sorted(graph.find_modules_directly_imported_by(importer) & inside):
            if _floor(room, importer) < _floor(room, imported):
                details = graph.get_import_details(importer=importer, imported=imported)
                found.append((importer, imported, ", ".join(str(each["line_number"]) for each in details)))
    return found


def _floor(room: str, module: str) -> int:
    child = module.removeprefix(f"{room}.").split(".")[0]
    return FLOORS.get(child, WORK)
