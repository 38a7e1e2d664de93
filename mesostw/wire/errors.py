"""What is wrong with bytes that a peer sent."""

from __future__ import annotations


class Malformed(Exception):
    """
    Bytes that mean nothing.

    :ivar path: the field at fault, as ``$.accept.operations[0].type``; empty if it is
        not one field.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class MalformedFrame(Malformed):
    """The peer does not speak the bus, or speaks it wrongly; its link ends."""


class MalformedText(Malformed):
    """What was to be JSON is not."""


class MalformedMessage(Malformed):
    """JSON that does not fit the message it was to be."""


class MalformedRecord(Malformed):
    """A stream that is not framed as RecordIO."""


class MalformedCall(Malformed):
    """A call that lacks what its type needs; the text is the original's."""
