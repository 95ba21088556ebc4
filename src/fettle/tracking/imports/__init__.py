"""Runs that were kept by other tools come here: MLflow stores, TensorBoard, Weights & Biases, Aim, CSV.

A reader a tool gives `ForeignRun`s; `bring` carries them over. What an earlier import brought is not brought twice.
"""
