"""The command line: every act as a command, and a few commands for the user's day.

Lifecycle: the top of the house; it only calls what is below. `fettle registry promote MODEL VERSION` is derived from
the act `registry.promote`; `demo`, `up`, `run`, `serve`, … are thin hands on `fettle.projects` and `fettle.server`.

    fettle demo                          # the whole loop on real data
    fettle up churn.csv --target churned # your file: trained, served, watched
    fettle status                        # what runs, what alarms
    fettle registry models --json        # any act, for a program

Data goes to stdout, progress and errors to stderr; exit codes are listed in docs/reference/exit-codes.md.
"""
