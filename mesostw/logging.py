"""
The log of a daemon: structured events, one line each, as text or as JSON.

Shells log with ``twisted.logger``: a constant format and named fields.  As text an event
is one line; what failed follows below it, indented, with its traceback and its story.
As JSON each event is one object, with its fields and all that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

import msgspec
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
)
from twisted.python.failure import Failure
from zope.interface import implementer

#: What ``--logging_level`` may say, in the words of Mesos, and what it is here.
LEVELS: Final = {
    "DEBUG": LogLevel.debug,
    "INFO": LogLevel.info,
    "WARNING": LogLevel.warn,
    "ERROR": LogLevel.error,
}
#: Parts of Twisted that tell at info what only its own developers want to know.
QUIET: Final = (
    "twisted.application",
    "twisted.internet",
    "twisted.web",
    "autobahn",
)
#: The logger of all that have no level of their own.
ROOT_LOGGER: Final = "ROOT"
#: Loggers that may have a level of their own.
LOGGERS_MAX: Final = 1_000
#: Characters that an event's text may have at most; a peer's words may be in it.
TEXT_CHARACTERS_MAX: Final = 4_000

#: Control characters as escapes: what a peer says must not look like another line.
_ESCAPES: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
}


class Levels:
    """
    How much each logger says; it can be changed while it is written.

    :param level: in the words of Mesos, what all say that have no level of their own.
    """

    def __init__(self, level: str = "INFO") -> None:
        self.predicate = LogLevelFilterPredicate(defaultLogLevel=LEVELS[level])
        #: Loggers with a level of their own.
        self._own: dict[str, str] = {}
        if LEVELS[level] is not LogLevel.debug:
            for namespace in QUIET:
                self.set_level(namespace, "warn")

    def levels(self) -> Mapping[str, str]:
        """Level by logger; ``ROOT`` is all that has none of its own."""
        root = self.predicate.logLevelForNamespace("")
        return {ROOT_LOGGER: str(root.name), **self._own}

    def set_level(self, logger: str, level: str) -> None:
        """
        Have ``logger`` and all below it log from ``level`` on.

        :param level: trace (which is debug here), debug, info, warn or error.
        :raises LookupError: there are too many loggers with a level of their own.
        """
        is_root = logger.upper() == ROOT_LOGGER
        if not is_root and logger not in self._own and len(self._own) >= LOGGERS_MAX:
            raise LookupError(f"{LOGGERS_MAX} loggers have a level of their own already")
        wanted = LogLevel.levelWithName("debug" if level == "trace" else level)
        self.predicate.setLogLevelForNamespace("" if is_root else logger, wanted)
        if not is_root:
            self._own[logger] = level


def log_to(
    stream: IO[str],
    *,
    level: str = "INFO",
    as_json: bool = False,
    levels: Levels | None = None,
) -> ILogObserver:
    """
    An observer that writes events of ``level`` and above to ``stream``.

    A daemon gives it to ``globalLogBeginner``, or to ``twistd`` as the application's
    ``ILogObserver``.

    :param levels: what is written, in place of ``level``, by somebody who may change it.
    """
    predicate = (levels or Levels(level)).predicate
    lines = LineObserver(stream, as_json_line if as_json else as_text)
    return FilteringLogObserver(lines, [predicate])


@implementer(ILogObserver)
class LineObserver:
    """Writes each event as ``render`` has it, and at once: a crash must not lose the reason."""

    def __init__(self, stream: IO[str], render: Callable[[LogEvent], str]) -> None:
        self._stream = stream
        self._render = render

    def __call__(self, event: LogEvent) -> None:
        self._stream.write(self._render(event))
        self._stream.flush()


def as_text(event: LogEvent) -> str:
    """``TIME LEVEL WHERE: what``; below it, indented, the traceback of what failed."""
    failure, text = event.get("log_failure"), formatEvent(event)
    head, _, story = text.partition("\n") if failure is not None else (text, "", "")
    line = f"{_time(event)} {_level(event):5} {_place(event)}: {_one_line(head)}\n"
    if isinstance(failure, Failure):
        below = [*story.splitlines(), *failure.getTraceback().splitlines()]
        line += "".join(f"    {_one_line(one)}\n" for one in below)
    return line


def as_json_line(event: LogEvent) -> str:
    """One JSON object: ``time level from text fields failure``."""
    shown: dict[str, object] = {
        "time": _time(event),
        "level": _level(event),
        "from": _place(event),
        "text": formatEvent(event)[:TEXT_CHARACTERS_MAX],
        "fields": {
            name: value
            for name, value in event.items()
            if not name.startswith("log_") and name not in _TWISTED_OWN
        },
    }
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        shown["failure"] = {
            "type": getattr(failure.type, "__name__", str(failure.type)),
            "message": failure.getErrorMessage(),
            "traceback": failure.getTraceback(),
        }
    return msgspec.json.encode(shown, enc_hook=str).decode() + "\n"


#: Fields that Twisted's older logger adds to each of its events.
_TWISTED_OWN: Final = frozenset(
    {"time", "system", "message", "isError", "format", "failure", "why", "printed", "log_io"}
)


def _time(event: LogEvent) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _level(event: LogEvent) -> str:
    level: Any = event.get("log_level", LogLevel.info)
    return str(level.name)


def _place(event: LogEvent) -> str:
    return str(event.get("log_namespace", "-"))


def _one_line(text: str) -> str:
    if len(text) > TEXT_CHARACTERS_MAX:
        text = f"{text[:TEXT_CHARACTERS_MAX]}... ({len(text)} characters)"
    return text.translate(_ESCAPES)
