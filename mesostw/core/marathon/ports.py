"""
Service ports: numbers for load balancers, given to each port that does not ask for one.

A port keeps the number its app had; a new one gets the lowest that no app has, also not one
that is just going.  Numbers that somebody asked for are not checked for being unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.model.apps import App, AppId, AppSpec


class Exhausted(Exception):
    """There are no numbers left; the text says of which range."""


def assigned(
    specs: Mapping[AppId, AppSpec], apps: Mapping[AppId, App], flags: MarathonFlags
) -> dict[AppId, AppSpec]:
    """
    The specs, each port with a number.

    :param specs: what is new or changes
    :param apps: the tree as it is
    :raises Exhausted: every number is in use
    """
    if not any(_is_open(spec) for spec in specs.values()):
        return dict(specs)
    free = _Free(specs.values(), apps, flags)
    return {
        app_id: free.number(spec, apps.get(app_id)) if _is_open(spec) else spec
        for app_id, spec in specs.items()
    }


def _is_open(spec: AppSpec) -> bool:
    return any(port.port == 0 for port in spec.port_definitions)


class _Free:
    """Numbers that nobody has, the lowest first."""

    def __init__(
        self, specs: Iterable[AppSpec], apps: Mapping[AppId, App], flags: MarathonFlags
    ) -> None:
        self._range = range(flags.local_port_min, flags.local_port_max)
        self._next = self._range.start
        self._taken = {port.port for app in apps.values() for port in app.spec.port_definitions}
        self._taken.update(port.port for spec in specs for port in spec.port_definitions)

    def number(self, spec: AppSpec, before: App | None) -> AppSpec:
        """Give each port of an app a number, first those that it had."""
        asked = {port.port for port in spec.port_definitions}
        had = iter(
            port.port
            for port in (() if before is None else before.spec.port_definitions)
            if port.port in self._range and port.port not in asked
        )
        return replace(
            spec,
            port_definitions=tuple(
                port if port.port else replace(port, port=next(had, 0) or self._take())
                for port in spec.port_definitions
            ),
        )

    def _take(self) -> int:
        while self._next in self._taken:
            self._next += 1
        if self._next not in self._range:
            raise Exhausted(
                f"All ports in the range [{self._range.start}-{self._range.stop}) are already "
                "in use"
            )
        self._taken.add(self._next)
        return self._next
