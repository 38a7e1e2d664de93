"""``?embed=``: what is shown with an app or a group beside itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

_FAILURES: Final = frozenset({"tasks", "lastTaskFailure", "deployments"})
_APP: Final = frozenset(
    {"tasks", "counts", "deployments", "readiness", "lastTaskFailure", "taskStats"}
)
_GROUP: Final = {"group.groups": "groups", "group.apps": "apps", "group.pods": "pods"}


@attrs.frozen
class AppEmbed:
    """What is shown of an app beside its definition."""

    parts: frozenset[str] = frozenset()
    #: With what only this program has.
    extensions: bool = False

    def has(self, part: str) -> bool:
        return part in self.parts


@attrs.frozen
class GroupEmbed:
    """What is shown of a group."""

    parts: frozenset[str]
    app: AppEmbed

    def has(self, part: str) -> bool:
        return part in self.parts


def app_embed(
    values: Iterable[str], always: Iterable[str] = (), *, extensions: bool = False
) -> AppEmbed:
    """
    Read the values of ``embed``; unknown ones are ignored.

    :param always: what is shown in any case, as clients are used to.
    """
    parts = set(always)
    for value in values:
        name = value.removeprefix("group.").removeprefix("apps.").removeprefix("app.")
        if name == "failures":
            parts |= _FAILURES
        elif name in _APP:
            parts.add(name)
    return AppEmbed(frozenset(parts), extensions)


def group_embed(values: Iterable[str], *, extensions: bool = False) -> GroupEmbed:
    """Read the values of ``embed``; without any, groups, apps and pods are shown."""
    named = tuple(values)
    parts = {_GROUP[one] for one in named if one in _GROUP}
    of_apps = [one for one in named if one.startswith("group.apps.")]
    return GroupEmbed(
        frozenset(parts if named else _GROUP.values()),
        app_embed(of_apps, extensions=extensions),
    )
