"""A request to Marathon's API as plain values, and how its core is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, unquote

import attrs
import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as AnswerLate
from twisted.internet.interfaces import IReactorTime
from twisted.web.server import Request
from zope.interface import implementer

from mesostw.core.marathon.history import stamp_from
from mesostw.core.marathon.words import (
    Document,
    Fault,
    MarathonQuestion,
    Planned,
    Terms,
    Unfit,
)
from mesostw.core.outcome import Refusal
from mesostw.http.errors import STATUS_OF
from mesostw.http.marathon.refusals import INVALID_JSON, ApiRefusal
from mesostw.http.rendering import JSON, Reply
from mesostw.interfaces import GivenUp, IInbox
from mesostw.model.apps import Stamp

#: A deadline may be at most so far away, in seconds: a week.
DEADLINE_S_MAX: Final = 7 * 86_400.0
#: The core has so long to answer, with all that it has to keep before, in seconds.
ANSWER_TIMEOUT_S: Final = 30.0
#: Characters of a client's own text that come back in an error.
QUOTED_CHARACTERS_MAX: Final = 200

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

    # --- what changes come with -------------------------------------------------

    def terms(self, force: bool = False) -> Terms:
        """
        What a change of the tree comes with.

        :param force: what holds if the client does not say.
        :raises ApiRefusal: 400, the deadline is no number of seconds.
        """
        return Terms(
            force=self.flag("force", force),
            deadline_s=self._deadline(),
            client_ip=self.client_ip,
            uri=self.uri,
        )

    def _deadline(self) -> float | None:
        text = self.first("deadlineSeconds")
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= DEADLINE_S_MAX:
            raise ApiRefusal(
                400,
                f"deadlineSeconds is '{quoted(text)}': give a number of seconds over 0 and "
                f"up to {DEADLINE_S_MAX:.0f}.",
            )
        return seconds


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


def stamp(text: str) -> Stamp:
    """
    A version in a path, as versions are written here, whatever its spelling.

    :raises ApiRefusal: 422.
    """
    found = stamp_from(text)
    if found is None:
        raise ApiRefusal(
            422,
            f"Invalid timestamp provided '{quoted(text)}'. Expecting ISO-8601 datetime string.",
        )
    return found


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


async def ask(inbox: IInbox, question: MarathonQuestion) -> Struct | None:
    """
    Have the core answer.

    :raises ApiRefusal: it does not do it, or is stopping.
    """
    try:
        answer = await inbox.ask(question)
    except GivenUp as fault:
        raise ApiRefusal(503, str(fault)) from None
    except AnswerLate:
        text = f"Not answered within {ANSWER_TIMEOUT_S:.0f} s; it may be done all the same."
        raise ApiRefusal(503, text) from None
    if isinstance(answer, Unfit):
        raise ApiRefusal.of(answer)
    if isinstance(answer, Refusal):
        raise ApiRefusal(STATUS_OF.get(answer.reason, 400), answer.message)
    return answer


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply of any value that can be written as JSON."""
    return Reply(encode(value), JSON, status, headers or {})


def planned_reply(planned: Planned, status: int = 200, location: str = "") -> Reply:
    """The answer to a change that began a deployment."""
    shape = {"version": planned.version, "deploymentId": planned.deployment_id}
    return json_reply(shape, status, planned_headers(planned, location))


def planned_headers(planned: Planned, location: str = "") -> dict[str, str]:
    """Where the deployment is found, and where what it makes will be."""
    headers = {"Marathon-Deployment-Id": str(planned.deployment_id)}
    if location:
        headers["Location"] = location
    return headers


def unexpected(answer: object) -> TypeError:
    """The core gave an answer that nobody asked for: a bug."""
    return TypeError(f"the core answered {type(answer).__name__}")
