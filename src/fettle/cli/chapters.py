"""In which order a room with many commands shows them: what is used every day first, what completes others last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PLUMBING = "Done by other commands"
OTHERS = "Others"

CHAPTERS: Mapping[str, Mapping[str, str]] = {
    "data": {
        "Every day": "ingest datasets show log diff cat ls get profile check split clean push pull",
        "Folders and files": "add status commit checkout restore rm import references materialise hooks-install "
        "trust-hooks",
        "Branches, tags and history": "branch tag refs merge revert blame moves derived reset delete-branch delete-tag",
        "Quality": "compare schema validate accept expect checks add-check remove-check check-history "
        "import-checks skew",
        "Preparation": "alike leakage synthesize scan-privacy anonymity decrypt",
        "Keeping and protecting": "gc fsck retain retentions hold release holds protect unprotect protections hook "
        "unhook hooks",
        PLUMBING: "profile-of schema-of set-checks record-checks",
    },
    "tracking": {
        "Every day": "runs show search compare sync import export",
        "Look closer": "group contrast importance table series curves history using runs-of views save-view drop-view",
        "One run": "start log set note use artifact finish delete restore archive unarchive",
        "Experiments": "experiments experiment make-experiment change-experiment delete-experiment restore-experiment "
        "quota set-quota gc",
        "Together": "comment comments edit-comment drop-comment mentions pin pins unpin share link",
        "Reports": "reports report write-report drop-report",
        PLUMBING: "append received",
    },
    "registry": {
        "Every day": "models versions show find compare promote rollback download",
        "Models": "register adopt make model change rename search search-versions change-version made-from differences "
        "edits",
        "Aliases": "alias set-alias remove-alias history protect unprotect protections",
        "Approvals": "approvals request-approval approve withdraw reject",
        "Keeping": "verify hold holds release delete-version delete removed",
        PLUMBING: "stage",
    },
}
"""Room → chapter → its commands in order. A room that is not here is shown in one chapter, as it is declared."""


def places(room: str, commands: Iterable[tuple[str, bool]]) -> dict[str, tuple[str, int]]:
    """The chapter and place of each command of a room; an empty chapter where the room has none.

    Args:
        room: The room.
        commands: Names of commands in the order they are declared, each with whether it only completes others.
    """
    listed = {
        name: (chapter, place)
        for chapter, names in CHAPTERS.get(room, {}).items()
        for place, name in enumerate(names.split())
    }
    usual = OTHERS if room in CHAPTERS else ""
    return {
        name: listed.get(name, (PLUMBING if plumbing else usual, len(listed) + at))
        for at, (name, plumbing) in enumerate(commands)
    }
