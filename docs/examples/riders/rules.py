"""What the notes of the desk say about leaving."""

RULES = [
    "note LIKE '%cancel%' -> leave",
    "note LIKE '%moving%' -> leave",
    "note LIKE '%expensive%' -> leave",
    "note LIKE '%money back%' -> leave",
    "note LIKE '%renewed%' -> stay",
    "note LIKE '%loves%' -> stay",
    "note LIKE '%friend%' -> stay",
]
