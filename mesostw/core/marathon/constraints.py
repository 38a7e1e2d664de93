"""
Where an app's instances may be: the operators of its constraints.

Counted are the instances of the app's present configuration that are placed and whose agent
is there; a :class:`Tally` counts them once, and is kept while they are added to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from mesostw.core.framework import patterns
from mesostw.core.framework.places import Place, number_text
from mesostw.core.marathon.records import Instance
from mesostw.model.apps import App, Constraint, Operator

#: The agent itself, for apps of which it has one instance at most; no attribute is called so.
AGENT: Final = "@agent"

_NO_COUNTS: Final[Mapping[str | None, int]] = {}


class Tally:
    """How many counted instances of an app there are by what its constraints look at."""

    __slots__ = ("_counts", "total")

    def __init__(self, fields: Iterable[str]) -> None:
        self._counts: dict[str, Counter[str | None]] = {field: Counter() for field in fields}
        self.total = 0

    def add(self, place: Place) -> None:
        """Count one more instance."""
        self.total += 1
        for field, counts in self._counts.items():
            counts[value_at(place, field)] += 1

    def hold(self, place: Place) -> None:
        """Count an instance on its agent alone."""
        if AGENT in self._counts:
            self._counts[AGENT][place.agent_id] += 1

    def of(self, field: str) -> Mapping[str | None, int]:
        """Counts by the values of a field that anything is at; none is 0."""
        return self._counts.get(field, _NO_COUNTS)


def place_of_instance(instance: Instance) -> Place:
    """Where an instance was placed, as that agent was then."""
    return Place(instance.agent_id, instance.hostname, instance.attributes)


def fields_of(app: App) -> tuple[str, ...]:
    """What a tally of an app counts by."""
    fields = {one.field: None for one in app.spec.constraints}
    if app.spec.every_agent:
        fields[AGENT] = None
    return tuple(fields)


def tally_of(app: App, instances: Iterable[Instance]) -> Tally:
    """
    Count an app's instances.

    Those of other configurations do not matter, but that they are on an agent where there is
    to be one at most.
    """
    tally = Tally(fields_of(app))
    for instance in instances:
        if counts(app, instance):
            tally.add(place_of_instance(instance))
        elif not instance.is_away:
            tally.hold(place_of_instance(instance))
    return tally


def counts(app: App, instance: Instance) -> bool:
    """Whether an instance's place bears on where others may be."""
    return instance.config == app.last_config_change_at and not instance.is_away


def value_at(place: Place, field: str) -> str | None:
    """What a field is at a place."""
    return place.agent_id if field == AGENT else place.value(field)


def refusing(app: App, place: Place, tally: Tally) -> Constraint | None:
    """The first of an app's constraints that does not let an instance go to a place."""
    for constraint in app.spec.constraints:
        if not accepts(constraint, place, tally, app.spec.instances):
            return constraint
    if app.spec.every_agent and tally.of(AGENT).get(place.agent_id, 0):
        return ONE_EACH
    return None


#: What an app with one instance on every agent is bound to besides.
ONE_EACH: Final = Constraint(AGENT, Operator.UNIQUE)


def accepts(constraint: Constraint, place: Place, tally: Tally, instances: int) -> bool:
    """Whether one constraint lets an instance go to a place; ``instances`` are wished."""
    here = value_at(place, constraint.field)
    if here is None:
        return constraint.operator is Operator.UNLIKE
    match constraint.operator:
        case Operator.LIKE | Operator.UNLIKE:
            fits = patterns.fits(constraint.value or "", here)
            return fits is (constraint.operator is Operator.LIKE)
        case Operator.IS:
            wanted = constraint.value or ""
            return here in (wanted, _normal(wanted))
        case _:
            return _counted(constraint, here, tally, instances)


def _counted(constraint: Constraint, here: str, tally: Tally, instances: int) -> bool:
    counted = tally.of(constraint.field)
    match constraint.operator:
        case Operator.UNIQUE:
            return not counted.get(here, 0)
        case Operator.CLUSTER:
            # Without a value the first instance chooses for all.
            fits = constraint.value in (None, "", here)
            return fits and counted.get(here, 0) == tally.total
        case Operator.MAX_PER:
            return counted.get(here, 0) < _whole(constraint.value)
        case Operator.GROUP_BY:
            groups = _whole(constraint.value)
            if groups < 1:
                return _spread(here, counted)
            return _split(here, counted, groups, instances)
        case _:
            raise ValueError(f"{constraint.operator} does not count instances")


def _spread(here: str, counted: Mapping[str | None, int]) -> bool:
    """Evenly over whatever values there are: a new one, or one that has the fewest."""
    count = counted.get(here, 0)
    return not count or count == min(counted.values())


def _split(here: str, counted: Mapping[str | None, int], groups: int, instances: int) -> bool:
    """Evenly over exactly ``groups`` values; the rest of the division goes one each."""
    each, rest = divmod(instances, groups)
    count = counted.get(here, 0)
    if not count and len(counted) >= groups:
        return False
    if count < each:
        return True
    return count == each and sum(one > each for one in counted.values()) < rest


def _whole(value: str | None) -> int:
    return int(value) if value else 0


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    """A number in the form that attributes have; other text as it is."""
    try:
        return text if "_" in text else number_text(float(text))
    except (ValueError, OverflowError):
        return text
