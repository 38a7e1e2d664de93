"""Rules of the parts of a job that need nothing but themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import asdict

from mesostw.core.chronos.drafts import JobDraft, Variable
from mesostw.core.framework import patterns
from mesostw.core.framework.faults import Faults
from mesostw.model.jobs import (
    NAME_CHARS_MAX,
    NAME_PATTERN,
    Channel,
    Constraint,
    Fetch,
    Hook,
    Operator,
)

#: Of any text in a job, in UTF-8: a command has to fit beside others into one message.
TEXT_BYTES_MAX: Final = 64 * 1024
#: Of all texts of a job: it is one record of the store, which is kept with its versions.
JOB_BYTES_MAX: Final = 512 * 1024
LABELS_MAX: Final = 100
HOOKS_MAX: Final = 100
#: Amounts of anything above are a slip of the keyboard.
AMOUNT_MAX: Final = 1e9
#: Delays are at most so long: a hundred years.
SECONDS_MAX: Final = 3.2e9

_CONSTRAINT_PARTS: Final = 3
_LONG: Final = frozenset({"cpus", "mem", "disk"})


def name_fault(name: str) -> str | None:
    """What is wrong with a job's name; ``None`` if it is one."""
    if not re.fullmatch(NAME_PATTERN, name) or set(name) <= {".", " "}:
        return f"'{name:.200}' is no name: use letters, digits, blanks and any of _ - . #"
    if len(name) > NAME_CHARS_MAX:
        return f"has {len(name)} characters: at most {NAME_CHARS_MAX}"
    return None


def sizes(draft: JobDraft, faults: Faults) -> None:
    """No text is too long or has what no program can be given; no number is out of the world."""
    total = 0
    for field, value in asdict(draft).items():
        path = "/" + _path_of(field)
        if isinstance(value, float):
            limit = AMOUNT_MAX if field in _LONG else SECONDS_MAX
            if not isfinite(value) or value > limit:
                faults.add(path, f"is {value:g}: at most {limit:g}")
        for text in _texts_in(value):
            total += _size_of(text, path, faults)
    if total > JOB_BYTES_MAX:
        faults.add("", f"has {total} bytes of text: at most {JOB_BYTES_MAX}")


def _path_of(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(other.capitalize() for other in others)


def _texts_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from _texts_in(tuple(value.items()))
        case tuple():
            for one in value:
                yield from _texts_in(one)
        case Hook() | Variable() | Fetch():
            yield from _texts_in(tuple(asdict(value).values()))
        case _:
            pass


def _size_of(text: str, path: str, faults: Faults) -> int:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        faults.add(path, "has half a character: write it in whole ones")
        return 0
    if "\0" in text:
        faults.add(path, "has a character of code 0: leave it out")
    if size > TEXT_BYTES_MAX:
        faults.add(path, f"has a text of {size} bytes: at most {TEXT_BYTES_MAX}")
    return size


def constraints_of(given: tuple[tuple[str, ...], ...], faults: Faults) -> tuple[Constraint, ...]:
    """Constraints with their operators known and their patterns fit to be matched."""
    found = (_constraint_of(one, f"/constraints({at})", faults) for at, one in enumerate(given))
    return tuple(one for one in found if one is not None)


def _constraint_of(given: tuple[str, ...], path: str, faults: Faults) -> Constraint | None:
    if len(given) != _CONSTRAINT_PARTS:
        faults.add(path, f"has {len(given)} parts: give attribute, operator and value")
        return None
    attribute, word, value = given
    if word.upper() not in Operator.__members__:
        known = ", ".join(Operator.__members__)
        faults.add(path, f"its operator '{word:.100}' is none of {known}")
        return None
    operator = Operator[word.upper()]
    if operator is not Operator.EQUALS and (wrong := patterns.fault_of(value)) is not None:
        faults.add(path, f"'{value:.200}' is no pattern: {wrong}")
    return Constraint(attribute, operator, value)


def variables(given: tuple[Variable, ...], faults: Faults) -> None:
    """Names that an environment can have."""
    for at, one in enumerate(given):
        if "=" in one.name:
            faults.add(f"/environmentVariables({at})/name", f"'{one.name:.100}' must not have a =")


def labels(given: dict[str, str], faults: Faults) -> None:
    """Not too many."""
    if len(given) > LABELS_MAX:
        faults.add("/labels", f"has {len(given)}: at most {LABELS_MAX}")


def hooks(given: tuple[Hook, ...], faults: Faults) -> None:
    """Addresses of mail and of the web, as far as one can see."""
    if len(given) > HOOKS_MAX:
        faults.add("/hooks", f"has {len(given)}: at most {HOOKS_MAX}")
    for at, hook in enumerate(given):
        if (wrong := _target_fault(hook)) is not None:
            faults.add(f"/hooks({at})/target", f"'{hook.target:.200}' {wrong}")


def _target_fault(hook: Hook) -> str | None:
    if hook.channel is Channel.MAIL:
        before, _, after = hook.target.rpartition("@")
        fits = before and after and hook.target.isprintable() and " " not in hook.target
        return None if fits else "is no address of mail, as somebody@example.org"
    try:
        url = urlsplit(hook.target)
        fits_web = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        fits_web = False
    return None if fits_web else "is no URL that begins with http:// or https://"
