"""What a client of Marathon's API is told when it does not get what it asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mesostw.core.marathon.words import Locked, Unfit
from mesostw.http.api.refusals import ApiRefusal, Place

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
INVALID_OBJECT: Final = "Object is not valid"


class MarathonRefusal(ApiRefusal):
    """
    What Marathon alone says.

    :param deployments: ids of those that hold what was to be changed.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        details: str | Iterable[Place] | None = None,
        deployments: Iterable[str] = (),
    ) -> None:
        super().__init__(status, message, details=details)
        self._deployments = tuple(deployments)

    @property
    def shape(self) -> dict[str, object]:
        shape = super().shape
        if self._deployments:
            shape["deployments"] = [{"id": one} for one in self._deployments]
        return shape

    @classmethod
    def of(cls, unfit: Unfit) -> MarathonRefusal:
        """What Marathon's core refused, in its API's words."""
        return cls(
            STATUS_OF.get(unfit.reason, 400),
            unfit.message,
            details=unfit.faults or None,
            deployments=unfit.deployments if isinstance(unfit, Locked) else (),
        )

    @classmethod
    def no_app(cls, app_id: str, version: str = "") -> MarathonRefusal:
        where = f" in version {version}" if version else ""
        return cls(404, f"App '{app_id}' does not exist{where}")

    @classmethod
    def no_group(cls, group_id: str, version: str = "") -> MarathonRefusal:
        where = f" in version {version}" if version else ""
        return cls(404, f"Group '{group_id}' does not exist{where}")
