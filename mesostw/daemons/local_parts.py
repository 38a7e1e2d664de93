"""What a local cluster is made of: its flags, its parts and their ports, and the demo app."""

from __future__ import annotations

import getpass
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
CHRONOS_PORT: Final = 4400

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

#: A job on a clock, and one that follows it, with what its runs leave in their sandboxes.
DEMO_JOBS: Final = (
    (
        "iso8601",
        {
            "name": "demo-extract",
            "schedule": "R//PT1M",
            "command": 'echo "extracted at $(date -u +%T) for $CHRONOS_JOB_RUN_TIME"',
            "owner": "demo@localhost",
            "cpus": 0.1,
            "mem": 32,
        },
    ),
    (
        "dependency",
        {
            "name": "demo-report",
            "parents": ["demo-extract"],
            "command": 'echo "reported after $CHRONOS_PARENT_RUNS"',
            "owner": "demo@localhost",
            "cpus": 0.1,
            "mem": 32,
        },
    ),
)


def resources(text: str) -> str:
    """The text of resources, if it can be read."""
    Resources.parse(text)
    return text


class Options(FlagOptions):
    """What ``twistd mesos-local`` accepts."""

    synopsis = "[options]"
    longdesc = (
        "A master, agents, Marathon and Chronos on this machine with the dashboard, for trying and "
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
        Flag("chronos", "Whether there is a Chronos too.", "true", boolean),
        Flag(
            "chronos_port",
            "Chronos' port. 0: any, also when --port is 0 and this is not given.",
            read=port,
        ),
        Flag("demo", "Whether a small app and two jobs are created.", "false", boolean),
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


@frozen
class Ports:
    """Where each part listens."""

    master: int
    agents: Sequence[int]
    marathon: int
    #: ``None`` if there is none.
    chronos: int | None


def ports_of(options: Options) -> Ports:
    """
    A port for each part.

    :raises OSError: if one cannot be had now.
    """
    ip, wanted, first = options["ip"], options["agents"] + 1, options["port"]
    named = [_named(options["marathon_port"], MARATHON_PORT, first)]
    if options["chronos"]:
        named.append(_named(options["chronos_port"], CHRONOS_PORT, first))
    free = free_ports(ip, (wanted if first == 0 else 0) + named.count(0))
    for number in named:
        if number:
            given_ports(ip, number, 1)
    named = [number or free.pop() for number in named]
    row = free if first == 0 else given_ports(ip, first, wanted)
    return Ports(row[0], row[1:], named[0], named[1] if len(named) > 1 else None)


def _named(given: int | None, default: int, first: int) -> int:
    """A framework's port; 0 is any, also where the row's is."""
    if given is not None:
        return given
    return default if first else 0


def parts_of(options: Options, work_dir: Path) -> list[Part]:
    """The master first, then the agents, then the frameworks: each needs who was before."""
    ip = options["ip"]
    ports = ports_of(options)
    shared = [f"--log_format={options['log_format']}"]
    shared += [f"--logging_level={options['logging_level']}"]
    if options["hostname"]:
        shared.append(f"--hostname={options['hostname']}")
    master = address_of(ip, ports.master)
    master_command = (
        "mesos-master",
        f"--ip={ip}",
        f"--port={ports.master}",
        f"--work_dir={work_dir / 'master'}",
        f"--cluster={options['cluster']}",
    )
    parts = [
        part("master", master, [*master_command, *shared]),
        *(
            agent_part(options, work_dir, master, number, agent_port, shared)
            for number, agent_port in enumerate(ports.agents, 1)
        ),
        framework_part("marathon", ip, ports.marathon, work_dir, master, shared),
    ]
    if ports.chronos is not None:
        # Jobs that name nobody run as who tries this out, not as root.
        own = [f"--user={getpass.getuser()}", *shared]
        parts.append(framework_part("chronos", ip, ports.chronos, work_dir, master, own))
    return parts


def framework_part(
    name: str, ip: str, number: int, work_dir: Path, master: str, shared: Sequence[str]
) -> Part:
    """Marathon or Chronos."""
    command = (
        name,
        f"--master={master}",
        f"--http_address={ip}",
        f"--http_port={number}",
        f"--work_dir={work_dir / name}",
    )
    return part(name, address_of(ip, number), [*command, *shared])


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
