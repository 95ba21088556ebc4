"""How many different values there are, estimated in 16 KiB that can be merged (HyperLogLog, 0.8 % standard error).

Source: Flajolet, Fusy, Gandouet and Meunier (2007), HyperLogLog; the estimator without bias corrections is that of
Ertl (2017), New cardinality estimation algorithms for HyperLogLog sketches, algorithm 6.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BITS = 14
REGISTERS = 1 << BITS
RANKS = 64 - BITS

Registers = NDArray[np.uint8]


def registers_of(hashes: NDArray[np.uint64]) -> Registers:
    """The registers of values with these 64-bit hashes; those of a union are `np.maximum` of the two."""
    places = (hashes >> np.uint64(RANKS)).astype(np.int64)
    rest = hashes & np.uint64((1 << RANKS) - 1)
    ranks = RANKS + 1 - np.frexp(rest.astype(np.float64))[1].astype(np.int64)
    seen = np.bincount(places * 64 + ranks, minlength=REGISTERS * 64).reshape(REGISTERS, 64) > 0
    highest = 63 - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen.any(axis=1), highest, 0).astype(np.uint8)


def estimate(registers: Registers) -> int:
    """How many different hashes the registers have seen."""
    counts = np.bincount(registers, minlength=RANKS + 2)
    if counts[0] == REGISTERS:
        return 0
    z = REGISTERS * _tau(1 - counts[RANKS + 1] / REGISTERS)
    for rank in range(RANKS, 0, -1):
        z = 0.5 * (z + counts[rank])
    z += REGISTERS * _sigma(counts[0] / REGISTERS)
    return round(REGISTERS * REGISTERS / (2 * math.log(2)) / z)


def _sigma(x: float) -> float:
    power, result, before = 1.0, x, -1.0
    while result != before:
        x *= x
        before = result
        result += x * power
        power += power
    return result


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    power, result, before = 1.0, 1 - x, -1.0
    while result != before:
        x = math.sqrt(x)
        before = result
        power *= 0.5
        result -= (1 - x) ** 2 * power
    return result / 3
