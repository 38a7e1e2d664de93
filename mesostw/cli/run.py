"""``mesostw run``: run a command on the cluster, as many times as wanted."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from mesostw.cli.cluster import Cluster, ClusterError
from mesostw.cli.logs import copy_from
from mesostw.client.commands import CommandRun, Instance
from mesostw.client.connect import connect
from mesostw.client.scheduler import FrameworkRefused
from mesostw.messages import URI, CommandInfo, Environment, FrameworkInfo, Variable
from mesostw.model.amounts import ResourcesError
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState
from mesostw.unattended import unattended

#: How often progress is drawn on a terminal, and told as a line elsewhere.
DRAW_INTERVAL_S: Final = 0.1
TELL_INTERVAL_S: Final = 2.0

#: How long a first connection may take before the command says what it waits for.
PATIENCE_S: Final = 3.0

#: What may follow a URI of ``--fetch``.
FETCH_WORDS: Final = ("executable", "cache", "packed")

#: How long Ctrl-C waits for the tasks to end before the framework is torn down anyway.
CANCEL_TIMEOUT_S: Final = 10.0


def add(subcommands: Any) -> None:
    """Declare ``run``."""
    one = subcommands.add_parser(
        "run",
        help="run a command on the cluster",
        usage="mesostw run [options] -- COMMAND [ARGUMENT ...]",
        description=(
            "Run a command, wait for its end, and end with the worst exit status of all "
            "instances. One word is given to a shell; several are a program and its arguments. "
            "Ctrl-C kills the tasks."
        ),
    )
    one.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run")
    one.add_argument("--instances", type=_count, default=1, metavar="N", help="(default: 1)")
    one.add_argument("--name", help="of the tasks (default: the command's first word)")
    one.add_argument("--cpus", default="0.1", help="for each instance (default: %(default)s)")
    one.add_argument("--mem", default="32", help="in MB, for each (default: %(default)s)")
    one.add_argument("--disk", default="0", help="in MB, for each (default: %(default)s)")
    one.add_argument("--gpus", default="0", help="for each (default: %(default)s)")
    one.add_argument("--role", default="*", help="whose share is used (default: %(default)s)")
    one.add_argument("--user", default=None, help="who runs it (default: you)")
    one.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    one.add_argument(
        "--fetch",
        action="append",
        default=[],
        metavar="URI[,executable][,cache][,packed]",
        help=(
            "bring a file into the sandbox first; archives are unpacked unless packed is said "
            "(may be repeated)"
        ),
    )
    one.add_argument("-f", "--follow", action="store_true", help="print output as it comes")
    one.add_argument("--output", action="store_true", help="print each output at its end")
    one.add_argument("-q", "--quiet", action="store_true", help="no progress")
    one.set_defaults(command=run)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def uri_of(text: str) -> URI:
    """A file to fetch, as ``--fetch`` is given it; a comma may also be part of the URI."""
    said: set[str] = set()
    while (parts := text.rpartition(","))[2] in FETCH_WORDS and parts[0]:
        text, _, word = parts
        said.add(word)
    return URI(
        value=text,
        executable="executable" in said,
        cache="cache" in said,
        extract="packed" not in said,
    )


def command_of(
    words: list[str], variables: list[str], user: str | None, fetched: Sequence[str] = ()
) -> CommandInfo:
    """The command as the API has it."""
    pairs = []
    for text in variables:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ClusterError(f"--env {text!r}: give it as NAME=VALUE")
        pairs.append(Variable(name=name, value=value))
    environment = Environment(variables=tuple(pairs)) if pairs else None
    uris = tuple(uri_of(text) for text in fetched)
    if len(words) == 1:
        return CommandInfo(value=words[0], environment=environment, user=user, uris=uris)
    return CommandInfo(
        shell=False,
        value=words[0],
        arguments=tuple(words),
        environment=environment,
        user=user,
        uris=uris,
    )


def need_of(options: argparse.Namespace) -> Resources:
    """What each instance needs; an amount of 0 is not asked for."""
    parts = [
        f"{name}:{amount}"
        for name in ("cpus", "mem", "disk", "gpus")
        if (amount := getattr(options, name)) not in ("0", "0.0")
    ]
    try:
        return Resources.parse(";".join(parts))
    except ResourcesError as fault:
        raise ClusterError(str(fault)) from fault


class Progress:
    """How many wait, stage, run and have ended, drawn in place or told in lines."""

    def __init__(self, run: CommandRun, *, quiet: bool) -> None:
        self._run, self._quiet = run, quiet
        self._terminal = sys.stderr.isatty()
        self._told = ""
        self._began = time.monotonic()
        self.heading = ""

    @property
    def interval_s(self) -> float:
        """How often :meth:`draw` is worth calling."""
        return DRAW_INTERVAL_S if self._terminal else TELL_INTERVAL_S

    def text(self) -> str:
        """The counts in a line."""
        states = self._run.states()
        ended_well = states[TaskState.TASK_FINISHED]
        killed = states[TaskState.TASK_KILLED]
        bad = sum(states[state] for state in TERMINAL) - ended_well - killed
        staging = states[TaskState.TASK_STAGING] + states[TaskState.TASK_STARTING]
        parts = [
            f"{self._run.waiting} waiting",
            f"{staging} staging",
            f"{states[TaskState.TASK_RUNNING]} running",
            f"{ended_well} finished",
            f"{bad} failed",
        ]
        if killed:
            parts.append(f"{killed} killed")
        if states[TaskState.TASK_UNREACHABLE]:
            parts.append(f"{states[TaskState.TASK_UNREACHABLE]} unreachable")
        return ", ".join(parts)

    def draw(self, *, last: bool = False) -> None:
        """Show the present counts if they have changed."""
        if self._quiet:
            return
        line = f"{self.heading}{self.text()}"
        if line == self._told and not last:
            return
        self._told = line
        seconds = f" ({time.monotonic() - self._began:.1f} s)"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}{seconds}" + ("\n" if last else ""))
        else:
            sys.stderr.write(f"{line}{seconds}\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """A line of its own, above what is drawn."""
        if self._terminal and not self._quiet:
            sys.stderr.write("\r\x1b[K")
        sys.stderr.write(f"mesostw: {text}\n")
        self._told = ""


class RunCommand:
    """One ``mesostw run`` from connection to exit status."""

    def __init__(self, reactor: Any, options: argparse.Namespace) -> None:
        self._reactor, self._options = reactor, options
        self._done: Deferred[None] = Deferred()
        self._cancelled = False
        name = options.name or os.path.basename(options.words[0].split()[0])
        # The start in microseconds and our pid: two runs of one command never share an id.
        self._run = CommandRun(
            f"{name}-{time.time_ns() // 1000:x}-{os.getpid()}",
            command_of(options.words, options.env, options.user, options.fetch),
            options.instances,
            need_of(options),
            self._moved,
            self._all_ended,
        )
        self._progress = Progress(self._run, quiet=options.quiet)
        framework = FrameworkInfo(
            user=options.user or getpass.getuser(),
            name=f"mesostw run {name}",
            role=options.role,
            checkpoint=True,
            # A master that fails over or a short break must not end the tasks.
            failover_timeout=60.0,
        )
        self._client = connect(reactor, self._run, framework)
        self._outputs: dict[str, int] = {}
        self._cluster: Cluster | None = None

    async def run(self) -> int:
        """Run to the end of all instances."""
        ended = self._client.start(self._options.master)
        unattended(ended, self._refused)
        signal.signal(signal.SIGINT, lambda *_: self._reactor.callFromThread(self._cancel))
        signal.signal(signal.SIGTERM, lambda *_: self._reactor.callFromThread(self._cancel))
        patience = self._reactor.callLater(PATIENCE_S, self._impatient)
        drawing = LoopingCall(self._progress.draw)
        drawing.clock = self._reactor
        unattended(drawing.start(self._progress.interval_s), self._refused)
        following = LoopingCall(self._follow)
        following.clock = self._reactor
        if self._options.follow:
            unattended(following.start(0.3), self._refused)
        try:
            await self._done
            if self._options.follow or self._options.output:
                await self._print_outputs()
        finally:
            for loop in (drawing, following):
                if loop.running:
                    loop.stop()
            if patience.active():
                patience.cancel()
        self._progress.draw(last=True)
        self._client.stop(teardown=True)
        # The teardown is written in the next turn.
        settled: Deferred[None] = Deferred()
        self._reactor.callLater(0.05, settled.callback, None)
        await settled
        return 130 if self._cancelled else self._run.exit_status()

    # --- what happens ------------------------------------------------------------

    def _moved(self, instance: Instance) -> None:
        task_id = self._run.task_id(instance)
        if instance.state is TaskState.TASK_RUNNING:
            self._outputs.setdefault(task_id, 0)
        if instance.state in TERMINAL:
            self._outputs.setdefault(task_id, 0)
            ended_well = instance.state in (TaskState.TASK_FINISHED, TaskState.TASK_KILLED)
            if not ended_well and not self._options.quiet:
                word = instance.state.value.removeprefix("TASK_")
                self._progress.note(f"{task_id}: {word} {instance.message}".rstrip())

    def _all_ended(self) -> None:
        if not self._done.called:
            self._done.callback(None)

    def _refused(self, failure: Any) -> None:
        if self._done.called:
            return
        if failure.check(FrameworkRefused):
            self._done.errback(ClusterError(f"the master refused us: {failure.value}"))
        else:
            self._done.errback(failure)

    def _impatient(self) -> None:
        """Say what is waited for, once."""
        if not self._client.connected:
            self._progress.note(
                f"no master answers at {self._options.master} yet; still trying "
                "(start one with script/cluster, or name another with --master HOST:PORT)"
            )
        elif self._run.waiting and not self._run.states():
            short = self._run.shortfall() or "nothing is offered"
            self._progress.note(
                f"waiting for an offer: {short} "
                f"(mesostw why framework {self._framework_id()} tells more)"
            )

    def _framework_id(self) -> str:
        framework = self._client.framework.id
        return framework.value if framework is not None else ""

    def _cancel(self) -> None:
        if self._cancelled or not self._client.connected:
            # Asked twice, or nobody to ask: leave at once; the teardown ends the tasks.
            self._cancelled = True
            self._all_ended()
            return
        self._cancelled = True
        self._progress.heading = "stopping: "
        self._run.cancel()
        self._reactor.callLater(CANCEL_TIMEOUT_S, self._all_ended)

    # --- output --------------------------------------------------------------------

    def _follow(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._print_outputs())

    async def _print_outputs(self) -> None:
        for task_id in list(self._outputs):
            agent_id = self._run.agent_of(task_id)
            # Asked before the read: what the task printed up to its end is read below.
            ended = self._run.has_ended(task_id)
            if agent_id is None:
                continue
            path = f"/frameworks/{self._framework_id()}/executors/{task_id}/runs/latest/stdout"
            try:
                if self._cluster is None:
                    self._cluster = await Cluster.at(self._reactor, self._options.master)
                self._outputs[task_id] = await copy_from(
                    self._cluster, agent_id, path, self._outputs[task_id], sys.stdout
                )
            except ClusterError as fault:
                # Another master may lead by now.
                self._cluster = None
                # An agent that is away for a moment must not end the run.
                if self._done.called:
                    self._progress.note(f"{task_id}: no output: {fault}")
            if ended and not self._done.called:
                self._outputs.pop(task_id, None)


async def run(reactor: Any, options: argparse.Namespace) -> int:
    """Run a command on the cluster."""
    options.words = options.words[options.words[:1] == ["--"] :]
    if not options.words or not options.words[0].strip():
        raise ClusterError("what shall run? mesostw run [options] -- COMMAND [ARGUMENT ...]")
    return await RunCommand(reactor, options).run()
