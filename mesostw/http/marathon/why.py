"""``/why``: why an app is as it is, what last happened to a thing, and how instances ended."""

from __future__ import annotations

from mesostw.core.marathon.reasons import Cause, Shortfall
from mesostw.core.marathon.turn import stamp_of
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.apps import path_of
from mesostw.http.marathon.parts import MarathonParts
from mesostw.http.marathon.queue import funnel_shape
from mesostw.http.marathon.refusals import MarathonRefusal
from mesostw.http.marathon.task_shapes import termination_shape
from mesostw.http.rendering import Reply
from mesostw.model.apps import AppId, DeploymentId, GroupId


class WhyApi:
    """Explanations; the original has none, so nobody's client is surprised."""

    def __init__(self, parts: MarathonParts) -> None:
        self._parts = parts

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``apps/ID``, ``terminations/ID``, ``deployments/ID`` or ``groups/ID``."""
        match words:
            case ("apps", _, *_):
                return self._app(path_of(words[1:]))
            case ("terminations", _, *_):
                return self._terminations(path_of(words[1:]))
            case ("deployments", name):
                return self._told(f"deployment/{name}", DeploymentId(name))
            case ("groups", *_):
                group_id = GroupId(path_of(words[1:]))
                return self._told(f"group{group_id}", group_id)
            case _:
                raise ApiRefusal.no_route()

    def _app(self, app_id: AppId) -> Reply:
        told = self._parts.reports.why(app_id, self._parts.now)
        if told is None:
            raise MarathonRefusal.no_app(app_id)
        return json_reply(
            {
                "appId": told.app_id,
                "sentence": told.sentence,
                "wished": told.wished,
                "placed": told.placed,
                "waiting": told.waiting,
                "facts": [one.text for one in told.causes],
                "causes": [_cause_shape(one) for one in told.causes],
                "funnel": funnel_shape(told.funnel),
                "shortfalls": [_shortfall_shape(one) for one in told.shortfalls],
                "story": self._story(f"app{app_id}"),
            }
        )

    def _terminations(self, app_id: AppId) -> Reply:
        view = self._parts.view
        if app_id not in view.apps and app_id not in view.terminations:
            raise MarathonRefusal.no_app(app_id)
        ends = view.terminations.get(app_id, {}).values()
        return json_reply({"terminations": [termination_shape(one) for one in reversed(ends)]})

    def _told(self, key: str, name: str) -> Reply:
        story = self._story(key)
        if not story:
            raise ApiRefusal(404, f"Nothing is remembered of '{name}'")
        return json_reply({"id": name, "story": story})

    def _story(self, key: str) -> list[str]:
        lines = self._parts.reports.story(key)
        return [f"{stamp_of(line.wall)} {line.heard}: {line.said}" for line in lines]


def _cause_shape(cause: Cause) -> dict[str, object]:
    shape: dict[str, object] = {"kind": cause.kind, "text": cause.text}
    if cause.until is not None:
        shape["until"] = stamp_of(cause.until)
    return shape


def _shortfall_shape(shortfall: Shortfall) -> dict[str, object]:
    return {
        "agentId": shortfall.agent_id,
        "hostname": shortfall.hostname,
        "reason": shortfall.reason,
        "missing": [shortfall.text],
    }
