"""
The ``Call`` and ``Event`` of the Mesos v1 API around the bodies that the bus carries.

In JSON a call is ``{"framework_id": ..., "type": "ACCEPT", "accept": {...}}``; here it
is a :class:`SchedulerCall` with the framework's id and an ``Accept``. Servers read
calls and write events, clients the other way round.

What a call of some type needs is checked with the words of the original, which stand
after ``Failed to validate scheduler::Call: `` in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from mesostw.messages import executor_calls, executor_events, scheduler_calls, scheduler_events
from mesostw.messages.ids import ExecutorID, FrameworkID
from mesostw.messages.tasks import TaskState, TaskStatus, TaskStatusSource
from mesostw.wire import json
from mesostw.wire.errors import (
    Malformed,
    MalformedCall,
    MalformedMessage,
    MalformedText,
    UnsupportedCall,
)

#: Bytes of the id of a status.
UUID_BYTES: Final = 16

T = TypeVar("T", bound=Struct)
_NO_FRAMEWORK: Final = FrameworkID(value="")
_split: Final = msgspec.json.Decoder(dict[str, Raw]).decode

_SCHEDULER_CALLS: Final[Mapping[str, type[Struct]]] = {
    "SUBSCRIBE": scheduler_calls.Subscribe,
    "TEARDOWN": scheduler_calls.Teardown,
    "ACCEPT": scheduler_calls.Accept,
    "DECLINE": scheduler_calls.Decline,
    "ACCEPT_INVERSE_OFFERS": scheduler_calls.AcceptInverseOffers,
    "DECLINE_INVERSE_OFFERS": scheduler_calls.DeclineInverseOffers,
    "REVIVE": scheduler_calls.Revive,
    "KILL": scheduler_calls.Kill,
    "SHUTDOWN": scheduler_calls.Shutdown,
    "ACKNOWLEDGE": scheduler_calls.Acknowledge,
    "ACKNOWLEDGE_OPERATION_STATUS": scheduler_calls.AcknowledgeOperationStatus,
    "RECONCILE": scheduler_calls.Reconcile,
    "RECONCILE_OPERATIONS": scheduler_calls.ReconcileOperations,
    "MESSAGE": scheduler_calls.Message,
    "REQUEST": scheduler_calls.Request,
    "SUPPRESS": scheduler_calls.Suppress,
    "UPDATE_FRAMEWORK": scheduler_calls.UpdateFramework,
}
_SCHEDULER_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "SUBSCRIBED": scheduler_events.Subscribed,
    "OFFERS": scheduler_events.Offers,
    "INVERSE_OFFERS": scheduler_events.InverseOffers,
    "RESCIND": scheduler_events.Rescind,
    "RESCIND_INVERSE_OFFER": scheduler_events.RescindInverseOffer,
    "UPDATE": scheduler_events.Update,
    "UPDATE_OPERATION_STATUS": scheduler_events.UpdateOperationStatus,
    "MESSAGE": scheduler_events.Message,
    "FAILURE": scheduler_events.Failure,
    "ERROR": scheduler_events.Error,
    "HEARTBEAT": scheduler_events.Heartbeat,
}
_EXECUTOR_CALLS: Final[Mapping[str, type[Struct]]] = {
    "SUBSCRIBE": executor_calls.Subscribe,
    "UPDATE": executor_calls.Update,
    "MESSAGE": executor_calls.Message,
    "HEARTBEAT": executor_calls.Heartbeat,
}
_EXECUTOR_EVENTS: Final[Mapping[str, type[Struct]]] = {
    "SUBSCRIBED": executor_events.Subscribed,
    "LAUNCH": executor_events.Launch,
    "LAUNCH_GROUP": executor_events.LaunchGroup,
    "KILL": executor_events.Kill,
    "ACKNOWLEDGED": executor_events.Acknowledged,
    "MESSAGE": executor_events.Message,
    "ERROR": executor_events.Error,
    "SHUTDOWN": executor_events.Shutdown,
    "HEARTBEAT": executor_events.Heartbeat,
}
#: Bodies that the API does not have: the type says it all.
_BODILESS: Final[frozenset[type[Struct]]] = frozenset(
    {
        scheduler_calls.Teardown,
        scheduler_events.Heartbeat,
        executor_calls.Heartbeat,
        executor_events.Shutdown,
        executor_events.Heartbeat,
    }
)
#: Bodies that may be missing, which is as if they were empty.
_OPTIONAL: Final[frozenset[type[Struct]]] = frozenset(
    {scheduler_calls.Revive, scheduler_calls.Suppress}
)


class SchedulerCall(Struct, frozen=True):
    """What a scheduler asks over HTTP; the id is unset only at a first SUBSCRIBE."""

    framework_id: FrameworkID | None
    body: Struct


class ExecutorCall(Struct, frozen=True):
    """What an executor says over HTTP."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    body: Struct


class _Members:
    """The members of one JSON object, each read when it is asked for."""

    def __init__(self, text: bytes) -> None:
        self._parts: Mapping[str, object]
        try:
            self._parts = _split(text)
        except (ValueError, RecursionError):
            # No JSON at all, no object, or JSON with infinities.
            parts = json.parse(text)
            if not isinstance(parts, dict):
                fault = f"Expected `object`, got `{type(parts).__name__}`"
                raise MalformedMessage(fault, "$") from None
            self._parts = parts

    def text(self, name: str) -> str | None:
        """Return a member that is text; ``None`` if it is unset or something else."""
        part = self._parts.get(name)
        value = json.parse(bytes(part)) if isinstance(part, Raw) else part
        return value if isinstance(value, str) else None

    def read(self, name: str, kind: type[T]) -> T | None:
        """Return a member that is a message; ``None`` if it is unset."""
        part = self._parts.get(name)
        try:
            if isinstance(part, Raw):
                text = bytes(part)
                return None if text == b"null" else json.decode(kind, text)
            return None if part is None else json.convert(kind, part)
        except MalformedMessage as fault:
            path = f"$.{name}{fault.path[1:]}"
            raise MalformedMessage(f"{fault.why} at {path}", path, fault.why) from None


class _Envelope:
    """One kind of envelope: which body stands under which type."""

    def __init__(self, bodies: Mapping[str, type[Struct]]) -> None:
        self._bodies = bodies
        self._heads = {body: self._head(kind, body) for kind, body in bodies.items()}

    @staticmethod
    def _head(kind: str, body: type[Struct]) -> bytes:
        if body in _BODILESS:
            return b'"type":"%b"' % kind.encode()
        return b'"type":"%b","%b":' % (kind.encode(), kind.lower().encode())

    def encode(self, body: Struct, ids: bytes = b"") -> bytes:
        """
        One envelope around ``body``.

        :param ids: members to stand before the type, with a comma behind each.
        """
        kind = type(body)
        text = b"" if kind in _BODILESS else json.encode(body)
        return b"{%b%b%b}" % (ids, self._heads[kind], text)

    def body(self, kind: str, members: _Members) -> Struct | None:
        """Return the body that the type asks for; ``None`` if the type is not known."""
        wanted = self._bodies.get(kind)
        if wanted is None:
            return None
        if wanted in _BODILESS:
            return wanted()
        name = kind.lower()
        body = members.read(name, wanted)
        if body is not None:
            return body
        if wanted in _OPTIONAL:
            return wanted()
        raise expecting(name)

    def decode_event(self, text: bytes) -> Struct | None:
        """
        Return one event's body; ``None`` if this program does not know its type.

        Raises :class:`Malformed`.
        """
        members = _Members(text)
        kind = members.text("type")
        return None if kind is None else self.body(kind, members)

    def decode_call(self, members: _Members) -> Struct:
        """Return one call's body, of which nothing but the presence is checked."""
        kind = members.text("type")
        if kind is not None and kind != "UNKNOWN":
            body = self.body(kind, members)
            if body is not None:
                return body
        if kind == "UNKNOWN":
            raise UnsupportedCall("UNKNOWN")
        # Mesos leaves out the name of a type that it does not know.
        raise expecting("type")


def answer_of(fault: Malformed, call: str) -> str:
    """
    What Mesos answers to a call that it cannot read.

    :param call: the name it has there, ``scheduler::Call`` or ``Executor::Call``.
    """
    if isinstance(fault, MalformedText):
        return f"Failed to parse body into JSON: {fault}"
    if isinstance(fault, MalformedMessage):
        return f"Failed to convert JSON into Call protobuf: {fault}"
    return f"Failed to validate {call}: {fault}"


def expecting(name: str) -> MalformedCall:
    """Refuse a call for what it lacks, in the words of the original."""
    return MalformedCall(f"Expecting '{name}' to be present")


_scheduler_calls: Final = _Envelope(_SCHEDULER_CALLS)
_scheduler_events: Final = _Envelope(_SCHEDULER_EVENTS)
_executor_calls: Final = _Envelope(_EXECUTOR_CALLS)
_executor_events: Final = _Envelope(_EXECUTOR_EVENTS)

#: One event as JSON, without the length that RecordIO puts before it.
encode_scheduler_event: Final[Callable[[Struct], bytes]] = _scheduler_events.encode
encode_executor_event: Final[Callable[[Struct], bytes]] = _executor_events.encode
decode_scheduler_event: Final = _scheduler_events.decode_event
decode_executor_event: Final = _executor_events.decode_event


def encode_scheduler_call(body: Struct, framework_id: FrameworkID | None = None) -> bytes:
    """One call of a framework as JSON."""
    ids = b"" if framework_id is None else b'"framework_id":%b,' % json.encode(framework_id)
    return _scheduler_calls.encode(body, ids)


def encode_executor_call(body: Struct, framework_id: FrameworkID, executor_id: ExecutorID) -> bytes:
    """One call of an executor as JSON."""
    ids = b'"framework_id":%b,"executor_id":%b,' % (
        json.encode(framework_id),
        json.encode(executor_id),
    )
    return _executor_calls.encode(body, ids)


def decode_scheduler_call(text: bytes) -> SchedulerCall:
    """
    Read and check one call of a framework.

    Raises :class:`MalformedText`, :class:`MalformedMessage`, :class:`MalformedCall` or
    :class:`UnsupportedCall`, each with what is to be answered.
    """
    members = _Members(text)
    framework_id = members.read("framework_id", FrameworkID)
    body = _scheduler_calls.decode_call(members)
    if isinstance(body, scheduler_calls.Subscribe):
        # An empty id is as good as none.
        if (body.framework_info.id or _NO_FRAMEWORK) != (framework_id or _NO_FRAMEWORK):
            raise MalformedCall("'framework_id' differs from 'subscribe.framework_info.id'")
        return SchedulerCall(framework_id, body)
    if framework_id is None:
        raise expecting("framework_id")
    _check_scheduler_call(framework_id, body)
    return SchedulerCall(framework_id, body)


def decode_executor_call(text: bytes) -> ExecutorCall:
    """Read and check one call of an executor; raises as :func:`decode_scheduler_call`."""
    members = _Members(text)
    executor_id = members.read("executor_id", ExecutorID)
    framework_id = members.read("framework_id", FrameworkID)
    body = _executor_calls.decode_call(members)
    if executor_id is None:
        raise expecting("executor_id")
    if framework_id is None:
        raise expecting("framework_id")
    if isinstance(body, executor_calls.Update):
        _check_status(framework_id, executor_id, body.status)
    return ExecutorCall(framework_id, executor_id, body)


def _check_scheduler_call(framework_id: FrameworkID, body: Struct) -> None:
    if isinstance(body, scheduler_calls.Acknowledge):
        _check_uuid(body.uuid)
    elif isinstance(body, scheduler_calls.AcknowledgeOperationStatus):
        _check_uuid(body.uuid)
        if body.agent_id is None:
            raise expecting("agent_id")
    elif (
        isinstance(body, scheduler_calls.UpdateFramework) and body.framework_info.id != framework_id
    ):
        raise MalformedCall("'framework_id' differs from 'update_framework.framework_info.id'")


def _check_uuid(uuid: bytes) -> None:
    if len(uuid) != UUID_BYTES:
        raise MalformedCall("Not a valid UUID")


def _check_status(framework_id: FrameworkID, executor_id: ExecutorID, status: TaskStatus) -> None:
    if status.uuid is None:
        raise expecting("uuid")
    _check_uuid(status.uuid)
    caller = f"executor {executor_id.value} of framework {framework_id.value}"
    if status.executor_id not in (None, executor_id):
        message = (
            f"ExecutorID in Call: {executor_id.value}"
            f" does not match ExecutorID in TaskStatus: {status.executor_id.value}"
        )
        raise MalformedCall(message)
    if status.source is not TaskStatusSource.SOURCE_EXECUTOR:
        message = f"Received Call from {caller} with invalid source, expecting 'SOURCE_EXECUTOR'"
        raise MalformedCall(message)
    if status.state is TaskState.TASK_STAGING:
        raise MalformedCall(f"Received TASK_STAGING from {caller} which is not allowed")
