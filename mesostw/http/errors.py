"""What an HTTP client is told when it does not get what it asked for; the one place for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mesostw.core.outcome import Refusal

#: The status of each reason for which a core refuses; any other is 400.
STATUS_OF: Final[Mapping[str, int]] = {
    "unknown": 404,
    "not_found": 404,
    "forbidden": 403,
    "unauthorized": 403,
    "conflict": 409,
    "recovering": 503,
    "not_leading": 503,
    "unsupported": 501,
}


class HttpRefusal(Exception):
    """A request that is answered with a status, a text for a person, and no result."""

    def __init__(
        self, status: int, text: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {text}")
        self.status, self.text = status, text
        self.headers: Mapping[str, str] = headers or {}

    @classmethod
    def bad_request(cls, text: str) -> HttpRefusal:
        return cls(400, text)

    @classmethod
    def not_found(cls, text: str = "") -> HttpRefusal:
        return cls(404, text)

    @classmethod
    def forbidden(cls, text: str) -> HttpRefusal:
        return cls(403, text)

    @classmethod
    def method_not_allowed(cls, *allowed: str) -> HttpRefusal:
        names = ", ".join(allowed)
        return cls(405, f"Expecting one of {{ '{names}' }}", {"Allow": names})

    @classmethod
    def unavailable(cls, text: str) -> HttpRefusal:
        return cls(503, text)

    @classmethod
    def of(cls, refusal: Refusal) -> HttpRefusal:
        """What a core refused, in HTTP."""
        return cls(STATUS_OF.get(refusal.reason, 400), refusal.message)
