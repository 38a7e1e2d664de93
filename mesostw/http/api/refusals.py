"""What a client of a framework's API is told when it does not get what it asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from mesostw.http.rendering import JSON, Reply

INVALID_JSON: Final = "Invalid JSON"

_encode: Final = msgspec.json.Encoder().encode


class Place(Protocol):
    """What is wrong at one place of a document; every core's ``Fault`` is one."""

    @property
    def path(self) -> str:
        """``/constraints(0)``; ``/`` is all of it."""

    @property
    def errors(self) -> tuple[str, ...]:
        """Sentences, or an API's own words."""


class ApiRefusal(Exception):
    """
    A request that is answered with a status and an object that says why.

    :param details: the parser's text, or what is wrong at which place.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        details: str | Iterable[Place] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message
        self.headers: Mapping[str, str] = headers or {}
        self.details: str | tuple[Place, ...] | None = (
            details if details is None or isinstance(details, str) else tuple(details)
        )

    @property
    def shape(self) -> dict[str, object]:
        """The object, as it is where an API has no other form."""
        shape: dict[str, object] = {"message": self.message}
        if isinstance(self.details, str):
            shape["details"] = self.details
        elif self.details is not None:
            shape["details"] = places(self.details)
        return shape

    def reply(self) -> Reply:
        """The answer that says it."""
        return Reply(_encode(self.shape), JSON, self.status, self.headers)

    @classmethod
    def no_route(cls) -> ApiRefusal:
        return cls(404, "URI not found")

    @classmethod
    def not_allowed(cls, *allowed: str) -> ApiRefusal:
        return cls(405, "HTTP 405 Method Not Allowed", headers={"Allow": ", ".join(allowed)})


def places(faults: Iterable[Place]) -> list[dict[str, object]]:
    """Faults as objects."""
    return [{"path": fault.path, "errors": fault.errors} for fault in faults]
