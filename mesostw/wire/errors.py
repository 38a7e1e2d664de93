"""What is wrong with bytes that a peer sent."""

from __future__ import annotations


class Malformed(Exception):
    """
    Bytes that mean nothing.

    ``str()`` of it is for a person; what Mesos says before it, such as ``Failed to parse
    body into JSON: ``, is added by ``mesostw.wire.envelopes.answer_of``.
    """


class MalformedFrame(Malformed):
    """
    The peer does not speak the bus, or speaks it wrongly; its link ends.

    :ivar path: the field at fault, as ``$.operations[0].type``; empty if it is not one.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class MalformedRecord(Malformed):
    """A stream that is not framed as RecordIO."""


class MalformedText(Malformed):
    """What was to be JSON is not."""


class MalformedMessage(Malformed):
    """
    JSON that does not fit the message that it was to be.

    :ivar path: the field at fault, as ``$.accept.operations[0].type``.
    :ivar why: what is wrong with it, without the path.
    """

    def __init__(self, message: str, path: str = "", why: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.why = why or message


class MalformedCall(Malformed):
    """
    A call that lacks what its type needs; the reason has the words of the original.

    Mesos says ``Failed to validate scheduler::Call: `` (or ``Executor::Call``) before it.
    """


class UnsupportedCall(Malformed):
    """A call of a type that is never answered: 501."""
