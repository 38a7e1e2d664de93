"""
A whole cluster in one process and virtual time, decided by a seed.

::

    report = Cluster(seed=7).run()
    assert report.faults == [], report.story()

For a while things go wrong; then all is mended and the cluster must come to rest: every
job done, every end acknowledged, nothing left that runs, every agent registered, and what
readers see what the cores have.  ``python -m mesostw.testing.simulate --seed 7`` tells
the story of a seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from mesostw.core.master.records import AgentState, FrameworkState
from mesostw.core.master.state import ClusterState
from mesostw.model.ids import AgentId
from mesostw.model.resources import EMPTY, Resources
from mesostw.testing.checkers import Checker, differences, task_of
from mesostw.testing.faults import LoneWeather, Weather
from mesostw.testing.frameworks import jobs_of, with_endless
from mesostw.testing.lives import Life, Machine, Parts, Surroundings
from mesostw.testing.masters import IMasters, MasterLife, OneMaster
from mesostw.testing.programs import IProgram, Program
from mesostw.testing.several import SeveralMasters
from mesostw.testing.storms import SeveralWeather

#: How long things go wrong, in virtual seconds.
STORM_S: Final = 60.0
#: How long the cluster may take to come to rest afterwards: an agent that was away is
#: unreachable after 600 s, and a status is said again after at most 600 s.
SETTLE_S: Final = 1500.0
#: Between two looks whether it has come to rest.
LOOK_S: Final = 5.0
#: Steps of one moment after which something runs in circles.
STEPS_MAX: Final = 400_000


class Report(Struct, frozen=True):
    """How a simulation went."""

    seed: int
    #: What was wrong, first things first; empty if nothing was.
    faults: tuple[str, ...]
    #: How often each kind of trouble was made.
    trouble: Counter[str]
    steps: int
    virtual_s: float
    tasks: int
    statuses: int
    #: Of the whole story: the same seed, the same digest.
    digest: str
    lines: tuple[str, ...]


class Cluster:
    """
    Masters, agents and frameworks, and the trouble that a seed has for them.

    :param masters: with one, each that starts has the same registry; several are elected over
        an ensemble of ZooKeeper whose servers are on their hosts.
    :param storm_s: virtual seconds during which things go wrong.
    :param parts: what to build it from; broken parts must be found.
    """

    #: Whether an operator may give agents up for good.
    loses_agents = True

    def __init__(
        self,
        seed: int,
        agents: int = 3,
        frameworks: int = 2,
        jobs: int = 12,
        *,
        storm_s: float = STORM_S,
        parts: Parts | None = None,
        masters: int = 1,
    ) -> None:
        self._storm_s = storm_s
        self._is_operated = masters > 1
        #: Jobs, as ``FRAMEWORK-NUMBER``, whose tasks run until an operator ends them.
        self.endless: frozenset[str] = frozenset()
        around = self.around = Surroundings(seed, parts or Parts())
        around.checker = Checker(around.wrong, self.leading, self.need_of, self.leads)
        self.machines = [
            Machine(around, number, "cpus:4;mem:2048;ports:[31000-31009]")
            for number in range(agents)
        ]
        self.programs = self._programs_of(frameworks, jobs)
        self.masters: IMasters
        if masters > 1:
            several = self.masters = SeveralMasters(self, masters)
            self.weather: Weather = SeveralWeather(self, several, around.chance("weather"))
        else:
            one = self.masters = OneMaster(around, around.chance("cluster"), self.offered)
            self.weather = LoneWeather(self, one, around.chance("weather"))
        self._steps = 0

    def _programs_of(self, frameworks: int, jobs: int) -> Sequence[IProgram]:
        """What runs on the cluster: frameworks that have jobs."""
        around = self.around
        wanted = {
            name: jobs_of(around.chance(f"{name}/jobs"), jobs, self._storm_s)
            for name in (f"f{number}" for number in range(frameworks))
        }
        if self._is_operated:
            wanted = {name: with_endless(made) for name, made in wanted.items()}
        self.endless = frozenset(
            f"{name}-{job.number}"
            for name, made in wanted.items()
            for job in made
            if job.kind == "endless"
        )
        return [Program(around, name, made) for name, made in wanted.items()]

    # --- who is there -----------------------------------------------------------

    @property
    def owners(self) -> list[Machine | IProgram]:
        """Whatever has processes that dial the master."""
        return [*self.machines, *self.programs]

    @property
    def leader(self) -> MasterLife:
        """Who leads, or led last, alive or not."""
        return self.masters.leader

    def leading(self) -> ClusterState | None:
        """What readers of the leader see; nothing while it is dead."""
        return self.masters.leading()

    def leads(self, master_id: str) -> bool:
        """Whether the newest leader has that id."""
        return master_id == self.leader.master_id

    def lives(self) -> list[Life]:
        """Every process that lives."""
        found: list[Life] = [*self.masters.living()]
        owned = [owner.life for owner in self.owners]
        found += [life for life in owned if life is not None and life.alive]
        return found

    def daemons(self) -> list[Life]:
        """Processes that keep something and start again if they cannot."""
        return [
            *self.masters.keepers(),
            *(one.life for one in self.machines if one.life is not None),
        ]

    def clients(self) -> list[str]:
        """Hosts that dial the master."""
        return [owner.name if owner.life is None else owner.life.host for owner in self.owners]

    def need_of(self, task_id: str) -> Resources:
        """What a task takes."""
        return next(filter(None, (one.need_of(task_id) for one in self.programs)), EMPTY)

    def start_dead(self) -> None:
        """Start masters, agents and frameworks that are dead."""
        self.masters.start_dead()
        for owner in self.owners:
            if owner.life is None or not owner.life.alive:
                owner.start()

    def start_all(self) -> None:
        """Have all live that should."""
        self.masters.start_all()
        self.start_dead()

    def offered(self, master: MasterLife, agent_id: AgentId) -> None:
        """Look at an agent of which something is offered."""
        if master is self.leader:
            for machine in self.machines:
                if machine.agent_id == agent_id:
                    self.around.checker.fits(machine)

    # --- a run --------------------------------------------------------------------

    def run(self) -> Report:
        """Live through the storm and come to rest, or stop at the first thing that is wrong."""
        around = self.around
        self.start_dead()
        self.weather.begin()
        self._until(self._storm_s)
        around.tell("CALM")
        self.weather.end()
        end_s = around.clock.seconds() + SETTLE_S
        while not around.faults and around.clock.seconds() < end_s:
            self._until(around.clock.seconds() + LOOK_S)
            # A process may die of what was broken before.
            self.start_dead()
            self.masters.looked_at()
            if around.faults or not self._unrest():
                break
        if not around.faults:
            for reason in self._unrest():
                around.wrong(f"not at rest after {SETTLE_S:g} s: {reason}")
        return self._report()

    def _until(self, end_s: float) -> None:
        around = self.around
        clock, faults = around.clock, around.faults
        steps_max = self._steps + STEPS_MAX
        while not faults and (due := clock.next_time()) is not None and due <= end_s:
            self._steps += 1
            if self._steps > steps_max:
                around.wrong(f"{STEPS_MAX} steps within {LOOK_S:g} s")
            clock.step()
        clock.advance(0 if faults else max(0.0, end_s - clock.seconds()))

    def _unrest(self) -> list[str]:
        """What is not yet as it should be."""
        found = [reason for program in self.programs for reason in program.unrest()]
        for machine in self.machines:
            expected = {one for program in self.programs for one in program.expected_tasks()}
            unexpected = [
                spec.name for spec in machine.running.values() if task_of(spec) not in expected
            ]
            if unexpected:
                found.append(f"{machine.name} runs {unexpected}")
            if machine.life is not None:
                strange = set(machine.life.core.state.tasks) - expected
                if strange:
                    found.append(f"{machine.name} has {strange}")
        return found or self.masters.unrest() or self._unrest_of_master()

    def _unrest_of_master(self) -> list[str]:
        core = self.leader.core
        if core is None or not self.leader.alive:
            return ["no master leads"]
        found = []
        state = core.state
        expected = {one for program in self.programs for one in program.expected_tasks()}
        if set(state.tasks) - expected or state.unreachable:
            found.append(f"the master has {list(state.tasks)}, {state.unreachable} unreachable")
        if forgotten := sorted(expected - set(state.tasks)):
            found.append(f"the master does not have {forgotten}")
        active = {one.id for one in state.agents.values() if one.state is AgentState.ACTIVE}
        found += [
            f"{machine.name} ({machine.agent_id}) is not active"
            for machine in self.machines
            if machine.agent_id not in active
        ]
        # There may be others: whoever dies before it has kept its id gets a new one.
        known = {one.framework_id for one in self.programs}
        found += [
            f"{framework.info.name} ({framework.id}) is {framework.state}"
            for framework in state.frameworks.values()
            if framework.id in known and framework.state is not FrameworkState.ACTIVE
        ]
        used = [agent_id for agent_id in active if state.agent_load_of(agent_id).used]
        found += [f"{agent_id} is still used" for agent_id in used if not expected]
        return found or self._differences(state)

    def _differences(self, state: ClusterState) -> list[str]:
        found = [f"readers see other {name}" for name in differences(self.leader.feed.view, state)]
        for machine in self.machines:
            assert machine.life is not None
            found += [
                f"readers of {machine.name} see other {name}"
                for name in differences(machine.life.feed.view, machine.life.core.state)
            ]
        return found

    def _report(self) -> Report:
        around = self.around
        lines = tuple(around.lines())
        digest = blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
        return Report(
            around.seed,
            tuple(around.faults),
            self.weather.happened,
            self._steps,
            around.clock.seconds(),
            len(around.checker.containers),
            around.checker.statuses,
            digest,
            lines,
        )
