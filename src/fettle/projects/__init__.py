"""Projects: one problem each, declared in `fettle.toml`, solved by a recipe and kept solved by a loop.

Lifecycle: above all rooms that do a part of the work, below the workspace that opens them. The recipe takes a table
to a registered version; endpoint, keeper and pages run as processes; the demonstration replays a real market.

    from fettle.projects.declare import read_project
    from fettle.projects.run import run

    with Workspace.open() as ws:
        solution = run(ws, read_project(Path(".")), Path("."))
"""
