"""What a client of Chronos' APIs is told when it does not get what it asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from mesostw.core.framework.refusing import Unfit
from mesostw.http.api.refusals import ApiRefusal, Place, places
from mesostw.http.rendering import JSON, Reply

#: The old prefixes know no other status for what a client does wrong.
OLD_STATUS: Final = 400
#: Ours: the status of each reason for which the core refuses.
STATUS_OF: Final[Mapping[str, int]] = {
    "malformed": 422,
    "invalid": 422,
    "unknown": 404,
    "exists": 412,
    "outdated": 412,
    "locked": 409,
    "overload": 403,
    "bad_request": 400,
}
#: Who is told that Chronos cannot answer now asks again after so many seconds.
RETRY_AFTER_S: Final = 3

#: First words of faults that go on from the name of their place.
_PREDICATES: Final = frozenset({"and", "are", "cannot", "has", "is", "may", "must", "would"})

_encode: Final = msgspec.json.Encoder().encode


def said(refusal: ApiRefusal) -> Reply:
    """``{"status": "Bad Request", "message": ...}``, and ``faults`` beside if there are any."""
    shape: dict[str, object] = {
        "status": phrase_of(refusal.status),
        "message": _text_of(refusal),
    }
    if refusal.details is not None and not isinstance(refusal.details, str):
        shape["faults"] = places(refusal.details)
    headers = dict(refusal.headers)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Reply(_encode(shape), JSON, refusal.status, headers)


def phrase_of(status: int) -> str:
    """The words that HTTP has for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _text_of(refusal: ApiRefusal) -> str:
    if isinstance(refusal.details, str):
        return f"{refusal.message}: {refusal.details}"
    if refusal.details:
        return "; ".join(_sentences(refusal.details))
    return refusal.message


def _sentences(faults: Iterable[Place]) -> Iterable[str]:
    """Every fault with the name of its place, unless it says that itself."""
    for fault in faults:
        place = fault.path.strip("/")
        yield from (_sentence(place, error) for error in fault.errors)


def _sentence(place: str, error: str) -> str:
    if not place or error.startswith(place) or (error.startswith("'") and place in error):
        return error
    mark = "" if error.partition(" ")[0] in _PREDICATES else ":"
    return f"{place}{mark} {error}"


def refused(unfit: Unfit, *, is_old: bool) -> ApiRefusal:
    """What the core refused, with the status that a client of a prefix knows."""
    status = OLD_STATUS if is_old else STATUS_OF.get(unfit.reason, 400)
    return ApiRefusal(status, unfit.message, details=unfit.faults or None)


def no_leader() -> ApiRefusal:
    """Nobody leads; the original ended its process here."""
    return ApiRefusal(503, "No Chronos leads at present: ask again in a few seconds")


def no_job(name: str, *, is_old: bool) -> ApiRefusal:
    """An unknown job is a bad request under the old prefixes."""
    return ApiRefusal(
        OLD_STATUS if is_old else 404,
        f"There is no job '{name[:200]}': names are case-sensitive; GET jobs lists them",
    )
