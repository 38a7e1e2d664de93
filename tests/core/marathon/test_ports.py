"""Service ports: each port has a number of its own, and keeps it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.ports import Exhausted, assigned
from mesostw.core.marathon.words import Unfit
from mesostw.model.apps import AppId, AppSpec, PortDefinition
from tests.core.marathon.asking import ask_apps
from tests.core.marathon.builders import World, app

FLAGS = MarathonFlags(local_port_min=100, local_port_max=104)
A, B = AppId("/a"), AppId("/b")


def definitions(*numbers: int) -> tuple[PortDefinition, ...]:
    """Ports that ask for numbers."""
    return tuple(PortDefinition(port=number) for number in numbers)


class PortTests(SynchronousTestCase):
    """Which number a port gets."""

    def numbers(self, asked: tuple[int, ...], had: tuple[int, ...] = ()) -> list[int]:
        """The numbers that ``/a`` gets, which had some; ``/b`` has 101."""
        apps = {B: app("/b", port_definitions=definitions(101))}
        if had:
            apps[A] = app("/a", port_definitions=definitions(*had))
        specs = {A: AppSpec(id=A, port_definitions=definitions(*asked))}
        return [port.port for port in assigned(specs, apps, FLAGS)[A].port_definitions]

    def test_lowest_free(self) -> None:
        """An open port gets the lowest number that nobody has or asks for."""
        self.assertEqual(self.numbers((0,)), [100])
        self.assertEqual(self.numbers((0, 0)), [100, 102])
        self.assertEqual(self.numbers((0, 100)), [102, 100])

    def test_asked_for(self) -> None:
        """A number that somebody asks for is theirs, also if another has it."""
        self.assertEqual(self.numbers((101, 8080)), [101, 8080])

    def test_kept(self) -> None:
        """An app keeps its numbers in order, but not those that it asks for elsewhere."""
        self.assertEqual(self.numbers((0,), had=(103,)), [103])
        self.assertEqual(self.numbers((0, 0), had=(103,)), [103, 100])
        self.assertEqual(self.numbers((103, 0), had=(103, 102)), [103, 102])
        self.assertEqual(self.numbers((0,), had=(8080,)), [100])

    def test_two_apps(self) -> None:
        """Apps of one change get different numbers."""
        specs = {name: AppSpec(id=name, port_definitions=definitions(0)) for name in (A, B)}
        given = assigned(specs, {}, FLAGS)
        self.assertEqual([given[name].port_definitions[0].port for name in (A, B)], [100, 101])

    def test_none_left(self) -> None:
        """When every number is in use nothing is changed, and the range is told."""
        with self.assertRaises(Exhausted):
            self.numbers((0, 0, 0, 0))
        world = World(FLAGS)
        answer = ask_apps(world, {"id": "/a", "cmd": "a", "ports": [0] * 5})
        assert isinstance(answer, Unfit)
        self.assertEqual(answer.message, "All ports in the range [100-104) are already in use")
        self.assertEqual(world.state.apps, {})
