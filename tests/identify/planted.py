"""Planted bugs and sound variants by their ids, and their cards."""

from __future__ import annotations

from functools import cache

from bncheck.identify.identifying import identified
from bncheck.identify.measurement import Card
from bncheck.loading import load
from bncheck.planted.bug import Bug, Sound
from bncheck.planted.catalogue import BUGS, SOUND

PLANTED: dict[str, Bug | Sound] = {**{each.id: each for each in BUGS}, **{each.id: each for each in SOUND}}


@cache
def card_of(id_: str) -> Card:
    """Without the numeric profile."""
    return identified(load(PLANTED[id_].make()), sweeps=False)
