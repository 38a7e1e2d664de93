"""
Frameworks as bits: who is there, who wants offers, who may have what.

Each framework in each role (a client) has a bit of its own in the masks here and
in the filters.  Reviving a framework gives its clients new bits, which forgets
their filters on every agent at once; old bits are swept out of the filters
later, many at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mesostw.core.allocator.agents import GPU, REFINING, REVOCABLE, SHARED
from mesostw.core.allocator.fairness import Client, Fairness
from mesostw.core.allocator.minimums import Minimum

#: Bits given up before filters are swept of them.
RETIRED_BITS_MAX: Final = 64


class Framework:
    """One framework: its clients by role, and what it wants."""

    __slots__ = ("active", "clients", "id", "may", "minimums", "roles", "suppressed")

    def __init__(self, framework_id: str) -> None:
        self.id = framework_id
        #: Roles that it is subscribed to, in its order.
        self.roles: tuple[str, ...] = ()
        #: Roles that it wants no offers for.
        self.suppressed: set[str] = set()
        self.may: frozenset[str] = frozenset()
        self.active = False
        #: Its own smallest offers by role, where not those of the cluster.
        self.minimums: Mapping[str, Minimum] = {}
        #: Also of roles that it has left but still holds something in.
        self.clients: dict[str, Client] = {}

    def wants(self, role: str) -> bool:
        """Whether offers for ``role`` are made."""
        return self.active and role in self.roles and role not in self.suppressed


class Members:
    """All frameworks, and masks of their clients."""

    def __init__(self, fairness: Fairness, minimum: Minimum) -> None:
        self._fairness = fairness
        self._minimum = minimum
        self.frameworks: dict[str, Framework] = {}
        #: Clients that want offers.
        self.eligible = 0
        #: Clients that have a capability.
        self.able: dict[str, int] = dict.fromkeys((GPU, REVOCABLE, SHARED, REFINING), 0)
        #: Clients by the smallest offer that they get.
        self.minimums: dict[Minimum, int] = {minimum: 0}
        #: Bits that nobody has any more but filters may still hold.
        self.retired = 0
        self._retired_count = 0
        self._spare: list[int] = []
        self._bits = 0

    def found(self, framework_id: str, role: str) -> Client | None:
        """Find a client, if it is there."""
        framework = self.frameworks.get(framework_id)
        return None if framework is None else framework.clients.get(role)

    def client(self, framework_id: str, role: str) -> Client:
        """Find a client, or make one: an agent may hold tasks of a framework not yet back."""
        framework = self.frameworks.get(framework_id)
        if framework is None:
            framework = self.frameworks[framework_id] = Framework(framework_id)
        client = framework.clients.get(role)
        if client is None:
            client = framework.clients[role] = Client(framework_id, role)
            client.may = framework.may
            self._fairness.join(client, self._new_bit())
            self._place(framework, client)
        return client

    def update(
        self,
        framework_id: str,
        *,
        roles: Iterable[str],
        suppressed: Iterable[str],
        may: Iterable[str],
        active: bool,
        minimums: Mapping[str, Minimum],
    ) -> None:
        """Note what a framework wants from now on, and forget all that it refused."""
        framework = self.frameworks.get(framework_id)
        if framework is None:
            framework = self.frameworks[framework_id] = Framework(framework_id)
        framework.roles = tuple(roles)
        framework.suppressed = set(suppressed)
        framework.may = frozenset(may)
        framework.active = active
        framework.minimums = dict(minimums)
        self.renew(framework, framework.clients)
        for role in framework.roles:
            self.client(framework_id, role)
        for client in list(framework.clients.values()):
            self.tidy(client)

    def renew(self, framework: Framework, roles: Iterable[str]) -> None:
        """Forget all that a framework refused in ``roles``."""
        for role in list(roles):
            client = framework.clients.get(role)
            if client is not None:
                old = client.mask
                self._displace(client)
                client.may = framework.may
                self._fairness.rename_bit(client, self._new_bit())
                self._retire(old)
                self._place(framework, client)

    def refresh(self, framework: Framework) -> None:
        """Note that a framework was suppressed, revived, deactivated or activated."""
        for client in framework.clients.values():
            self._place(framework, client)

    def drop(self, client: Client) -> None:
        """Forget a client, which holds nothing any more."""
        self._displace(client)
        self._fairness.leave(client)
        self._retire(client.mask)
        del self.frameworks[client.framework].clients[client.role]

    def tidy(self, client: Client) -> None:
        """Forget a client that holds nothing in a role that its framework has left."""
        framework = self.frameworks[client.framework]
        if not client.agents and client.role not in framework.roles:
            self.drop(client)
            if not (framework.clients or framework.roles):
                del self.frameworks[framework.id]

    def swept(self) -> int:
        """Tell the bits to strip from every filter now, 0 if it can wait; they are reused then."""
        if self._retired_count < RETIRED_BITS_MAX:
            return 0
        bits, self.retired, self._retired_count = self.retired, 0, 0
        left = bits
        while left:
            bit = left & -left
            self._spare.append(bit)
            left ^= bit
        return bits

    def check(self) -> None:
        """Raise ``AssertionError`` if a mask is not what the frameworks say."""
        eligible, everyone = 0, 0
        for framework in self.frameworks.values():
            for role, client in framework.clients.items():
                assert client.mask.bit_count() == 1, f"{client.name} has not one bit"
                assert not client.mask & (everyone | self.retired), f"{client.name} shares a bit"
                everyone |= client.mask
                if framework.wants(role):
                    eligible |= client.mask
        assert eligible == self.eligible, "the mask of eligible clients is wrong"
        assert sum(self.minimums.values()) == everyone, "the masks of minimums are wrong"

    def _place(self, framework: Framework, client: Client) -> None:
        """Set the client's bit in each mask where it belongs, clear it elsewhere."""
        bit = client.mask
        self._displace(client)
        if framework.wants(client.role):
            self.eligible |= bit
        for need in self.able:
            if need in client.may:
                self.able[need] |= bit
        minimum = framework.minimums.get(client.role, self._minimum)
        self.minimums[minimum] = self.minimums.get(minimum, 0) | bit

    def _displace(self, client: Client) -> None:
        keep = ~client.mask
        self.eligible &= keep
        for need in self.able:
            self.able[need] &= keep
        for minimum, mask in list(self.minimums.items()):
            if mask & client.mask:
                self.minimums[minimum] = mask & keep
                if not self.minimums[minimum] and minimum != self._minimum:
                    del self.minimums[minimum]

    def _new_bit(self) -> int:
        if self._spare:
            return self._spare.pop()
        self._bits += 1
        return 1 << (self._bits - 1)

    def _retire(self, bit: int) -> None:
        self.retired |= bit
        self._retired_count += 1
