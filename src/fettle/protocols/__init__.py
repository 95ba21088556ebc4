"""Other tools' protocols, answered from this workspace.

A protocol translates requests of another tool's clients into acts and the records into that tool's words. It keeps
nothing of its own: what such a client logs is a run like any other.
"""
