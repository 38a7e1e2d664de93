"""What probes find in a simulation: services that are mostly well, and sometimes are not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from mesostw.core.probes import ProbeSpec
from mesostw.probing.memory import Scripted

#: One of these by chance, at each probe.
MOODS: Final = (
    *(Scripted() for _ in range(5)),
    Scripted(after_s=0.4),
    Scripted(status=503),
    Scripted(error="connection refused"),
    Scripted(after_s=None),
)


def moody(random: Random) -> Callable[[ProbeSpec], Scripted]:
    """A script for ``memory_prober`` in which nobody is always well."""
    return lambda _spec: random.choice(MOODS)
