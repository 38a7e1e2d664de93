"""One agent as the allocator sees it: what it has, who holds what, what is free."""

from __future__ import annotations

from typing import Final

from mesostw.core.allocator.fairness import Client
from mesostw.core.allocator.filters import Filters
from mesostw.model.names import is_within
from mesostw.model.resources import EMPTY, Resources, ResourcesError
from mesostw.model.slots import Slot

#: Capabilities of a framework that decide what it may be offered.
GPU: Final = "GPU_RESOURCES"
REVOCABLE: Final = "REVOCABLE_RESOURCES"
SHARED: Final = "SHARED_RESOURCES"
REFINING: Final = "RESERVATION_REFINEMENT"


class Agent:
    """
    Total, free and taken resources of one agent.

    ``free`` is the total without what is taken.  An agent may come back with
    less than what its tasks hold; it is ``over`` then and free is never negative.
    """

    __slots__ = (
        "active",
        "filters",
        "free",
        "gone",
        "id",
        "lossy",
        "needs",
        "over",
        "plain",
        "queued",
        "ready_at",
        "reserved",
        "taken",
        "total",
    )

    def __init__(self, agent_id: str, total: Resources, active: bool) -> None:
        self.id = agent_id
        self.active = active
        self.taken: dict[Client, Resources] = {}
        self.filters = Filters()
        #: Whether the agent waits to be looked at.
        self.queued = False
        #: Steady seconds before which it is not looked at again.
        self.ready_at = 0.0
        self.gone = False
        self.over = False
        #: Whether somebody holds what was not free: a port held twice is known only once.
        self.lossy = False
        self.total = EMPTY
        self.free = EMPTY
        #: Whether every framework sees the same resources.
        self.plain = True
        #: Roles that something is reserved to, and capabilities that something asks for.
        self.reserved: tuple[str, ...] = ()
        self.needs: tuple[str, ...] = ()
        self.resize(total)

    def resize(self, total: Resources) -> None:
        """Have ``total`` from now on."""
        self.total = total
        slots = [where for where, _ in total.items()]
        self.reserved = tuple(sorted(total.roles()))
        needs = {need for where in slots for need in _needs_of(where)}
        self.needs = tuple(sorted(needs))
        self.plain = not (self.reserved or self.needs)
        self.over = True
        self._refresh()

    @property
    def is_open(self) -> bool:
        """Whether there is anything to offer."""
        return self.active and bool(self.free)

    @property
    def has_gpus(self) -> bool:
        return self.total.scalar("gpus") > 0

    def take(self, client: Client, resources: Resources) -> None:
        """Let ``client`` hold ``resources`` too, even if the agent does not have them."""
        held = self.taken.get(client)
        if held is None:
            self.taken[client] = resources
            client.agents += 1
        else:
            self.taken[client] = held + resources
        fits = self.free.contains(resources)
        if fits and not self.over:
            self.free = self.free - resources
        else:
            self.lossy = self.lossy or not fits
            self._refresh()

    def give_back(self, client: Client, resources: Resources) -> None:
        """Let ``client`` hold ``resources`` no more; it must hold them."""
        held = self.taken.get(client, EMPTY)
        if self.lossy:
            resources = held.overlap(resources)
        try:
            left = held - resources
        except ResourcesError as fault:
            raise ResourcesError(
                f"agent {self.id}: {client.framework} in role {client.role}"
                f" gives back what it does not hold: {fault}"
            ) from None
        if left:
            self.taken[client] = left
        else:
            self.taken.pop(client, None)
            client.agents -= bool(held)
            self.lossy = self.lossy and bool(self.taken)
        if self.over:
            self._refresh()
        else:
            self.free = self.free + resources

    def view(self, client: Client) -> Resources:
        """Tell what of the free resources ``client`` may be offered."""
        if self.plain:
            return self.free
        role, may = client.role, client.may
        return self.free.filtered(
            lambda where: (
                (not where.reservations or is_within(role, where.role))
                and all(need in may for need in _needs_of(where))
            )
        )

    def _refresh(self) -> None:
        """Work out what is free from scratch, and whether the agent is still over."""
        free, self.over = self.total, False
        for held in self.taken.values():
            if free.contains(held):
                free = free - held
            else:
                self.over = True
                free = free - free.overlap(held)
        self.free = free

    def check(self) -> None:
        """Raise ``AssertionError`` if free and taken do not add up to the total."""
        held = EMPTY
        for resources in self.taken.values():
            assert resources, f"{self.id}: somebody holds nothing"
            held = held + resources
        if not self.over:
            assert self.free + held == self.total, f"{self.id}: free and taken are not the total"
        assert self.total.contains(self.free), f"{self.id}: more is free than there is"


def _needs_of(where: Slot) -> tuple[str, ...]:
    """Name the capabilities without which a framework is not offered this slot."""
    if not (where.revocable or where.shared or len(where.reservations) > 1):
        return ()
    asked = (
        (where.revocable, REVOCABLE),
        (where.shared, SHARED),
        (len(where.reservations) > 1, REFINING),
    )
    return tuple(need for wanted, need in asked if wanted)
