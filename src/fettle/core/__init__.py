"""The ground floor: nouns that every room needs, without input or output.

Errors that help, ids and digests, the clock, canonical bytes, durations and sizes, configuration keys.
Nothing here opens a file, a socket or a database, so everything above may use it freely.

    >>> from fettle.core import ids
    >>> ids.digest(b"")[:8]
    'af1349b9'
"""
