"""``/v2/deployments``: changes under way; taking one back, having it wait and go on."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.marathon.records import Deployment
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import DeploymentCancelAsked, DeploymentPauseAsked, Planned
from mesostw.http.api.asking import Call, json_reply, quoted
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.asking import ask, planned_reply
from mesostw.http.marathon.deployment_shapes import deployment_shape
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.apps import DeploymentId


class DeploymentsApi:
    """Deployments."""

    def __init__(self, view: Callable[[], MarathonState], inbox: IInbox) -> None:
        self._view, self._inbox = view, inbox

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Every deployment that is under way."""
        view = self._view()
        if words:
            raise ApiRefusal.not_allowed("DELETE")
        return json_reply(
            [
                deployment_shape(view, one, extensions=call.extensions)
                for one in view.deployments.values()
            ]
        )

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Take a deployment back by another one; with ``force`` only stop it."""
        if len(words) != 1:
            raise ApiRefusal.not_allowed("GET")
        deployment, force = self._found(words[0]), call.flag("force")
        answer = await ask(self._inbox, DeploymentCancelAsked(deployment.id, force))
        if force or not isinstance(answer, Planned):
            return Reply(status=202)
        return planned_reply(answer)

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``ID/pause`` and ``ID/continue``: the deployment as it is then."""
        match words:
            case (name, "pause" | "continue" as what):
                deployment = self._found(name)
                question = DeploymentPauseAsked(deployment.id, paused=what == "pause")
                _ = await ask(self._inbox, question)
                # It may have ended meanwhile; then it is told as it was.
                now = self._view().deployments.get(deployment.id, deployment)
                return json_reply(deployment_shape(self._view(), now, extensions=True))
            case ():
                raise ApiRefusal.not_allowed("GET")
            case _:
                raise ApiRefusal.not_allowed("DELETE")

    def _found(self, name: str) -> Deployment:
        found = self._view().deployments.get(DeploymentId(name))
        if found is None:
            raise ApiRefusal(404, f"DeploymentPlan {quoted(name)} does not exist")
        return found
