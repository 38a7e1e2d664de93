"""How a framework's core answers a question that it does not do, with nothing changed."""

from __future__ import annotations

from msgspec import Struct


class Fault(Struct, frozen=True):
    """What is wrong at one place of a document: ``/constraints(0)``; ``/`` is all of it."""

    path: str
    errors: tuple[str, ...]


class Unfit(Struct, frozen=True):
    """
    A question that is not done, with nothing changed.

    ``reason`` is one of ``malformed`` (a wrong JSON type or shape), ``invalid`` (a rule of
    the API), ``unknown`` (there is no such thing), ``exists``, ``locked``, ``overload`` (a
    limit), ``outdated`` (another version than was expected), ``bad_request``.
    """

    reason: str
    message: str
    faults: tuple[Fault, ...] = ()
