"""A request to a framework's API as plain values, and how its core is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qs, unquote

import attrs
import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as AnswerLate
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request
from zope.interface import implementer

from mesostw.core.framework.refusing import Fault
from mesostw.core.outcome import Refusal
from mesostw.http.api.refusals import INVALID_JSON, ApiRefusal
from mesostw.http.errors import STATUS_OF
from mesostw.http.rendering import JSON, Reply
from mesostw.interfaces import GivenUp, IInbox

#: The core has so long to answer, with all that it has to keep before, in seconds.
ANSWER_TIMEOUT_S: Final = 30.0
#: Characters of a client's own text that come back in an error.
QUOTED_CHARACTERS_MAX: Final = 200

#: A JSON object as it came.
Document: TypeAlias = Mapping[str, object]

encode: Final = msgspec.json.Encoder().encode


@attrs.frozen(kw_only=True)
class Call:
    """What was asked, without the request it came in."""

    method: str
    #: Every part of the path, unescaped; empty ones are dropped.
    words: tuple[str, ...]
    arguments: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    headers: Callable[[str], str | None] = lambda name: None
    body: bytes = b""
    client_ip: str = ""
    #: The path as it came.
    uri: str = ""

    def flag(self, name: str, default: bool = False) -> bool:
        """A yes or no of the query, in any case: Python's clients send ``True``."""
        text = self.first(name)
        return default if not text else text.lower() == "true"

    def first(self, name: str) -> str:
        """The first value of a query parameter, or nothing."""
        return next(iter(self.arguments.get(name, ())), "")

    def all_of(self, *names: str) -> tuple[str, ...]:
        """Every value of query parameters."""
        return tuple(one for name in names for one in self.arguments.get(name, ()))

    @property
    def extensions(self) -> bool:
        """Whether the client wants what only this program has."""
        return self.flag("extensions")

    def accepts(self, kind: str) -> bool:
        """Whether the client names a type of content among those that it takes."""
        accept = self.headers("accept") or ""
        return kind in {one.split(";")[0].strip().lower() for one in accept.split(",")}

    # --- the body -------------------------------------------------------------

    def json(self) -> object:
        """
        The body, decoded; what type of content it calls itself does not matter.

        :raises ApiRefusal: 400, it is no JSON.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise ApiRefusal(400, INVALID_JSON, details=str(fault)) from None

    def document(self) -> Document:
        """
        The body as an object.

        :raises ApiRefusal: 400 or 422.
        """
        return object_of(self.json(), "/")

    def documents(self) -> tuple[Document, ...]:
        """
        The body as an array of objects.

        :raises ApiRefusal: 400 or 422.
        """
        value = self.json()
        if not isinstance(value, list):
            raise _malformed("/", "error.expected.jsarray")
        return tuple(object_of(one, f"/({index})") for index, one in enumerate(value))


def call_of(request: Request) -> Call:
    """The plain form of a request."""
    path, _, query = request.uri.partition(b"?")
    # Not ``request.args``: they have what a body says too, if it calls itself a form.
    named = parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True)
    arguments = {name: tuple(values) for name, values in named.items()}
    peer = request.getClientAddress()
    return Call(
        method=request.method.decode("ascii", "replace"),
        words=words_of(path.decode("utf-8", "replace")),
        arguments=arguments,
        headers=request.getHeader,
        body=request.content.read() if request.content is not None else b"",
        client_ip=str(getattr(peer, "host", "")),
        uri=path.decode("utf-8", "replace"),
    )


def words_of(path: str) -> tuple[str, ...]:
    """The parts of a path; clients put ``//`` before ids that begin with a slash."""
    return tuple(word for word in (unquote(one) for one in path.split("/")) if word)


def quoted(text: str) -> str:
    """A client's own text as it may come back."""
    return text[:QUOTED_CHARACTERS_MAX]


def object_of(value: object, path: str) -> Document:
    """
    ``value`` as a JSON object.

    :raises ApiRefusal: 422 with its place.
    """
    if not isinstance(value, dict):
        raise _malformed(path, "error.expected.jsobject")
    return value


def _malformed(path: str, error: str) -> ApiRefusal:
    return ApiRefusal(422, INVALID_JSON, details=(Fault(path, (error,)),))


# --- answers ------------------------------------------------------------------


@implementer(IInbox)
class Patient:
    """
    A way to a core that does not wait for ever.

    What is asked may be done all the same: a store that hangs may come back.
    """

    def __init__(self, inbox: IInbox, clock: IReactorTime) -> None:
        self._inbox, self._clock = inbox, clock

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        asked: Deferred[Struct | None] = self._inbox.ask(question)
        return asked.addTimeout(ANSWER_TIMEOUT_S, self._clock)

    def tell(self, stimuli: Sequence[object]) -> None:
        self._inbox.tell(stimuli)

    def has_room(self, resume: Callable[[], None]) -> bool:
        return bool(self._inbox.has_room(resume))


async def answer_of(inbox: IInbox, question: Struct) -> Struct | None:
    """
    Have the core answer; an ``Unfit`` is for who asks to put into words.

    :raises ApiRefusal: it is stopping, or does not answer.
    """
    try:
        answer = await inbox.ask(question)
    except GivenUp as fault:
        raise ApiRefusal(503, str(fault)) from None
    except AnswerLate:
        text = f"Not answered within {ANSWER_TIMEOUT_S:.0f} s; it may be done all the same."
        raise ApiRefusal(503, text) from None
    if isinstance(answer, Refusal):
        raise ApiRefusal(STATUS_OF.get(answer.reason, 400), answer.message)
    return answer


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply of any value that can be written as JSON."""
    return Reply(encode(value), JSON, status, headers or {})


def unexpected(answer: object) -> TypeError:
    """The core gave an answer that nobody asked for: a bug."""
    return TypeError(f"the core answered {type(answer).__name__}")
