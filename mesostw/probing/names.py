"""
Addresses of names, remembered for a while.

The system's resolver needs a thread for each question; thousands of probes of a few hosts
must not ask it each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from mesostw.interfaces import IClock

#: For how long the addresses of a name are believed.
ADDRESS_AGE_S_MAX: Final = 30.0
#: Names that are remembered; when there are more, all are asked for again.
NAMES_MAX: Final = 10_000

#: Called with an address, or with ``None`` and why there is none.
Resolved: TypeAlias = Callable[[str | None, str], None]


class Names:
    """
    Asks a reactor's resolver, once at a time for each name.

    An IPv4 address is preferred, for that is what services listen on.
    """

    def __init__(self, reactor: Any, clock: IClock) -> None:
        self._reactor, self._clock = reactor, clock
        self._known: dict[str, tuple[float, str]] = {}
        self._asked: dict[str, list[Resolved]] = {}

    def resolve(self, name: str, resolved: Resolved) -> None:
        """Call ``resolved``, in this turn if the address is known."""
        if isIPAddress(name) or isIPv6Address(name):
            resolved(name, "")
            return
        if not _is_name(name):
            resolved(None, f"cannot resolve {name!r}: it is no name of a host")
            return
        known = self._known.get(name)
        if known is not None and self._clock.seconds() - known[0] < ADDRESS_AGE_S_MAX:
            resolved(known[1], "")
        elif name in self._asked:
            self._asked[name].append(resolved)
        else:
            self._asked[name] = [resolved]
            self._reactor.nameResolver.resolveHostName(_Receiver(self._answered, name), name)

    def _answered(self, name: str, addresses: list[str]) -> None:
        address, error = None, f"cannot resolve {name}: no address"
        if addresses:
            address, error = addresses[0], ""
            if len(self._known) >= NAMES_MAX:
                self._known.clear()
            self._known[name] = self._clock.seconds(), address
        for resolved in self._asked.pop(name, ()):
            resolved(address, error)


def _is_name(name: str) -> bool:
    """Whether the reactor's resolver can ask for ``name``; of another it would never answer."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


@implementer(IResolutionReceiver)
class _Receiver:
    """Collects the addresses of one name."""

    def __init__(self, answered: Callable[[str, list[str]], None], name: str) -> None:
        self._answered, self._name = answered, name
        self._found: list[IPv4Address | IPv6Address] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        pass

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv4Address | IPv6Address):
            self._found.append(address)

    def resolutionComplete(self) -> None:
        found = sorted(self._found, key=lambda one: isinstance(one, IPv6Address))
        self._answered(self._name, [one.host for one in found])
