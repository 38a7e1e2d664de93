"""``/v2/queue``: apps that have instances left to launch, and why offers did not do."""

from __future__ import annotations

from collections.abc import Iterable

from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.reasons import FunnelStep, QueueReport, UnusedOffer
from mesostw.core.marathon.turn import stamp_of
from mesostw.core.marathon.words import DelayResetAsked
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.apps import path_of
from mesostw.http.marathon.asking import ask
from mesostw.http.marathon.parts import MarathonParts
from mesostw.http.rendering import Reply
from mesostw.messages.offers import Offer
from mesostw.messages.resources import Resource
from mesostw.messages.values import Attribute
from mesostw.model.names import ANY_ROLE


class QueueApi:
    """What waits to be launched."""

    def __init__(self, parts: MarathonParts) -> None:
        self._parts = parts

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Every app that has instances left to launch."""
        if words:
            raise ApiRefusal.no_route()
        with_offers = "lastUnusedOffers" in call.all_of("embed")
        reports = self._parts.reports.queue(self._parts.now)
        return json_reply(
            {
                "queue": [
                    report_shape(one, with_offers=with_offers, extensions=call.extensions)
                    for one in reports
                ]
            }
        )

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``ID/delay``: launch a backed-off app at once."""
        if len(words) < 2 or words[-1] != "delay":
            raise ApiRefusal.no_route()
        _ = await ask(self._parts.inbox, DelayResetAsked(path_of(words[:-1])))
        return Reply(status=204)


def report_shape(
    report: QueueReport, *, with_offers: bool = False, extensions: bool = False
) -> dict[str, object]:
    """One app that waits."""
    summary: dict[str, object] = {
        "processedOffersCount": report.processed,
        "unusedOffersCount": report.unused,
        "rejectSummaryLastOffers": funnel_shape(report.last_offers),
        "rejectSummaryLaunchAttempt": funnel_shape(report.launch_attempt),
    }
    for key, at in (
        ("lastUnusedOfferAt", report.last_unused),
        ("lastUsedOfferAt", report.last_used),
    ):
        if at is not None:
            summary[key] = stamp_of(at)
    shape: dict[str, object] = {
        "app": app_document(report.app, extensions=extensions),
        "count": report.count,
        "since": stamp_of(report.since),
        "delay": {
            "timeLeftSeconds": max(0, round(report.delay_left_s)),
            "overdue": report.overdue,
        },
        "processedOffersSummary": summary,
    }
    if report.role != ANY_ROLE:
        # Old clients fail on this key, so that it is there only where it says something.
        shape["role"] = report.role
    if with_offers:
        shape["lastUnusedOffers"] = [_unused_shape(one) for one in report.unused_offers]
    return shape


def funnel_shape(steps: Iterable[FunnelStep]) -> list[dict[str, object]]:
    """How many offers came to each question, and how many got no further."""
    return [
        {"reason": one.reason, "declined": one.declined, "processed": one.processed}
        for one in steps
    ]


def _unused_shape(unused: UnusedOffer) -> dict[str, object]:
    return {
        "offer": _offer_shape(unused.offer),
        "reason": unused.reasons,
        "timestamp": stamp_of(unused.at),
    }


def _offer_shape(offer: Offer) -> dict[str, object]:
    return {
        "id": offer.id.value,
        "hostname": offer.hostname,
        "agentId": offer.agent_id.value,
        "resources": [
            {"name": one.name, "role": _role(one), **_value_shape(one)} for one in offer.resources
        ],
        "attributes": [{"name": one.name, **_value_shape(one)} for one in offer.attributes],
    }


def _role(resource: Resource) -> str:
    """Whom an amount is reserved to; ``*`` is nobody."""
    if resource.reservations:
        return resource.reservations[-1].role or "*"
    return resource.role


def _value_shape(one: Resource | Attribute) -> dict[str, object]:
    """The one value that a resource or an attribute has."""
    if one.scalar is not None:
        return {"scalar": one.scalar.value}
    if one.ranges is not None:
        return {"ranges": [{"begin": it.begin, "end": it.end} for it in one.ranges.range]}
    if one.set is not None:
        return {"set": one.set.item}
    text = one.text if isinstance(one, Attribute) else None
    return {} if text is None else {"text": text.value}
