"""Readiness checks: in deployments only, until ready once."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import converging, fitness, health, kills, readiness
from mesostw.core.marathon.changes import AffectedKept, DeploymentChanged, DeploymentEnded
from mesostw.core.marathon.records import (
    Action,
    ActionKind,
    Affected,
    Condition,
    Deployment,
    Instance,
)
from mesostw.core.probes import Probed, ProbeKey, ProbeKind, StartProbe, StopProbe
from mesostw.model.apps import DeploymentId, PortDefinition, ReadinessCheck
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import V2, World, app, instance
from tests.core.marathon.test_statuses import said

C = Condition
S = TaskState
D1 = DeploymentId("d1")


class Deploying(World):
    """An app with a readiness check, one instance that starts, and maybe a deployment."""

    def __init__(self, deploys: bool = True, **fields: Any) -> None:
        super().__init__()
        self.live.registered = True
        self.check = ReadinessCheck(**{"path": "/r", **fields})
        ports = (PortDefinition(), PortDefinition(name="http-api"))
        self.app = app(readiness_checks=(self.check,), port_definitions=ports)
        self.one = instance(self.app, C.STARTING, ports=(31000, 31001))
        self.add(self.app, self.one)
        if deploys:
            self.deploy()

    def deploy(self) -> None:
        """Have a deployment of the app begin."""
        action = Action(ActionKind.SCALE, self.app.id, 1)
        self.change(
            AffectedKept(Affected(D1, self.app.id, None, self.app, planned=((0, action),))),
            DeploymentChanged(Deployment(D1, V2, ((action,),), self.now.wall)),
        )

    def found(self, status: int | None = None, error: str = "", **others: Any) -> None:
        """Have the probe tell something."""
        key = ProbeKey(f"{self.one.id}/ready")
        self.run(health.probed, Probed(key=key, status=status, error=error, **others))

    def present(self) -> Instance:
        return self.state.instances[self.one.id]

    def is_ready(self) -> bool:
        return fitness.is_ready(self.state, self.present())


class ReadinessTests(SynchronousTestCase):
    """An instance counts in a deployment once it is ready."""

    def test_asked(self) -> None:
        """When it runs, it is asked at the named port as the check says."""
        world = Deploying(interval_seconds=3, timeout_seconds=2)
        self.assertEqual(world.did(StartProbe), [])
        said(world, world.one, S.TASK_RUNNING)
        (start,) = world.did(StartProbe)
        spec = start.spec
        self.assertEqual(start.key, f"{world.one.id}/ready")
        self.assertEqual((spec.kind, spec.host, spec.port), (ProbeKind.HTTP, "n1", 31001))
        self.assertEqual((spec.path, spec.interval_s, spec.timeout_s), ("/r", 3.0, 2.0))
        self.assertEqual(spec.body_bytes_max, 0)
        self.assertFalse(world.is_ready())

    def test_until_ready(self) -> None:
        """Other codes and silence are not ready; the first good code is, for good."""
        world = Deploying(http_status_codes_for_ready=(200, 202))
        said(world, world.one, S.TASK_RUNNING)
        world.live.marked.clear()
        world.found(503)
        world.found(error="refused")
        self.assertFalse(world.is_ready())
        self.assertFalse(world.state.readiness[world.one.id].ready)
        self.assertEqual((world.live.marked, world.did(StopProbe)), ({}, []))
        world.found(202)
        self.assertTrue(world.is_ready())
        self.assertTrue(world.state.readiness[world.one.id].ready)
        self.assertIn(world.app.id, world.live.marked)
        self.assertEqual(len(world.did(StopProbe)), 1)
        world.clear()
        world.found(503)
        world.run(readiness.looked, world.app.id)
        self.assertEqual((world.changes, world.effects), ([], []))
        again = world.restarted()
        self.assertTrue(again.state.instances[world.one.id].ready)

    def test_last_response(self) -> None:
        """The answer is shown if the check wants it kept, and only then."""
        for keeps in (True, False):
            world = Deploying(preserve_last_response=keeps)
            said(world, world.one, S.TASK_RUNNING)
            (start,) = world.did(StartProbe)
            self.assertIs(start.spec.body_bytes_max > 0, keeps)
            world.found(503, content_type="text/plain", body="warming")
            kept = world.state.readiness[world.one.id]
            expected = (503, "text/plain", "warming") if keeps else (None, "", "")
            self.assertEqual((kept.status, kept.content_type, kept.body), expected)
            self.assertEqual((kept.name, kept.task_id), ("readinessCheck", world.one.task_id))

    def test_same_answer(self) -> None:
        """An answer that says the same again is no change."""
        world = Deploying()
        said(world, world.one, S.TASK_RUNNING)
        world.found(503)
        world.clear()
        world.found(503)
        self.assertEqual(world.changes, [])

    def test_no_deployment(self) -> None:
        """Without a deployment nobody is asked; when one begins, all that are not ready are."""
        world = Deploying(deploys=False)
        said(world, world.one, S.TASK_RUNNING)
        world.run(readiness.looked, world.app.id)
        self.assertEqual(world.did(StartProbe), [])
        world.deploy()
        world.run(readiness.looked, world.app.id)
        world.run(readiness.looked, world.app.id)
        self.assertEqual(len(world.did(StartProbe)), 1)

    def test_deployment_is_over(self) -> None:
        """After a deployment nothing is asked or shown, whether looked at or found."""
        for looks in (True, False):
            world = Deploying()
            said(world, world.one, S.TASK_RUNNING)
            world.found(503)
            world.change(DeploymentEnded(D1))
            if looks:
                world.run(readiness.looked, world.app.id)
            else:
                world.found(503)
            self.assertEqual(len(world.did(StopProbe)), 1)
            self.assertEqual(world.state.readiness, {})

    def test_stops(self) -> None:
        """What ends, or is to end, is not asked any more."""
        world = Deploying()
        said(world, world.one, S.TASK_RUNNING)
        world.run(kills.kill, world.one, "because")
        self.assertEqual(len(world.did(StopProbe)), 1)
        world = Deploying()
        said(world, world.one, S.TASK_RUNNING)
        said(world, world.one, S.TASK_FAILED)
        self.assertEqual(len(world.did(StopProbe)), 1)
        self.assertEqual(world.state.readiness, {})

    def test_restart(self) -> None:
        """After a restart whoever is not ready is asked when its app converges."""
        world = Deploying()
        said(world, world.one, S.TASK_RUNNING)
        again = world.restarted()
        again.live.marked[world.app.id] = None
        again.run(converging.converged)
        self.assertEqual(len(again.did(StartProbe)), 1)

    def test_app_without(self) -> None:
        """An app that has no readiness check in any version costs nothing."""
        world = World()
        plain = app("/plain")
        world.add(plain, instance(plain))
        world.run(readiness.looked, plain.id)
        self.assertEqual((world.changes, world.effects), ([], []))
