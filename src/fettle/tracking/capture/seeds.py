"""Seeds of random numbers: set them all at once, and find those that were set."""

from __future__ import annotations

import os
import random
import sys

from fettle.tracking import given
from fettle.tracking.context import active_run

_set: dict[str, int] = {}
_NUMPY_MOST = 2**32


def seed(number: int) -> int:
    """Seed `random`, and numpy, torch (with its cards) and TensorFlow if they are imported; record it with the run.

    A library that is imported later seeds itself; call it again then. Sorting by hash depends on `PYTHONHASHSEED`,
    which only the environment sets.

    Args:
        number: The seed, a whole number from 0 to 2^63 - 1; numpy takes it modulo 2^32.

    Returns:
        The seed, for generators of your own: `rng = numpy.random.default_rng(fettle.seed(7))`.
    """
    number = given.whole("A seed", number)
    random.seed(number)
    _set["random"] = number
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(number % _NUMPY_MOST)  # the generator that libraries without one of their own use
        _set["numpy"] = number % _NUMPY_MOST
    if torch := sys.modules.get("torch"):
        torch.manual_seed(number)
        _set["torch"] = number
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.random.set_seed(number)
        _set["tensorflow"] = number
    run = active_run()
    if run is not None:
        run.tag({f"seed.{name}": value for name, value in _set.items()})
    return number


def found() -> dict[str, str]:
    """Tags `seed.…` with the seeds that are known: set by `seed`, or by the user where the library can tell."""
    seeds: dict[str, int | str] = dict(_set)
    hashes = os.environ.get("PYTHONHASHSEED")
    if hashes:
        seeds["hash"] = hashes
    numpy = _numpy()
    if numpy is not None:
        seeds["numpy"] = numpy
    torch = sys.modules.get("torch")
    if torch is not None and callable(getattr(torch, "initial_seed", None)):
        seeds["torch"] = int(torch.initial_seed())
    return {f"seed.{name}": str(value) for name, value in seeds.items()}


def _numpy() -> int | None:
    """The seed of numpy's global generator, if it was seeded with a number and nothing was drawn since.

    The first word of the state of a freshly seeded MT19937 is the seed; it is taken only if seeding with it gives
    the same state (Matsumoto and Nishimura 1998, init_genrand).
    """
    random_module = sys.modules.get("numpy.random")
    if random_module is None:
        return None
    state = random_module.get_state()
    if state[0] != "MT19937" or state[2] != 624:
        return None
    first = int(state[1][0])
    again = random_module.RandomState(first).get_state()
    return first if (again[1] == state[1]).all() else None
