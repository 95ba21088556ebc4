"""The Gaussian copula: columns as normal scores, their correlations, and draws with the same.

A column's values are put in order and read as quantiles of a normal distribution (Nelsen 2006, §2; van der
Waerden scores). Columns of few values have scores that vary less than a normal's, which weakens correlations:
`E[s t] = ρ v w` holds exactly where one of the two is continuous (v, w their variances), and is used for all pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky
from scipy.special import ndtri
from scipy.stats import norm, rankdata

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
MOST = 0.999
ROUNDS = 100
LEAST_EIGENVALUE = 1e-8


def scores_of_numbers(values: Vector) -> Vector:
    """Normal scores of numbers, equal ones alike; NaN stays."""
    known = ~np.isnan(values)
    scores = np.full(len(values), np.nan)
    if known.any():
        scores[known] = ndtri((rankdata(values[known]) - 0.5) / known.sum())
    return scores


def scores_of_levels(codes: NDArray[np.int64], shares: Vector) -> Vector:
    """Normal scores of levels: the mean of a normal within each level's interval; a code of -1 is NaN."""
    edges = ndtri(np.clip(np.concatenate([[0.0], np.cumsum(shares)]), 0.0, 1.0))
    heights = norm.pdf(edges)
    means = (heights[:-1] - heights[1:]) / np.maximum(shares, 1e-12)
    return np.where(codes >= 0, means[np.maximum(codes, 0)], np.nan)


def correlations(scores: Matrix) -> Matrix:
    """The correlations of the normals behind scores, as a valid correlation matrix.

    Args:
        scores: Shape (rows, columns), NaN where missing; each pair of columns is looked at where both are known.
    """
    known = ~np.isnan(scores)
    filled = np.where(known, scores, 0.0)
    counts = known.T.astype(np.float64) @ known
    together = filled.T @ filled
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = (filled**2).sum(axis=0) / known.sum(axis=0)
        found = together / counts / np.outer(variances, variances)
    found = np.clip(np.nan_to_num(found, nan=0.0), -MOST, MOST)
    np.fill_diagonal(found, 1.0)
    return nearest_correlation(found)


def nearest_correlation(matrix: Matrix) -> Matrix:
    """The nearest correlation matrix, by alternating projections (Higham 2002, algorithm 3.3)."""
    if np.linalg.eigvalsh(matrix)[0] >= LEAST_EIGENVALUE:
        return matrix
    current, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(ROUNDS):
        before = current - correction
        values, vectors = np.linalg.eigh(before)
        projected = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
        correction = projected - before
        current = projected.copy()
        np.fill_diagonal(current, 1.0)
        if np.abs(current - projected).max() < LEAST_EIGENVALUE:
            break
    return positive(current)


def positive(matrix: Matrix) -> Matrix:
    """A symmetric matrix with its diagonal kept and no eigenvalue below the least."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    lifted = (vectors * np.maximum(values, LEAST_EIGENVALUE)) @ vectors.T
    size = np.sqrt(np.maximum(np.diag(matrix), 0.0) / np.maximum(np.diag(lifted), 1e-300))
    return lifted * np.outer(size, size)


def draw(generator: np.random.Generator, matrix: Matrix, rows: int) -> Matrix:
    """Normal draws with a covariance, shape (rows, columns)."""
    if not len(matrix):
        return np.empty((rows, 0))
    factor = cholesky(matrix + np.eye(len(matrix)) * 1e-10, lower=True)
    return generator.standard_normal((rows, len(matrix))) @ factor.T


def follow(
    generator: np.random.Generator,
    matrix: Matrix,
    memory: Vector,
    places: NDArray[np.int64],
    owners: NDArray[np.int64],
) -> Matrix:
    """Normal draws in which each row remembers the one before it of the same owner (a stationary vector AR(1)).

    What has a memory of 1 is drawn once for an owner; the rest varies around what that lets expect, with innovations
    `C (1 - φ φᵀ)`, so that correlations within a row stay as given.

    Args:
        generator: Of the draws.
        matrix: The correlations.
        memory: The correlation with the row before, each in [0, 1].
        places: Each row's place among its owner's, from 0; rows are in order of owner and place.
        owners: Each row's owner, numbered from 0.
    """
    still = memory >= MOST
    count = int(owners.max(initial=-1)) + 1
    found = np.empty((len(owners), len(memory)))
    fixed = draw(generator, matrix[np.ix_(still, still)], count)
    found[:, still] = fixed[owners]
    if still.all():
        return found
    cross = matrix[np.ix_(~still, still)]
    weights = np.linalg.solve(matrix[np.ix_(still, still)], cross.T).T if still.any() else cross
    rest = matrix[np.ix_(~still, ~still)] - weights @ cross.T
    kept = memory[~still]
    steps = draw(generator, positive(rest * (1 - np.outer(kept, kept))), len(owners))
    steps[places == 0] = draw(generator, positive(rest), count)
    first = np.flatnonzero(places == 0)
    state = np.zeros((count, len(kept)))
    for place in range(int(places.max(initial=0)) + 1):
        at = first[first + place < len(owners)] + place
        at = at[places[at] == place]
        state[owners[at]] = (state[owners[at]] * kept if place else 0.0) + steps[at]
        steps[at] = state[owners[at]]
    found[:, ~still] = steps + fixed[owners] @ weights.T
    return found
