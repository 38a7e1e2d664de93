"""What Marathon's core is asked with, and what its answers become."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mesostw.core.marathon.history import stamp_from
from mesostw.core.marathon.words import MarathonQuestion, Planned, Terms, Unfit
from mesostw.http.api.asking import Call, answer_of, json_reply, quoted
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.refusals import MarathonRefusal
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.apps import Stamp

#: A deadline may be at most so far away, in seconds: a week.
DEADLINE_S_MAX: Final = 7 * 86_400.0


def terms_of(call: Call, force: bool = False) -> Terms:
    """
    What a change of the tree comes with.

    :param force: what holds if the client does not say.
    :raises ApiRefusal: 400, the deadline is no number of seconds.
    """
    return Terms(
        force=call.flag("force", force),
        deadline_s=_deadline(call),
        client_ip=call.client_ip,
        uri=call.uri,
    )


def _deadline(call: Call) -> float | None:
    text = call.first("deadlineSeconds")
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


async def ask(inbox: IInbox, question: MarathonQuestion) -> Struct | None:
    """
    Have the core answer.

    :raises ApiRefusal: it does not do it, or is stopping.
    """
    answer = await answer_of(inbox, question)
    if isinstance(answer, Unfit):
        raise MarathonRefusal.of(answer)
    return answer


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
