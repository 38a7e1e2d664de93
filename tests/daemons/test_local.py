"""What a local cluster is made of, without starting it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local import Options, free_ports, parts_of, twistd


class PartsTests(SynchronousTestCase):
    """A master, then agents on the following ports, each a daemon of its own."""

    def parts(self, *words: str) -> list[tuple[str, str]]:
        """Names and addresses of the parts."""
        options = Options()
        options.parseOptions(words)
        return [(part.name, part.address) for part in parts_of(options, Path("/w"))]

    def test_ports(self) -> None:
        """The master has the port that was asked for, agents the following ones."""
        self.assertEqual(
            self.parts("--agents=2", "--port=6000"),
            [
                ("master", "127.0.0.1:6000"),
                ("agent1", "127.0.0.1:6001"),
                ("agent2", "127.0.0.1:6002"),
            ],
        )

    def test_any_port(self) -> None:
        """Port 0 is any free one; no two parts have the same."""
        addresses = [address for _, address in self.parts("--agents=5", "--port=0")]
        self.assertEqual(len(set(addresses)), 6)
        self.assertFalse(any(address.endswith(":0") for address in addresses))

    def test_no_agents(self) -> None:
        """A master alone is a cluster too."""
        self.assertEqual(len(self.parts("--agents=0", "--port=0")), 1)

    def test_commands(self) -> None:
        """Agents are told where the master is and where to keep their state."""
        options = Options()
        options.parseOptions(["--agents=1", "--port=6000", "--resources=cpus:1"])
        _, agent = parts_of(options, Path("/w"))
        for word in ("--master=127.0.0.1:6000", "--work_dir=/w/agent1", "--resources=cpus:1"):
            self.assertIn(word, agent.command)

    def test_same_python(self) -> None:
        """Daemons run on the Python that runs this, wherever a twistd on PATH leads."""
        self.assertIn("mesos-master", twistd("mesos-master"))

    def test_free_ports(self) -> None:
        """Free ports differ from each other."""
        self.assertEqual(len(set(free_ports("127.0.0.1", 10))), 10)
