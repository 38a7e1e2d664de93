"""``/logging``: how much each part of the program logs, and a port to change it by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta, Struct

from mesostw.core.framework.refusing import Fault
from mesostw.http.api.asking import Call, json_reply, quoted
from mesostw.http.api.refusals import INVALID_JSON, ApiRefusal
from mesostw.http.rendering import Reply
from mesostw.interfaces import IClock

LEVELS: Final = ("trace", "debug", "info", "warn", "error")
#: A level that is to go back by itself does so within a day, in seconds.
LEVEL_S_MAX: Final = 86_400
#: The logger of all that have no level of their own.
ROOT_LOGGER: Final = "ROOT"


class LogLevels(Protocol):
    """The levels of a daemon's log."""

    def levels(self) -> Mapping[str, str]:
        """Level by logger; ``ROOT`` is all that has none of its own."""

    def set_level(self, logger: str, level: str) -> None:
        """
        Have ``logger`` log from ``level`` (trace, debug, info, warn, error) on.

        :raises LookupError: it cannot be changed, with the reason.
        """


class NoLevels:
    """Of a log that nobody can change."""

    def levels(self) -> Mapping[str, str]:
        return {}

    def set_level(self, logger: str, level: str) -> None:
        raise LookupError("the levels of this log cannot be changed while it is written")


class Wish(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What ``POST /logging`` asks for, and is answered with."""

    logger: Annotated[str, Meta(min_length=1, max_length=200)]
    level: str
    #: After so many seconds the level is what it was; ``None`` is for good.
    duration_seconds: Annotated[int, Meta(ge=1, le=LEVEL_S_MAX)] | None = None


class LevelsApi:
    """Reading and changing levels."""

    def __init__(self, levels: LogLevels, clock: IClock) -> None:
        self._levels, self._clock = levels, clock
        #: Changes by logger: a level goes back only if nobody has changed it since.
        self._changes: Counter[str] = Counter()

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET /logging``."""
        if words:
            raise ApiRefusal.no_route()
        return json_reply(self._levels.levels())

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``POST /logging``: the answer is what was asked for."""
        if words:
            raise ApiRefusal.no_route()
        wish = _wish(call)
        known = self._levels.levels()
        before = known.get(wish.logger) or known.get(ROOT_LOGGER, "info")
        try:
            self._levels.set_level(wish.logger, wish.level.lower())
        except LookupError as fault:
            raise ApiRefusal(422, f"{quoted(wish.logger)}: {fault.args[0]}") from None
        self._changes[wish.logger] += 1
        if wish.duration_seconds is not None:
            number = self._changes[wish.logger]
            self._clock.callLater(wish.duration_seconds, self._back, wish.logger, number, before)
        return json_reply(wish)

    def _back(self, logger: str, number: int, level: str) -> None:
        if self._changes[logger] == number:
            self._levels.set_level(logger, level.lower())


def _wish(call: Call) -> Wish:
    """
    What the body asks for.

    :raises ApiRefusal: 400 or 422.
    """
    document = {key: value for key, value in call.document().items() if value is not None}
    for key in ("logger", "level"):
        if key not in document:
            missing = (Fault(f"/{key}", ("error.path.missing",)),)
            raise ApiRefusal(422, INVALID_JSON, details=missing)
    try:
        wish = msgspec.convert(document, Wish)
    except msgspec.ValidationError as fault:
        raise ApiRefusal(422, INVALID_JSON, details=(Fault("/", (str(fault),)),)) from None
    if wish.level.lower() not in LEVELS:
        unknown = (Fault("/level", ("error.unknown.enum.literal",)),)
        raise ApiRefusal(422, INVALID_JSON, details=unknown)
    return wish
