"""Hosts that are network namespaces: what passes between them, and that none is left."""

from __future__ import annotations

import subprocess
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.hosts import walls
from tests.functional.hosts.network import NAMED, TESTER, Network, impediment

HOSTS = ("n1", "n2")
#: A server that takes one connection and says something; a client that says what it has heard.
SERVE = (
    "import socket\n"
    "listening = socket.create_server(('', 7000))\n"
    "print('up', flush=True)\n"
    "while True:\n"
    "    link, _ = listening.accept()\n"
    "    link.sendall(b'heard')\n"
    "    link.close()\n"
)
HEAR = (
    "import socket, sys\n"
    "link = socket.create_connection((sys.argv[1], 7000), 0.7)\n"
    "print(link.recv(9).decode(), end='')\n"
)


class NetworkTests(SynchronousTestCase):
    """Two hosts and a switch."""

    def setUp(self) -> None:
        if reason := impediment():
            raise SkipTest(reason)
        self.network = Network(HOSTS)
        self.network.create()
        self.addCleanup(self.network.remove)

    def serve(self, host: str) -> None:
        """Have a host answer."""
        command = self.network.inside(host, ("python3", "-c", SERVE))
        serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert serving.stdout is not None
        self.addCleanup(serving.wait)
        self.addCleanup(serving.kill)
        self.addCleanup(serving.stdout.close)
        self.assertEqual(serving.stdout.readline(), "up\n")

    def hears(self, host: str, address: str) -> bool:
        """Whether a host gets an answer from an address."""
        command = self.network.inside(host, ("python3", "-c", HEAR, address))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout == "heard"

    def test_walls(self) -> None:
        """Hosts hear each other, until there is a wall, and again when there is none."""
        addresses = self.network.addresses
        self.serve("n2")
        self.serve("sw")
        self.assertTrue(self.hears("n1", addresses["n2"]))
        for deaf in (walls.split(HOSTS, ["n1"]), walls.one_way(HOSTS, "n1")):
            self.network.wall(walls.walls(addresses, deaf))
            self.assertFalse(self.hears("n1", addresses["n2"]))
            self.assertTrue(self.hears("n1", TESTER), "who tests is never cut off")
            self.network.clear()
        self.network.wall(walls.resetting(addresses))
        self.assertFalse(self.hears("n1", addresses["n2"]))
        self.network.clear()
        self.network.ip("n1", "link", "set", "eth0", "down")
        self.assertFalse(self.hears("n1", addresses["n2"]))
        self.network.clear()
        self.assertTrue(self.hears("n1", addresses["n2"]))

    def test_inside(self) -> None:
        """What runs on a host is found there, and nowhere else."""
        self.serve("n2")
        self.assertEqual(len(self.network.processes("n2")), 1)
        self.assertEqual(self.network.processes("n1"), [])

    def test_names(self) -> None:
        """Names that are taken are refused; nothing is left of what was made."""
        self.assertRaises(FileExistsError, Network(HOSTS).create)
        self.assertTrue((NAMED / self.network._name("n1")).exists())
        self.network.remove()
        self.assertEqual([host for host in HOSTS if self.network._path(host).exists()], [])

    def test_sweep(self) -> None:
        """What somebody has left who is no more is removed by who comes next."""
        dead = subprocess.Popen(["true"])
        dead.wait()
        name = f"mesostw-{dead.pid}-n1"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.network.remove()
        self.network.create()
        self.assertFalse((NAMED / name).exists())

    def test_half_made(self) -> None:
        """If it cannot be made, what was made of it is gone."""
        self.network.remove()
        broken = Network(("n1", "a-name-that-is-too-long-for-a-link"))
        self.assertRaises(OSError, broken.create)
        self.assertFalse((NAMED / broken._name("n1")).exists())
        self.assertFalse((NAMED / broken._name("sw")).exists())

    def test_leave(self) -> None:
        """Who goes in comes out where it was."""
        links = ("ip", "-o", "link")
        before = subprocess.run(links, capture_output=True, text=True, check=True).stdout
        self.network.enter()
        inside = subprocess.run(links, capture_output=True, text=True, check=True).stdout
        self.network.leave()
        after = subprocess.run(links, capture_output=True, text=True, check=True).stdout
        self.assertIn("br0", inside)
        self.assertEqual(before, after)
