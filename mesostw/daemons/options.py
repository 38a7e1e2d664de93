"""
Flags with the names they have in Mesos, from the command line or the environment.

A daemon lists its :class:`Flag`s; :class:`FlagOptions` reads ``--name value``,
``--name=value``, for booleans also ``--no-name``, and else ``<PREFIX>_<NAME>``
from the environment; ``--help`` says each default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import frozen
from twisted.python import usage

from mesostw.model import units


@frozen
class Flag:
    """One flag: how it is called, what it means, and how its text is read."""

    name: str
    doc: str
    #: The text that counts when nothing is given; ``None`` if the flag is then unset.
    default: str | None = None
    #: Turns text into the value; raises ``ValueError`` with words for the person.
    read: Callable[[str], Any] = str
    required: bool = False
    #: The text as it may be shown, where a part of it may be a password.
    masked: Callable[[str], str] = str
    #: Told to nobody: a password, or as good as one.
    secret: bool = False

    def said(self, source: str, text: str) -> str:
        """How it was given, in words for whoever gave it."""
        return source if self.secret else f"{source}={self.masked(text)}"


def duration(text: str) -> float:
    """Seconds from a text like ``10secs``."""
    return units.duration(text)


def size(text: str) -> int:
    """Bytes from a text like ``2GB``."""
    return units.size(text)


def boolean(text: str) -> bool:
    """``true`` or ``false``."""
    value = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if value is None:
        raise ValueError("give true or false")
    return value


def port(text: str) -> int:
    """A TCP port; 0 is any free one."""
    if not text.isdigit() or int(text) > 65535:
        raise ValueError("give a port from 0 to 65535")
    return int(text)


def count(text: str) -> int:
    """A whole number from 0."""
    if not text.isdigit():
        raise ValueError("give a whole number")
    return int(text)


def file_text(text: str) -> str:
    """The text itself, or what a file has: ``/path`` or ``file:///path``."""
    path = text.removeprefix("file://")
    if not path.startswith("/"):
        return text
    try:
        with open(path, encoding="utf-8") as source:
            return source.read()
    except OSError as fault:
        raise ValueError(f"cannot read it: {fault.strerror}") from fault


class FlagOptions(usage.Options):
    """What ``twistd`` parses; a daemon's class sets :attr:`flags` and the prefix."""

    flags: ClassVar[Sequence[Flag]] = ()
    #: What Twisted's parser reads, made of :attr:`flags`.
    optParameters: ClassVar[list[list[Any]]]
    optFlags: ClassVar[list[list[Any]]]
    prefix: ClassVar[str] = "MESOS"
    #: A stand-in for ``os.environ``, for tests.
    environment: ClassVar[Mapping[str, str]] = os.environ

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.optParameters = [[flag.name, None, None, _doc(flag)] for flag in cls.flags]
        cls.optFlags = [
            [f"no-{flag.name}", None, f"The same as --{flag.name}=false."]
            for flag in cls.flags
            if flag.read is boolean
        ]

    def postOptions(self) -> None:
        """Fill in from the environment, then from the defaults, and read every text."""
        self._texts: dict[str, str] = {}
        #: Names of the flags that are set.
        self.given: set[str] = set()
        for flag in self.flags:
            text = self[flag.name]
            source = f"--{flag.name}"
            if self.opts.pop(f"no-{flag.name}", 0):
                text = "false"
            if text is None:
                source = f"{self.prefix}_{flag.name.upper()}"
                text = self.environment.get(source)
            if text is None:
                source = f"--{flag.name}"
                text = flag.default
            if text is None and flag.required:
                raise usage.UsageError(f"--{flag.name} must be given: {flag.doc}")
            self[flag.name] = None if text is None else _read(flag, source, text)
            if text is None:
                continue
            self.given.add(flag.name)
            if not flag.secret:
                self._texts[flag.name] = flag.masked(text)

    def shown(self) -> dict[str, str]:
        """Every set flag as it was given or defaulted, for others to see: no secrets."""
        return dict(self._texts)


def _doc(flag: Flag) -> str:
    if flag.required:
        return f"{flag.doc} (required)"
    return flag.doc if flag.default is None else f"{flag.doc} (default: {flag.default})"


def _read(flag: Flag, source: str, text: str) -> object:
    try:
        return flag.read(text)
    except ValueError as fault:
        raise usage.UsageError(f"{flag.said(source, text)}: {fault}") from fault


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of one of ``words``, in the case they have here."""

    def read(text: str) -> str:
        for word in words:
            if word.lower() == text.lower():
                return word
        raise ValueError("give one of " + ", ".join(words))

    return read


#: Flags that every daemon has.
COMMON: Final = (
    Flag("ip", "Address to listen on; beyond loopback only when told.", "127.0.0.1"),
    Flag("hostname", "Name that others reach this machine by; the ip if not given."),
    Flag(
        "log_format",
        "How log lines look: text, or json (one object a line).",
        "text",
        one_of("text", "json"),
    ),
    Flag(
        "logging_level",
        "The least that is logged: DEBUG, INFO, WARNING or ERROR.",
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
)
