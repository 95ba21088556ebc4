"""Tables in versions: written so that a change stores little, compared and merged by rows and cells.

from fettle.data.tables.write import write_table        # Parquet cut by content, a digest a row group
from fettle.data.tables.diff import diff_tables         # rows added, removed and changed, with the cells
from fettle.data.tables.merge import merge_tables       # two changes of one table brought together, conflicts listed
"""
