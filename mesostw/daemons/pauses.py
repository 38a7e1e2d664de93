"""
Keep the garbage collector from stopping a daemon that holds much.

A full collection looks at every object that can be in a cycle; with ten thousand agents
that takes longer than the reactor may be blocked.  Nearly all that a daemon holds are
frozen values that are in no cycle (``gc=False``), and what of Twisted is in cycles dies
young, so full collections are made rare and what was there at the start is left out.
"""

from __future__ import annotations

import gc
from typing import Final

#: New objects until a look at the young ones, young looks until one at the older ones, and
#: those until a full one: tens of millions of objects apart.
THRESHOLDS: Final = (50_000, 20, 50)


def keep_pauses_short() -> None:
    """Call when everything that stays is loaded: at the start, and when a standby comes to lead."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
