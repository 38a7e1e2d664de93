"""What a local cluster is made of: its flags, its parts and their ports, and the demo app."""

from __future__ import annotations

import shlex
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from attrs import frozen

from mesostw.daemons.detect import PORTS
from mesostw.daemons.options import COMMON, Flag, FlagOptions, boolean, count, port
from mesostw.daemons.part import part_command
from mesostw.model.resources import EMPTY, Resources

PORT_MAX: Final = 65_535
MARATHON_PORT: Final = 8080

#: A web server that shows its sandbox, checked by Marathon.
DEMO: Final = {
    "id": "/demo/hello",
    "cmd": (
        'echo "hello from $MESOS_TASK_ID on $HOST" > index.html && '
        f'exec {shlex.quote(sys.executable)} -m http.server "$PORT0" --bind 127.0.0.1'
    ),
    "cpus": 0.1,
    "mem": 32,
    "instances": 2,
    "healthChecks": [
        {"protocol": "HTTP", "path": "/", "gracePeriodSeconds": 10, "intervalSeconds": 5}
    ],
    "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.5},
}


def resources(text: str) -> str:
    """The text of resources, if it can be read."""
    Resources.parse(text)
    return text


class Options(FlagOptions):
    """What ``twistd mesos-local`` accepts."""

    synopsis = "[options]"
    longdesc = (
        "A master, agents and Marathon on this machine with the dashboard, for trying and "
        "developing. "
        "Each part is a process of its own; one that is killed comes back."
    )
    flags: ClassVar[Sequence[Flag]] = (
        Flag("agents", "How many agents.", "3", count),
        Flag(
            "work_dir",
            "Where state and sandboxes are kept; a temporary directory, removed at the end, "
            "if not given.",
        ),
        Flag("port", "The master's port; agents take the following ones. 0: any.", "5050", port),
        Flag(
            "marathon_port",
            "Marathon's port. 0: any, also when --port is 0 and this is not given.",
            read=port,
        ),
        Flag("demo", "Whether a small app is created, to look at.", "false", boolean),
        Flag("ready_file", "Written with every address, as JSON, once all is up."),
        Flag("cluster", "Name of the cluster, shown on the dashboard.", "local"),
        Flag(
            "resources",
            "Of each agent, as cpus:4;mem:1024; detected if not given.",
            None,
            resources,
        ),
        *COMMON,
    )


@frozen
class Part:
    """One daemon of the cluster."""

    name: str
    command: tuple[str, ...]
    address: str
    #: What ends it with what it has started.
    farewell: signal.Signals = signal.SIGTERM

    @property
    def is_agent(self) -> bool:
        return self.name.startswith("agent")


def twistd(*arguments: str) -> tuple[str, ...]:
    """The command line of one daemon, run by this very Python."""
    program = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
    return (sys.executable, "-c", program, "--nodaemon", "--pidfile=", *arguments)


def free_ports(ip: str, wanted: int) -> list[int]:
    """Ports that nobody listens on now; held together so that all differ."""
    held = []
    try:
        for _ in range(wanted):
            probe = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ip, 0))
            held.append(probe)
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


def given_ports(ip: str, first: int, wanted: int) -> list[int]:
    """
    ``wanted`` ports from ``first``.

    :raises OSError: if one cannot be had now.
    """
    if first + wanted - 1 > PORT_MAX:
        raise OSError(f"{wanted} ports from {first} end above {PORT_MAX}")
    ports = list(range(first, first + wanted))
    for number in ports:
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, number))
                probe.listen()
            except OSError as fault:
                raise OSError(f"port {number}: {fault.strerror}") from fault
    return ports


def ports_of(options: Options) -> tuple[list[int], int]:
    """
    The master's port and the agents', and Marathon's.

    :raises OSError: if one cannot be had now.
    """
    ip, wanted, first = options["ip"], options["agents"] + 1, options["port"]
    marathon = options["marathon_port"]
    if marathon is None:
        marathon = MARATHON_PORT if first else 0
    free = free_ports(ip, (wanted if first == 0 else 0) + (marathon == 0))
    if marathon:
        given_ports(ip, marathon, 1)
    else:
        marathon = free.pop()
    return free if first == 0 else given_ports(ip, first, wanted), marathon


def parts_of(options: Options, work_dir: Path) -> list[Part]:
    """The master first, then the agents, then Marathon: who comes later needs who was before."""
    ip = options["ip"]
    ports, marathon_port = ports_of(options)
    shared = [f"--log_format={options['log_format']}"]
    shared += [f"--logging_level={options['logging_level']}"]
    if options["hostname"]:
        shared.append(f"--hostname={options['hostname']}")
    master = address_of(ip, ports[0])
    master_command = (
        "mesos-master",
        f"--ip={ip}",
        f"--port={ports[0]}",
        f"--work_dir={work_dir / 'master'}",
        f"--cluster={options['cluster']}",
    )
    marathon_command = (
        "marathon",
        f"--master={master}",
        f"--http_address={ip}",
        f"--http_port={marathon_port}",
        f"--work_dir={work_dir / 'marathon'}",
    )
    return [
        part("master", master, [*master_command, *shared]),
        *(
            agent_part(options, work_dir, master, number, agent_port, shared)
            for number, agent_port in enumerate(ports[1:], 1)
        ),
        part("marathon", address_of(ip, marathon_port), [*marathon_command, *shared]),
    ]


def part(
    name: str,
    address: str,
    command: Sequence[str],
    farewell: signal.Signals = signal.SIGTERM,
) -> Part:
    """One daemon, which gets ``farewell`` also when this process is killed."""
    return Part(name, part_command(farewell, *command), address, farewell)


def agent_part(
    options: Options,
    work_dir: Path,
    master: str,
    number: int,
    agent_port: int,
    shared: Sequence[str],
) -> Part:
    """One agent, which ends its tasks when it is told to go."""
    command = [
        "mesos-agent",
        f"--master={master}",
        f"--ip={options['ip']}",
        f"--port={agent_port}",
        f"--work_dir={work_dir / f'agent{number}'}",
        # A newcomer should not wait for a back-off that spares a master of thousands.
        "--registration_backoff_factor=10ms",
        # All have one hostname: this is what constraints can tell them apart by.
        f"--attributes=node:agent{number}",
        *shared,
    ]
    command.append(f"--resources={share_of(options['resources'], number, options['agents'])}")
    # An agent ends its tasks on this signal; SIGTERM would leave them running.
    return part(f"agent{number}", address_of(options["ip"], agent_port), command, signal.SIGUSR1)


def share_of(text: str | None, number: int, agents: int) -> str:
    """
    What agent ``number`` of so many offers: ports are divided, since they share a machine.

    What ``text`` does not name is detected by the agent.
    """
    given = Resources.parse(text) if text else EMPTY
    ranges = given.ranges("ports") or Resources.parse(f"ports:{PORTS}").ranges("ports")
    ports = [port for low, high in ranges for port in range(low, high + 1)]
    each = len(ports) // agents
    own = ports[(number - 1) * each : number * each]
    others = given.filtered(lambda where: where.name != "ports").text()
    return ";".join(filter(None, (others, f"ports:[{_spans(own)}]" if own else "")))


def _spans(numbers: Sequence[int]) -> str:
    """Ascending numbers as ``1-3,7-7``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(f"{low}-{high}" for low, high in spans)


def address_of(ip: str, number: int) -> str:
    """``host:port``, with brackets where a host needs them."""
    return f"[{ip}]:{number}" if ":" in ip else f"{ip}:{number}"
