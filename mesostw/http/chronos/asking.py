"""What Chronos' core is asked with, and what its answers become."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from mesostw.core.chronos.words import ChronosQuestion
from mesostw.core.framework.refusing import Unfit
from mesostw.http.api.asking import Call, Document, answer_of, quoted
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.refusals import refused
from mesostw.http.rendering import JSON, Reply
from mesostw.interfaces import IInbox

#: In which a client says for whom it asks.
ACTOR: Final = "X-Chronos-Actor"
#: Types of content that are JSON.
JSON_TYPES: Final = frozenset({JSON, "application/merge-patch+json"})
#: Characters of ``by`` that are kept.
ACTOR_CHARS_MAX: Final = 100
#: Done, and nothing to say.
NOTHING: Final = Reply(status=204)
LINE_CHARS_MAX: Final = 1_000


async def ask(inbox: IInbox, question: ChronosQuestion, *, is_old: bool) -> Struct | None:
    """
    Have the core answer; who is answered reads their own write.

    :raises ApiRefusal: it does not do it, or is stopping.
    """
    answer = await answer_of(inbox, question)
    if isinstance(answer, Unfit):
        raise refused(answer, is_old=is_old)
    return answer


def document_of(call: Call) -> Document:
    """
    The body as an object.

    :raises ApiRefusal: 400.
    """
    value = call.json()
    if not isinstance(value, dict):
        raise ApiRefusal(400, f"The body is {_kind(value)}: send a JSON object")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else f"'{quoted(str(value))}'"


def actor_of(call: Call) -> str:
    """Who asks: what the client says, else who its credentials are of; empty if unknown."""
    named = (call.headers(ACTOR) or "").strip()
    if named:
        return named[:ACTOR_CHARS_MAX]
    scheme, _, given = (call.headers("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        shown = b64decode(given.strip(), validate=True).decode()
    except ValueError:
        return ""
    return shown.partition(":")[0][:ACTOR_CHARS_MAX]


def whole(call: Call, name: str, default: int, low: int, high: int, status: int = 400) -> int:
    """
    A query parameter as an integer.

    :raises ApiRefusal: ``status``; it is none, or out of range.
    """
    text = call.first(name)
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ApiRefusal(
            status, f"{name} is '{quoted(text)}': give a whole number from {low} to {high}"
        )
    return number


def warnings(ignored: Iterable[str]) -> dict[str, str]:
    """A header that names the fields which were left out of account; none if there are none."""
    names = ", ".join(ignored)
    if not names:
        return {}
    text = "".join(one if " " <= one <= "~" and one not in '"\\' else "?" for one in names)
    return {"Warning": f'299 - "ignored: {text[:LINE_CHARS_MAX]}"'}


def check_type(call: Call) -> None:
    """
    Bodies that are read call themselves JSON, as Chronos always wanted.

    :raises ApiRefusal: 415.
    """
    if not _is_read(call):
        return
    kind = (call.headers("content-type") or "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES:
        shown = f"'{quoted(kind)}'" if kind else "absent"
        raise ApiRefusal(415, f"Content-Type is {shown}: send {JSON}")


#: What the old prefixes read bodies of with ``PUT`` too.
_READ_BY_PUT: Final = frozenset({"iso8601", "dependency", "task"})


def _is_read(call: Call) -> bool:
    if call.words[:1] == ("scheduler",):
        rest = call.words[1:]
    elif call.words[:2] == ("v1", "scheduler"):
        rest = call.words[2:]
    else:
        return call.method in {"POST", "PUT", "PATCH"} and bool(call.body)
    return call.method == "POST" or (
        call.method == "PUT" and rest[:1] <= ("task",) and bool(_READ_BY_PUT.intersection(rest[:1]))
    )


def encoded(value: object) -> bytes:
    """Any value as JSON, on one line."""
    return msgspec.json.encode(value)
