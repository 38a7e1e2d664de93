"""The variables of an instance."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.environment import shared_variables, variables_of
from mesostw.model.apps import AppSpec, PortDefinition
from tests.core.marathon.builders import V1, app


def _of(spec: AppSpec, ports: tuple[int, ...] = (), prefix: str = "") -> dict[str, str]:
    return variables_of(spec, {}, "t1", "n1", ports, prefix)


class SharedTests(SynchronousTestCase):
    """What all instances of a version have."""

    def test_golden(self) -> None:
        """An app's id, version, resources and labels, in Marathon's form."""
        one = app("/shop/db", cpus=0.5, mem=64, labels={"tier": "gold", "my.key-2": "v w"})
        self.assertEqual(
            shared_variables(one, None),
            {
                "MARATHON_APP_ID": "/shop/db",
                "MARATHON_APP_VERSION": V1,
                "MARATHON_APP_RESOURCE_CPUS": "0.5",
                "MARATHON_APP_RESOURCE_MEM": "64.0",
                "MARATHON_APP_RESOURCE_DISK": "0.0",
                "MARATHON_APP_RESOURCE_GPUS": "0",
                "MARATHON_APP_LABELS": "TIER MY_KEY_2",
                "MARATHON_APP_LABEL_TIER": "gold",
                "MARATHON_APP_LABEL_MY_KEY_2": "v w",
            },
        )

    def test_group_role(self) -> None:
        """An app in a group is told whether the group names its role."""
        for enforces, text in ((True, "TRUE"), (False, "FALSE")):
            variables = shared_variables(app("/g/a"), enforces)
            self.assertEqual(variables["MARATHON_APP_ENFORCE_GROUP_ROLE"], text)

    def test_long_labels(self) -> None:
        """A label whose value or key is too long is no variable, and is not listed."""
        labels = {"long": "x" * 512, "k" * 493: "v", "fits": "x" * 511}
        variables = shared_variables(app(labels=labels), None)
        self.assertEqual(variables["MARATHON_APP_LABELS"], "FITS")
        self.assertNotIn("MARATHON_APP_LABEL_LONG", variables)


class PlacedTests(SynchronousTestCase):
    """What depends on where an instance is."""

    PORTS = (
        PortDefinition(port=10_000, name="http"),
        PortDefinition(port=0, name="http-api"),
        PortDefinition(port=10_001),
    )

    def test_golden(self) -> None:
        """Ports by index, by the number in the app, and by name."""
        spec = app(port_definitions=self.PORTS).spec
        self.assertEqual(
            _of(spec, (31_005, 31_006, 31_007)),
            {
                "MESOS_TASK_ID": "t1",
                "HOST": "n1",
                "PORT": "31005",
                "PORTS": "31005,31006,31007",
                "PORT0": "31005",
                "PORT1": "31006",
                "PORT2": "31007",
                "PORT_10000": "31005",
                "PORT_31006": "31006",
                "PORT_10001": "31007",
                "PORT_HTTP": "31005",
                "PORT_HTTP-API": "31006",
                "PORT_HTTP_API": "31006",
            },
        )

    def test_no_ports(self) -> None:
        """An app without ports has no variables for them."""
        self.assertEqual(_of(app().spec), {"MESOS_TASK_ID": "t1", "HOST": "n1"})

    def test_prefix(self) -> None:
        """The prefix is of ports and the host, not of ids."""
        spec = app(port_definitions=(PortDefinition(),)).spec
        found = _of(spec, (31_000,), "P_")
        self.assertEqual(
            set(found),
            {"MESOS_TASK_ID", "P_HOST", "P_PORT", "P_PORT0", "P_PORTS", "P_PORT_31000"},
        )

    def test_app_wins(self) -> None:
        """What the app itself says wins over everything."""
        spec = app(env={"HOST": "mine", "MESOS_TASK_ID": "mine", "A": "1"}).spec
        self.assertEqual(_of(spec), {"HOST": "mine", "MESOS_TASK_ID": "mine", "A": "1"})
