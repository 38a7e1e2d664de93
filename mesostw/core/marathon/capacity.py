"""
How many instances a rolling change ends and starts, so that it stays inside both limits.

The arithmetic is Marathon's, which decides once, when a change begins.  ``next_move`` decides
from whatever is there at the moment, again and again, so that crashes, lost agents and a
restart of Marathon itself need no cases of their own.

# Note [One above]

With limits that meet (``{1, 0}``) nothing could move: Marathon then goes one above while as
many serve as may be there.  Those that serve are the old healthy ones *and* the new ready
ones; counted by the old ones alone, the change would stop after its first replacement.

# Note [Nothing can move]

If old instances are broken and the limits meet, there is no room for a new one and none too
many that serve.  Waiting for a broken instance of a version that is not wished any more may
be waiting for ever, so that one broken one ends.  One of which nothing is known yet, as after
a restart of Marathon, is not broken.
"""

from __future__ import annotations

import math

from msgspec import Struct

from mesostw.model.apps import UpgradeStrategy

#: Decimals of a count that are no noise of binary fractions: 1.15 x 100 is 115, not 114.999...
_DECIMALS = 6


class Limits(Struct, frozen=True, gc=False):
    """What a change of ``wanted`` instances keeps to."""

    wanted: int
    #: At least so many serve.
    healthy_min: int
    #: At most so many take a place.
    active_max: int

    def active_max_while(self, serving: int) -> int:
        """As ``active_max``, or one more if nothing could move else. See Note [One above]."""
        if self.healthy_min == self.active_max <= serving:
            return self.active_max + 1
        return self.active_max


def limits_of(wanted: int, strategy: UpgradeStrategy) -> Limits:
    """Read shares as counts: at least is rounded up, at most is rounded down."""
    least = round(wanted * strategy.minimum_health_capacity, _DECIMALS)
    most = round(wanted * (1.0 + strategy.maximum_over_capacity), _DECIMALS)
    return Limits(wanted, math.ceil(least), math.floor(most))


class Standing(Struct, frozen=True, kw_only=True, gc=False):
    """How far a change is. What is on its way out is ``dying`` and nothing else."""

    #: Of former configurations, by what is known of them.
    old_healthy: int = 0
    old_unknown: int = 0
    old_broken: int = 0
    #: Of the wished configuration, whether or not they serve yet.
    fresh: int = 0
    #: Those of them that serve.
    ready: int = 0
    #: Of any configuration; they take their places until they have ended.
    dying: int = 0

    @property
    def old(self) -> int:
        """Old ones that nobody has ended yet."""
        return self.old_healthy + self.old_unknown + self.old_broken

    @property
    def serving(self) -> int:
        return self.old_healthy + self.ready

    @property
    def active(self) -> int:
        """Everything that takes a place."""
        return self.old + self.fresh + self.dying


class Move(Struct, frozen=True, gc=False):
    """What to do now; old ones end broken first, then unknown, then healthy."""

    kill_old: int
    kill_fresh: int
    #: So many new ones are to be launched in all, those that wait for an offer included.
    launch: int


def _launch(limits: Limits, standing: Standing) -> int:
    room = limits.active_max_while(standing.serving) - standing.active
    return max(0, min(limits.wanted - standing.fresh, room))


def next_move(limits: Limits, standing: Standing) -> Move:
    """
    Decide what to do from any standing.

    Old ones end while more serve than must, and one for each new one that serves.
    """
    spare = standing.serving - limits.healthy_min
    replaced = standing.old + standing.ready - limits.wanted
    kill_old = min(standing.old, max(0, spare, replaced))
    launch = _launch(limits, standing)
    is_still = not (kill_old or launch or standing.dying or standing.fresh > standing.ready)
    if is_still and standing.old_broken:
        # See Note [Nothing can move].
        kill_old = 1
    return Move(kill_old, max(0, standing.fresh - limits.wanted), launch)


def is_done(limits: Limits, standing: Standing) -> bool:
    """Whether all that serve are new, as many as are wished, and no other takes a place."""
    return standing.ready == standing.fresh == limits.wanted == standing.active
