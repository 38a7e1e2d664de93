"""What a local cluster is made of, without starting it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local_parts import Options, free_ports, parts_of, share_of, twistd


class PartsTests(SynchronousTestCase):
    """A master, agents on the following ports, and Marathon, each a daemon of its own."""

    def parts(self, *words: str) -> list[tuple[str, str]]:
        """Names and addresses of the parts."""
        options = Options()
        options.parseOptions(words)
        return [(part.name, part.address) for part in parts_of(options, Path("/w"))]

    def test_ports(self) -> None:
        """The master has the port that was asked for, agents the following ones."""
        self.assertEqual(
            self.parts("--agents=2", "--port=6000", "--marathon_port=6010", "--chronos_port=6020"),
            [
                ("master", "127.0.0.1:6000"),
                ("agent1", "127.0.0.1:6001"),
                ("agent2", "127.0.0.1:6002"),
                ("marathon", "127.0.0.1:6010"),
                ("chronos", "127.0.0.1:6020"),
            ],
        )

    def test_without_chronos(self) -> None:
        """Chronos may be left out; then it takes no port."""
        names = [name for name, _ in self.parts("--agents=0", "--port=0", "--chronos=false")]
        self.assertEqual(names, ["master", "marathon"])

    def test_any_port(self) -> None:
        """Port 0 is any free one; no two parts have the same."""
        addresses = [address for _, address in self.parts("--agents=5", "--port=0")]
        self.assertEqual(len(set(addresses)), 8)
        self.assertFalse(any(address.endswith(":0") for address in addresses))

    def test_no_agents(self) -> None:
        """A cluster may be without agents: others may join."""
        self.assertEqual(len(self.parts("--agents=0", "--port=0")), 3)

    def test_commands(self) -> None:
        """Agents and frameworks are told where the master is and where to keep their state."""
        options = Options()
        options.parseOptions(
            [
                "--agents=1",
                "--port=6000",
                "--marathon_port=0",
                "--chronos_port=0",
                "--resources=cpus:1",
            ]
        )
        _, agent, marathon, chronos = parts_of(options, Path("/w"))
        for word in ("--master=127.0.0.1:6000", "--work_dir=/w/marathon"):
            self.assertIn(word, marathon.command)
        for word in ("--master=127.0.0.1:6000", "--work_dir=/w/chronos"):
            self.assertIn(word, chronos.command)
        for word in (
            "--master=127.0.0.1:6000",
            "--work_dir=/w/agent1",
            "--resources=cpus:1;ports:[31000-32000]",
        ):
            self.assertIn(word, agent.command)

    def test_ports_are_divided(self) -> None:
        """Agents of one machine never offer the same port; other resources are whole."""
        self.assertEqual(
            [share_of("cpus:2;ports:[10-12,20-25]", number, 3) for number in (1, 2, 3)],
            ["cpus:2;ports:[10-12]", "cpus:2;ports:[20-22]", "cpus:2;ports:[23-25]"],
        )
        self.assertEqual(share_of(None, 2, 2), "ports:[31500-31999]")

    def test_same_python(self) -> None:
        """Daemons run on the Python that runs this, wherever a twistd on PATH leads."""
        self.assertIn("mesos-master", twistd("mesos-master"))

    def test_free_ports(self) -> None:
        """Free ports differ from each other."""
        self.assertEqual(len(set(free_ports("127.0.0.1", 10))), 10)
