"""Waiting for a deployment, with its progress; listing and steering deployments."""

from __future__ import annotations

import argparse
import re
import sys
import time
from typing import Any, Final

from twisted.internet.task import deferLater

from mesostw.cli.marathon import MarathonApi, app_path
from mesostw.cli.peer import Answered, ClusterError
from mesostw.cli.tables import NOTHING, note, table

#: Between two looks at a deployment.
LOOK_S: Final = 0.25
#: Without a terminal, between two lines of progress.
TELL_S: Final = 5.0
#: After which a deployment that does not move says why.
PATIENCE_S: Final = 8.0


class Watch:
    """One deployment, looked at until it is over."""

    def __init__(self, reactor: Any, api: MarathonApi, deployment_id: str) -> None:
        self._reactor, self._api, self._id = reactor, api, deployment_id
        self._terminal = sys.stderr.isatty()
        self._began = self._moved = time.monotonic()
        self._told_at = 0.0
        self._told = ""
        self._explained = ""
        self._apps: set[str] = set()
        #: Those of them that it ends.
        self._ended: set[str] = set()
        #: Of the tree that it makes; empty if it was never seen under way.
        self._version = ""

    async def wait(self) -> int:
        """Show progress until the end; the exit status is 0 if all came about as wished."""
        try:
            while (found := await self._find()) is not None:
                self._apps.update(found["affectedApps"])
                self._ended.update(_ended_by(found))
                self._version = found["version"]
                self._tell(await self._line(found))
                await self._explain(found)
                await deferLater(self._reactor, LOOK_S)
        finally:
            if self._terminal and self._told:
                sys.stderr.write("\r\x1b[K")
        return await self._verdict()

    async def _find(self) -> Any:
        listed = await self._api.get("/v2/deployments")
        return next((one for one in listed if one["id"] == self._id), None)

    async def _line(self, found: Any) -> str:
        parts = [f"step {found['currentStep']}/{found['totalSteps']}"]
        for action in found["currentActions"][:3]:
            app = await self._app(action["app"])
            kind = action["action"].removesuffix("Application").lower()
            if app is None:
                parts.append(f"{kind} {action['app']}")
                continue
            healthy = f", {app['tasksHealthy']} healthy" if app.get("healthChecks") else ""
            parts.append(
                f"{kind} {app['id']}: {app['tasksRunning']}/{app['instances']} running{healthy}"
            )
        more = len(found["currentActions"]) - 3
        return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")

    async def _app(self, app_id: str) -> Any:
        try:
            return (await self._api.get(app_path(app_id)))["app"]
        except Answered:
            return None

    def _tell(self, line: str) -> None:
        now = time.monotonic()
        if line != self._told:
            self._moved = now
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line} ({now - self._began:.1f} s)")
            sys.stderr.flush()
        elif (line != self._told and now - self._told_at >= TELL_S) or not self._told:
            sys.stderr.write(f"{line} ({now - self._began:.1f} s)\n")
            self._told_at = now
        self._told = line

    async def _explain(self, found: Any) -> None:
        """Say once why nothing moves."""
        if time.monotonic() - self._moved < PATIENCE_S:
            return
        for app_id in [action["app"] for action in found["currentActions"]][:1]:
            try:
                told = await self._api.get(f"/why/apps/{app_id.strip('/')}")
            except Answered:
                continue
            # A count-down is no other reason.
            reason = re.sub(r"\d+", "", told["sentence"])
            if reason != self._explained:
                self._explained = reason
                if self._terminal:
                    sys.stderr.write("\r\x1b[K")
                note(told["sentence"])

    async def _verdict(self) -> int:
        """Whether what is running is what was wished: a deployment may have been taken back."""
        took = time.monotonic() - self._began
        for app_id in sorted(self._apps):
            app = await self._app(app_id)
            lack = "" if app is None and app_id in self._ended else lack_of(app, self._version)
            if lack:
                note(f"deployment {self._id} is over after {took:.1f} s, but {app_id} {lack}")
                return 1
        note(f"deployment {self._id} is {'done' if self._version else 'over'} ({took:.1f} s)")
        return 0


def _ended_by(found: Any) -> set[str]:
    actions = [action for step in found["steps"] for action in step["actions"]]
    return {one["app"] for one in actions if one["action"] == "StopApplication"}


def lack_of(app: Any, version: str) -> str:
    """
    Tell what an app is not after a deployment; empty if nothing is missing.

    :param app: as it is now; ``None`` if there is none.
    :param version: of the tree that the deployment made. A later one of the app is another's
        work: a rollback, by a deadline or by somebody, or another change.
    """
    if app is None:
        return "is not there: the change was taken back, or it was removed after it"
    if app["version"] > version:
        return (
            f"has the later version {app['version']}: the change was taken back, or another one"
            " came after it"
        )
    if app["tasksRunning"] < app["instances"]:
        return f"has {app['tasksRunning']} of {app['instances']} instances"
    return ""


async def watched(
    reactor: Any, api: MarathonApi, deployment_id: str, options: argparse.Namespace
) -> int:
    """Wait for a deployment, unless that is not wished."""
    if not deployment_id:
        return 0
    if options.detach:
        print(deployment_id)
        return 0
    return await Watch(reactor, api, deployment_id).wait()


async def waited(reactor: Any, api: MarathonApi, deployment_id: str) -> int:
    """
    Wait for a deployment that somebody names.

    :raises ClusterError: none of this id is under way. Marathon remembers none that is over, so
        how it ended cannot be told.
    """
    if all(one["id"] != deployment_id for one in await api.get("/v2/deployments")):
        raise ClusterError(
            f"no deployment {deployment_id} is under way: it is over, or there never was one"
        )
    return await Watch(reactor, api, deployment_id).wait()


async def listed(reactor: Any, options: argparse.Namespace) -> int:
    """List deployments, or cancel, pause, continue or wait for one."""
    api = MarathonApi(reactor, options)
    for wish, method, path, terms, said in (
        (options.cancel, "DELETE", "", {}, "is taken back"),
        (options.stop, "DELETE", "", {"force": "true"}, "is stopped"),
        (options.pause, "POST", "/pause", {}, "is paused"),
        (options.go_on, "POST", "/continue", {}, "goes on"),
    ):
        if wish:
            answer = await api.ask(method, f"/v2/deployments/{wish}{path}", dict(terms))
            back = (answer or {}).get("deploymentId")
            note(f"deployment {back} takes it back" if back else f"deployment {wish} {said}")
            return 0
    if options.wait:
        return await waited(reactor, api, options.wait)
    rows = [
        (
            one["id"],
            f"{one['currentStep']}/{one['totalSteps']}",
            ", ".join(
                f"{action['action'].removesuffix('Application').lower()} {action['app']}"
                for action in one["currentActions"]
            )
            or NOTHING,
            one["version"],
        )
        for one in await api.get("/v2/deployments")
    ]
    print(table(("id", "step", "does", "version"), rows))
    return 0
