"""What is done to a column, a module a kind: each takes a series and a rule and gives a series of the same length.

Missing values stay missing. Nothing here knows a workspace; keys are handed in.
"""
