"""Recognisers: what tells an e-mail address from a version number, a card from a random number, a name from a city.

Each module has one family of kinds; `ALL` has them together. The scoring is in `fettle.privacy.scan`.
"""

from __future__ import annotations

from fettle.privacy.recognisers.forms import Recogniser
from fettle.privacy.recognisers.identities import IDENTITIES
from fettle.privacy.recognisers.money import MONEY
from fettle.privacy.recognisers.network import NETWORK
from fettle.privacy.recognisers.people import PEOPLE
from fettle.privacy.recognisers.phones import PHONES
from fettle.privacy.recognisers.places import PLACES
from fettle.privacy.recognisers.things import THINGS

ALL: tuple[Recogniser, ...] = (*NETWORK, *MONEY, *IDENTITIES, *PHONES, *PEOPLE, *PLACES, *THINGS)

__all__ = ["ALL", "Recogniser"]
