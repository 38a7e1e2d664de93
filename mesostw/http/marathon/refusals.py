"""What a client of Marathon's API is told when it does not get what it asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mesostw.core.marathon.words import Fault, Unfit
from mesostw.http.rendering import JSON, Reply

#: The status of each reason for which Marathon's core refuses.
STATUS_OF: Final[Mapping[str, int]] = {
    "malformed": 422,
    "invalid": 422,
    "unknown": 404,
    "exists": 409,
    "locked": 409,
    "overload": 403,
    "bad_request": 400,
}
INVALID_JSON: Final = "Invalid JSON"
INVALID_OBJECT: Final = "Object is not valid"

_encode: Final = msgspec.json.Encoder().encode


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
        details: str | Iterable[Fault] | None = None,
        deployments: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
        self.shape: dict[str, object] = {"message": message}
        if isinstance(details, str):
            self.shape["details"] = details
        elif details is not None:
            self.shape["details"] = [
                {"path": fault.path, "errors": fault.errors} for fault in details
            ]
        if deployments:
            self.shape["deployments"] = [{"id": one} for one in deployments]

    def reply(self) -> Reply:
        """The answer that says it."""
        return Reply(_encode(self.shape), JSON, self.status, self.headers)

    @classmethod
    def of(cls, unfit: Unfit) -> ApiRefusal:
        """What Marathon's core refused, in its API's words."""
        return cls(
            STATUS_OF.get(unfit.reason, 400),
            unfit.message,
            details=unfit.faults or None,
            deployments=unfit.deployments,
        )

    @classmethod
    def no_app(cls, app_id: str, version: str = "") -> ApiRefusal:
        where = f" in version {version}" if version else ""
        return cls(404, f"App '{app_id}' does not exist{where}")

    @classmethod
    def no_group(cls, group_id: str, version: str = "") -> ApiRefusal:
        where = f" in version {version}" if version else ""
        return cls(404, f"Group '{group_id}' does not exist{where}")

    @classmethod
    def no_route(cls) -> ApiRefusal:
        return cls(404, "URI not found")

    @classmethod
    def not_allowed(cls, *allowed: str) -> ApiRefusal:
        return cls(405, "HTTP 405 Method Not Allowed", headers={"Allow": ", ".join(allowed)})
