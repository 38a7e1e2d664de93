"""Amounts of what a task uses, and of what is offered, made for being compared often."""

from __future__ import annotations

from typing import Final, NamedTuple

#: The scalars that a task uses, in the order of :class:`Scalars`.
SCALAR_NAMES: Final = ("cpus", "mem", "disk", "gpus")


class Scalars(NamedTuple):
    """Amounts in thousandths."""

    cpus: int = 0
    mem: int = 0
    disk: int = 0
    gpus: int = 0

    def within(self, others: Scalars) -> bool:
        """Whether each is no more than its other."""
        return (
            self[0] <= others[0]
            and self[1] <= others[1]
            and self[2] <= others[2]
            and self[3] <= others[3]
        )


class Accepts(NamedTuple):
    """Which resources a task may use: those that are reserved to its role, and all others."""

    reserved: bool = True
    unreserved: bool = True


#: The default: whatever is offered.
ANYTHING: Final = Accepts()
