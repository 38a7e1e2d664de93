"""
Crontabs as jobs: each line's meaning, or why it has none here.

What cron does is kept: runs may overlap, none is tried again, and what was missed stays
missed.  Lines that differ in nothing but their times are one job with several expressions.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from mesostw.core.chronos.crons import resolved
from mesostw.model.jobs import JobName

#: How late a run may start, in seconds: cron has no notion of late beyond its minute.
DEADLINE_S: Final = 60
#: Letters of a command that a name begins with.
SLUG_CHARS_MAX: Final = 48
HASH_CHARS: Final = 6

_SETTING: Final = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*|"[^"]+"|'[^']+')\s*=\s*(.*)""")
#: Variables that mean something to cron itself; the others are the command's.
_OWN: Final = frozenset({"MAILTO", "CRON_TZ", "SHELL", "MAILFROM", "CONTENT_TYPE"})


@frozen
class Refused:
    """A line that cannot be a job."""

    line: int
    text: str
    why: str


@frozen
class Line:
    """One that can."""

    line: int
    expression: str
    command: str
    user: str
    #: As set above it.
    settings: Mapping[str, str] = field(hash=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What lines of one job have in common."""
        return (self.user, self.command, *sorted(self.settings.items()))


@frozen
class Crontab:
    """What a file comes to."""

    jobs: list[dict[str, Any]]
    refused: list[Refused]


def read(text: str, *, is_system: bool, user: str, zone: str) -> Crontab:
    """
    The jobs of a crontab.

    :param is_system: whether lines name a user after their times, as ``/etc/crontab`` does
    :param user: whom commands of lines without one run as
    :param zone: of times where no ``CRON_TZ`` says another
    """
    lines: dict[tuple[object, ...], list[Line]] = {}
    refused: list[Refused] = []
    for found in _lines(text, is_system, user):
        if isinstance(found, Refused):
            refused.append(found)
        else:
            lines.setdefault(found.key, []).append(found)
    jobs: dict[str, dict[str, Any]] = {}
    for several in lines.values():
        name = _name_of(several[0], jobs)
        jobs[name] = _job(name, several, zone)
    return Crontab(list(jobs.values()), refused)


def _lines(text: str, is_system: bool, user: str) -> Iterator[Line | Refused]:
    settings: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        setting = _SETTING.fullmatch(line)
        if setting is not None:
            settings[_plain(setting[1])] = _plain(setting[2].strip())
            continue
        found = _entry(line, is_system, user)
        if isinstance(found, str):
            yield Refused(number, line, found)
        else:
            yield Line(number, *found, dict(settings))


def _plain(text: str) -> str:
    """Without the quotes around it."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _entry(line: str, is_system: bool, user: str) -> tuple[str, str, str] | str:
    """Times, command and user; or what is wrong."""
    if line.startswith("@reboot"):
        return "a cluster has no boot: start it as an app, or run the job by hand"
    wanted = 1 if line.startswith("@") else 5
    words = line.split(None, wanted + is_system)
    if len(words) <= wanted + is_system:
        return "give five fields (or @daily and the like)" + (
            ", a user and a command" if is_system else " and a command"
        )
    times = " ".join(words[:wanted])
    times = times.lower() if wanted == 1 else times
    try:
        resolved(times, JobName(""))
    except ValueError as fault:
        return str(fault)
    return times, _with_input(words[-1]), words[wanted] if is_system else user


def _with_input(command: str) -> str:
    r"""A command as the shell is given it: after the first ``%`` comes its standard input."""
    parts = [one.replace("\\%", "%") for one in re.split(r"(?<!\\)%", command)]
    if len(parts) == 1:
        return parts[0]
    given = "\n".join(parts[1:]).removesuffix("\n")
    return f"printf '%s\\n' {shlex.quote(given)} | {{ {parts[0].strip()}; }}"


def _name_of(line: Line, known: Mapping[str, object]) -> str:
    """From the command, and a hash of it and the user; of more if that is taken."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", _words_of(line.command)).strip("-").lower()
    slug = words[:SLUG_CHARS_MAX].strip("-") or "job"
    name = f"{slug}-{_hash(line.key[:2])}"
    return f"{slug}-{_hash(line.key)}" if name in known else name


def _words_of(command: str) -> str:
    """The program and its plain arguments, without directories, options and redirections."""
    found = []
    for word in re.split(r"\s+|[;&|<>]+", command):
        if word and not word.startswith("-"):
            found.append(word.rpartition("/")[2] or word)
        if len(found) == 4:
            break
    return " ".join(found)


def _hash(values: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:HASH_CHARS]


def _job(name: str, lines: list[Line], zone: str) -> dict[str, Any]:
    first, settings = lines[0], lines[0].settings
    command, shell = first.command, settings.get("SHELL", "/bin/sh")
    if shell != "/bin/sh":
        command = f"exec {shlex.quote(shell)} -c {shlex.quote(command)}"
    expressions = list(dict.fromkeys(one.expression for one in lines))
    return {
        "name": name,
        "command": command,
        "cron": expressions[0] if len(expressions) == 1 else expressions,
        "scheduleTimeZone": settings.get("CRON_TZ", zone),
        "owner": settings.get("MAILTO", ""),
        "runAsUser": first.user,
        "environmentVariables": [
            {"name": key, "value": value} for key, value in settings.items() if key not in _OWN
        ],
        "retries": 0,
        "concurrency": "allow",
        "catchUp": "none",
        "startingDeadlineSeconds": DEADLINE_S,
        "labels": {"imported-from": "crontab"},
    }
