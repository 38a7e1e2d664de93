"""Apps as the API shows them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.emitting import app_document, spec_document
from mesostw.model.apps import (
    App,
    AppId,
    AppSpec,
    Constraint,
    HealthCheck,
    Operator,
    PortDefinition,
    Stamp,
)

ALWAYS = {
    "id",
    "acceptedResourceRoles",
    "backoffFactor",
    "backoffSeconds",
    "cpus",
    "disk",
    "executor",
    "instances",
    "maxLaunchDelaySeconds",
    "mem",
    "gpus",
    "networks",
    "portDefinitions",
    "requirePorts",
    "upgradeStrategy",
    "killSelection",
    "unreachableStrategy",
    "role",
}


class EmittingTests(SynchronousTestCase):
    """What a client gets to see of an app."""

    def test_defaults_are_shown(self) -> None:
        """An app that says nothing shows every key that has a default, and no other."""
        self.assertEqual(set(spec_document(AppSpec(id=AppId("/a")))), ALWAYS)

    def test_absent_is_left_out(self) -> None:
        """What is absent or empty inside a part of an app is left out."""
        spec = AppSpec(
            id=AppId("/a"),
            env={"EMPTY": ""},
            constraints=(
                Constraint("hostname", Operator.UNIQUE),
                Constraint("a", Operator.IS, "b"),
            ),
            health_checks=(HealthCheck(port_index=0),),
            port_definitions=(PortDefinition(port=10_000, name="web"),),
        )
        document = spec_document(spec)
        self.assertEqual(document["env"], {"EMPTY": ""})
        self.assertEqual(document["constraints"], [["hostname", "UNIQUE"], ["a", "IS", "b"]])
        self.assertEqual(
            document["portDefinitions"], [{"port": 10_000, "protocol": "tcp", "name": "web"}]
        )
        self.assertEqual(document["networks"], [{"mode": "host"}])
        self.assertEqual(
            document["healthChecks"],
            [
                {
                    "protocol": "HTTP",
                    "portIndex": 0,
                    "gracePeriodSeconds": 300,
                    "intervalSeconds": 60,
                    "timeoutSeconds": 20,
                    "maxConsecutiveFailures": 3,
                    "delaySeconds": 15,
                    "ipProtocol": "IPv4",
                }
            ],
        )

    def test_disabled_is_a_word(self) -> None:
        """Instances that are never replaced have a word in place of times."""
        document = spec_document(AppSpec(id=AppId("/a"), unreachable_strategy=None))
        self.assertEqual(document["unreachableStrategy"], "disabled")

    def test_versions(self) -> None:
        """An app tells its version and when it was scaled and configured."""
        app = App(AppSpec(id=AppId("/a")), Stamp("3"), Stamp("2"), Stamp("1"))
        document = app_document(app)
        self.assertEqual(document["version"], "3")
        self.assertEqual(document["versionInfo"], {"lastScalingAt": "2", "lastConfigChangeAt": "1"})

    def test_extensions_only_when_asked_for(self) -> None:
        """Strict clients see a number of instances and no key that the API does not have."""
        spec = AppSpec(id=AppId("/a"), instances=4, every_agent=True, drain_delay_seconds=2.5)
        shown = spec_document(spec)
        self.assertEqual(set(shown), ALWAYS)
        self.assertEqual(shown["instances"], 4)
        ours = spec_document(spec, extensions=True)
        self.assertEqual(ours["instances"], "*")
        self.assertEqual(ours["drainDelaySeconds"], 2.5)
