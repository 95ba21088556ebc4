"""Compare runs: side by side, groups over repeated seeds, and which parameter mattered.

`differences` lays 2 to 500 runs beside each other; `contrasts` tests whether groups of runs differ; `importance` asks a
random forest which parameters explain a metric.
"""
