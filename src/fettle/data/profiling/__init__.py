"""Profile a table: sketches of columns that can be merged, what two columns have in common, and how it is shown."""
