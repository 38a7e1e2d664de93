"""
A storm over Marathon's core: wishes of every kind, while tasks, agents, clocks and lives fail.

The whole core with its machine, a made-up cluster around it, and virtual time; no network, so
that a storm of minutes takes a tenth of a second.  What is asked is asked by seeded chance, so
that a seed that found something finds it again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from mesostw.core.marathon import fitness
from mesostw.core.marathon.changes import MarathonChange
from mesostw.core.marathon.durable import RECORDS
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.machine import Marathon
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    GroupAsked,
    GroupRemovalAsked,
    InstancesKillAsked,
    Terms,
)
from mesostw.core.outcome import Arm, Asked, Continue, Continued, Disarm, Moment, TimerFired
from mesostw.core.probes import Probed, StartProbe, StopProbe
from mesostw.core.scheduling import (
    AcceptOffers,
    AgentFailed,
    DeclineOffers,
    KillTask,
    MasterLost,
    Offered,
    ReconcileTasks,
    Registered,
    Rescinded,
    ReviveOffers,
    StatusCame,
    SuppressOffers,
)
from mesostw.messages.ids import AgentID, TaskID
from mesostw.messages.tasks import TaskInfo, TaskStatus, TaskStatusReason
from mesostw.model.apps import ROOT, App, AppId, GroupId
from mesostw.model.ids import AgentId, FrameworkId, OfferId, RequestId
from mesostw.model.tasks import TaskState
from tests.core.marathon.offering import master, offer, tasks_of

AGENTS: Final = tuple(f"S{number}" for number in range(1, 6))
G: Final = GroupId("/g")
#: One has one instance at most, the others whatever comes.
SINGLE: Final = AppId("/s")
APPS: Final = (AppId("/a"), AppId("/g/b"), AppId("/g/c"), AppId("/g/h/d"), SINGLE)
ENDS: Final = frozenset({TaskState.TASK_KILLED, TaskState.TASK_FAILED, TaskState.TASK_FINISHED})
#: Bytes of the largest record of a storm: none grows.
RECORD_BYTES_MAX: Final = 5_000
#: Seconds after which all must be as it is wished.
CALM_S: Final = 600
FLAGS: Final = MarathonFlags(
    min_revive_offers_interval_s=1.0,
    task_launch_timeout_s=60.0,
    task_launch_confirm_timeout_s=60.0,
    reconciliation_interval_s=60.0,
    decline_offer_duration_s=20.0,
    zk_max_versions=4,
)


class Storm:
    """A cluster, the Marathon on it, and chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.steady, self.wall = 1_000.0, 1.7e9
        self.store: dict[str, bytes] = {}
        self.lives = 0
        self.calm = False
        #: Whether effects are lost, as a process dies between keeping and saying.
        self.dying = False
        self.up = dict.fromkeys(AGENTS, True)
        #: Of each task that was ever launched, where it is and how it does.
        self.tasks: dict[str, tuple[str, TaskState]] = {}
        self.said = 0
        self.offers = 0
        self.born()

    # --- a life ---------------------------------------------------------------------

    def born(self) -> None:
        """A life begins with what the store has."""
        self.lives += 1
        self.inbox: list[Any] = []
        self.timers: dict[Struct, float] = {}
        self.probes: dict[str, float] = {}
        self.core = Marathon(FLAGS, self.lives.to_bytes(8, "big"), random.Random(self.lives))
        records = {
            key: msgspec.msgpack.decode(raw, type=RECORDS[key.partition("/")[0]])
            for key, raw in self.store.items()
        }
        self._follow(self.core.restore(records.items(), self.now))
        self.core.check()
        self.connect()

    def connect(self) -> None:
        """A master knows Marathon, and nothing of what it offered before."""
        self.offered: dict[OfferId, str] = {}
        self.refused: dict[str, float] = {}
        self.suppressed = False
        self.hear(Registered(FrameworkId("F"), master()))

    @property
    def now(self) -> Moment:
        return Moment(self.steady, self.wall)

    def hear(self, stimulus: Any) -> None:
        outcome = self.core.hear(stimulus, self.now)
        self.core.check()
        self._follow(outcome)

    def ask(self, question: Struct) -> None:
        self.hear(Asked(RequestId(1), question))

    def _follow(self, outcome: Any) -> None:
        for change in outcome.changes:
            self._keep(change)
        for effect in () if self.dying else outcome.effects:
            does = _EFFECTS.get(type(effect))
            if does is not None:
                does(self, effect)

    def _keep(self, change: MarathonChange) -> None:
        write = change.write()
        if write is None:
            return
        if write.value is None:
            self.store.pop(write.key, None)
            return
        self.store[write.key] = raw = msgspec.msgpack.encode(write.value)
        assert len(raw) < RECORD_BYTES_MAX, f"{write.key} has {len(raw)} bytes"

    # --- what is done for it ----------------------------------------------------------

    def _continue(self, _: Continue) -> None:
        self.inbox.append(Continued())

    def _arm(self, effect: Arm) -> None:
        self.timers[effect.timer] = self.steady + effect.delay_s

    def _disarm(self, effect: Disarm) -> None:
        self.timers.pop(effect.timer, None)

    def _probe(self, effect: StartProbe) -> None:
        self.probes[effect.key] = self.steady + effect.spec.interval_s

    def _unprobe(self, effect: StopProbe) -> None:
        self.probes.pop(effect.key, None)

    def _accept(self, effect: AcceptOffers) -> None:
        (offer_id,) = effect.offer_ids
        agent = self.offered.pop(offer_id, None)
        for task in tasks_of([effect]):
            self._launch(task, agent)
        if agent is not None:
            self.refused[agent] = self.steady + effect.refuse_s

    def _launch(self, task: TaskInfo, agent: str | None) -> None:
        task_id = task.task_id.value
        assert task_id not in self.tasks, f"{task_id} is launched twice"
        kept = f"instances/{task_id.partition('._app')[0]}"
        assert kept in self.store, f"{task_id} is launched and not kept"
        if agent is None or not self.up[agent]:
            self.say(task_id, TaskState.TASK_DROPPED)
        else:
            self.tasks[task_id] = (agent, TaskState.TASK_STAGING)

    def _decline(self, effect: DeclineOffers) -> None:
        for offer_id in effect.offer_ids:
            agent = self.offered.pop(offer_id, None)
            if agent is not None:
                self.refused[agent] = self.steady + effect.refuse_s

    def _revive(self, _: ReviveOffers) -> None:
        self.suppressed = False
        self.refused.clear()

    def _suppress(self, _: SuppressOffers) -> None:
        self.suppressed = True

    def _kill(self, effect: KillTask) -> None:
        agent, state = self.tasks.get(effect.task_id, ("", TaskState.TASK_KILLED))
        if state not in ENDS and self.up[agent] and (self.calm or self.chance.random() < 0.9):
            self.moves(effect.task_id, TaskState.TASK_KILLED)

    def _reconcile(self, effect: ReconcileTasks) -> None:
        for task_id in effect.tasks or self.running():
            agent, state = self.tasks.get(task_id, ("", TaskState.TASK_GONE))
            self.say(task_id, state if self.up.get(agent, True) else TaskState.TASK_UNREACHABLE)

    # --- the cluster --------------------------------------------------------------------

    def running(self) -> list[str]:
        """Tasks that have not ended."""
        return [task_id for task_id, (_, state) in self.tasks.items() if state not in ENDS]

    def moves(self, task_id: str, state: TaskState) -> None:
        self.tasks[task_id] = (self.tasks[task_id][0], state)
        self.say(task_id, state)

    def say(self, task_id: str, state: TaskState) -> None:
        """Have a status come soon."""
        self.said += 1
        agent = self.tasks.get(task_id, (None, None))[0]
        away = state is TaskState.TASK_UNREACHABLE
        status = TaskStatus(
            task_id=TaskID(value=task_id),
            state=state,
            agent_id=None if agent is None else AgentID(value=agent),
            uuid=self.said.to_bytes(16, "big"),
            reason=TaskStatusReason.REASON_RECONCILIATION if away else None,
        )
        self.inbox.append(StatusCame(status))

    def turn_agent(self, agent: str) -> None:
        """Have an agent go, or come back with its tasks."""
        self.up[agent] = is_up = not self.up[agent]
        for task_id in self.running():
            where, state = self.tasks[task_id]
            if where == agent:
                self.say(task_id, state if is_up else TaskState.TASK_UNREACHABLE)
        if not is_up:
            self.inbox.append(AgentFailed(AgentId(agent), None, None))
            for offer_id in [one for one, where in self.offered.items() if where == agent]:
                del self.offered[offer_id]
                self.inbox.append(Rescinded(offer_id))

    def step(self, seconds: float = 1.0) -> None:
        """Let everything happen that is about to, and some time go by."""
        for _ in range(60):
            if self.inbox:
                self.hear(self.inbox.pop(0))
        self.steady, self.wall = self.steady + seconds, self.wall + seconds
        for timer in [one for one, due in self.timers.items() if due <= self.steady]:
            if self.timers.pop(timer, None) is not None:
                self.hear(TimerFired(timer))
        self._tasks_move()
        self._probes_find()
        self._offer()

    def _tasks_move(self) -> None:
        for task_id in self.running():
            agent, state = self.tasks[task_id]
            if not self.up[agent]:
                continue
            if state is TaskState.TASK_STAGING and (self.calm or self.chance.random() < 0.7):
                self.moves(task_id, TaskState.TASK_RUNNING)
            elif not self.calm and self.chance.random() < 0.01:
                self.moves(task_id, self.chance.choice(sorted(ENDS)))

    def _probes_find(self) -> None:
        for key in [one for one, due in self.probes.items() if due <= self.steady]:
            if key in self.probes:
                self.probes[key] = self.steady + 2.0
                good = self.calm or self.chance.random() < 0.9
                self.hear(Probed(key=key, status=200 if good else 503))  # type: ignore[arg-type]

    def _offer(self) -> None:
        if self.suppressed:
            return
        some = []
        for number, agent in enumerate(AGENTS, 1):
            is_free = self.refused.get(agent, 0.0) <= self.steady
            if self.up[agent] and is_free and agent not in self.offered.values():
                self.offers += 1
                name = OfferId(f"O{self.offers}")
                self.offered[name] = agent
                rack = f"rack:r{number % 2}"
                some.append(offer(number, name=name, attributes=rack))
        if some:
            self.hear(Offered(tuple(some)))

    # --- what is asked, and what goes wrong -----------------------------------------------

    def happen(self) -> None:
        """Have one thing happen, whatever it is."""
        self.chance.choice(_HAPPENINGS)(self)

    @property
    def _terms(self) -> Terms:
        deadline = self.chance.choice((None, None, 20.0))
        return Terms(force=self.chance.random() < 0.6, deadline_s=deadline)

    def _app(self) -> AppId:
        return self.chance.choice(APPS)

    def _document(self, app_id: AppId) -> dict[str, object]:
        pick, some = self.chance.choice, self.chance.random
        document: dict[str, object] = {
            "id": app_id,
            "cmd": f"x{self.chance.randrange(99)}",
            "cpus": 0.01,
            "mem": 1,
            "backoffSeconds": pick((0, 1)),
            "maxLaunchDelaySeconds": 5,
            "drainDelaySeconds": pick((0, 0, 3)),
            "unreachableStrategy": pick(
                ("disabled", {"inactiveAfterSeconds": 5, "expungeAfterSeconds": 20})
            ),
        }
        if some() < 0.3:
            document["healthChecks"] = [{"intervalSeconds": 2, "gracePeriodSeconds": 5}]
        if some() < 0.2:
            document["portDefinitions"] = [{"name": "http-api"}]
            document["readinessChecks"] = [{"intervalSeconds": 5, "timeoutSeconds": 2}]
        if some() < 0.2 and app_id != APPS[0]:
            document["dependencies"] = [APPS[0]]
        if app_id == SINGLE:
            labels = {"MARATHON_SINGLE_INSTANCE_APP": "true"}
            return {**document, "labels": labels, "instances": self.chance.randrange(2)}
        document["constraints"] = pick(([], [["rack", "GROUP_BY"]], [["rack", "GROUP_BY", "2"]]))
        shares = (0, 0.5, 1)
        return {
            **document,
            "instances": "*" if some() < 0.15 else self.chance.randrange(5),
            "upgradeStrategy": {
                "minimumHealthCapacity": pick(shares),
                "maximumOverCapacity": pick(shares),
            },
        }

    def _change(self) -> None:
        partial = self.chance.random() < 0.5
        self.ask(AppsAsked((self._document(self._app()),), self._terms, partial=partial))

    def _scale(self) -> None:
        document = {"id": self._app(), "instances": self.chance.randrange(5)}
        self.ask(AppsAsked((document,), self._terms, may_create=False))

    def _restart(self) -> None:
        self.ask(AppRestartAsked(self._app(), self._terms))

    def _remove(self) -> None:
        self.ask(AppRemovalAsked(self._app(), self._terms))

    def _change_group(self) -> None:
        apps = [self._document(one) for one in APPS[1:3] if self.chance.random() < 0.7]
        inner = [{"id": "/g/h", "apps": [self._document(APPS[3])]}]
        document = {
            "apps": apps,
            "groups": self.chance.choice((inner, [])),
            "dependencies": self.chance.choice(([], [APPS[0]])),
        }
        self.ask(GroupAsked(G, document, self._terms))

    def _scale_group(self) -> None:
        self.ask(GroupAsked(G, {"scaleBy": self.chance.choice((0, 0.5, 1.5))}, self._terms))

    def _set_group_back(self) -> None:
        version = self.chance.choice(("", *self.core.state.root_changes))
        self.ask(GroupAsked(self.chance.choice((G, ROOT)), {"version": version}, self._terms))

    def _remove_group(self) -> None:
        self.ask(GroupRemovalAsked(G, self._terms))

    def _cancel(self) -> None:
        for one in tuple(self.core.state.deployments)[:1]:
            self.ask(DeploymentCancelAsked(one, force=self.chance.random() < 0.3))

    def _pause(self) -> None:
        for one in tuple(self.core.state.deployments)[:2]:
            self.ask(DeploymentPauseAsked(one, paused=self.chance.random() < 0.5))

    def _kill_some(self) -> None:
        how = self.chance.choice(({}, {"scale": True}, {"wipe": True}))
        for one in tuple(self.core.state.instances)[:1]:
            self.ask(InstancesKillAsked(self._terms, task_ids=(one,), **how))

    def _agent(self) -> None:
        self.turn_agent(self.chance.choice(AGENTS))

    def _crash(self) -> None:
        """Die with what the last turns said unsaid."""
        self.dying = True
        for _ in range(self.chance.randrange(3)):
            if self.inbox:
                self.hear(self.inbox.pop(0))
        self.dying = False
        self.born()

    def _lose_master(self) -> None:
        self.hear(MasterLost())
        self.step()
        self.connect()

    def _clock(self) -> None:
        self.wall += self.chance.choice((-300.0, -20.0, 20.0, 300.0))

    # --- at rest ------------------------------------------------------------------------

    def rest(self) -> list[str]:
        """Let nothing more go wrong; what is not as wished after ``CALM_S``."""
        self.calm = True
        for agent in [one for one, is_up in self.up.items() if not is_up]:
            self.turn_agent(agent)
        for one in tuple(self.core.state.deployments):
            self.ask(DeploymentPauseAsked(one, paused=False))
        for _ in range(CALM_S):
            self.step()
        state = self.core.state
        found = [f"{one} is under way" for one in state.deployments]
        for app in state.apps.values():
            found += self._unlike(app)
        known = {instance.task_id for instance in state.instances.values()}
        found += [f"{task_id} is run or known alone" for task_id in known ^ set(self.running())]
        found += [f"{one} is gone and has something left" for one in self._left_of_apps()]
        passing = ("deployments", "affected", "regrouped")
        return found + [f"{key} is kept" for key in self.store if key.startswith(passing)]

    def _unlike(self, app: App) -> list[str]:
        state, spec = self.core.state, app.spec
        instances = state.of_app(app.id).values()
        wished = len(AGENTS) if spec.every_agent else spec.instances
        if spec.every_agent and spec.constraints:
            # How many agents may have one is the constraints' matter.
            wished = len(instances)
        ready = spec.readiness_checks or all(fitness.is_ready(state, one) for one in instances)
        if len(instances) == wished and ready:
            return []
        return [f"{app.id} has {len(instances)}, wished {wished}, ready {ready}"]

    def _left_of_apps(self) -> set[AppId]:
        state, live = self.core.state, self.core._live
        tables = (state.instances_of, state.versions, state.waiting, state.delays, live.checked)
        found = {app_id for table in tables for app_id in table}
        return (found | live.launch.everywhere.keys() | live.unsettled) - state.apps.keys()


_EFFECTS: Final[dict[type, Callable[[Storm, Any], None]]] = {
    Continue: Storm._continue,
    Arm: Storm._arm,
    Disarm: Storm._disarm,
    StartProbe: Storm._probe,
    StopProbe: Storm._unprobe,
    AcceptOffers: Storm._accept,
    DeclineOffers: Storm._decline,
    ReviveOffers: Storm._revive,
    SuppressOffers: Storm._suppress,
    KillTask: Storm._kill,
    ReconcileTasks: Storm._reconcile,
}

_HAPPENINGS: Final[tuple[Callable[[Storm], None], ...]] = (
    Storm._change,
    Storm._change,
    Storm._change,
    Storm._scale,
    Storm._restart,
    Storm._remove,
    Storm._change_group,
    Storm._scale_group,
    Storm._set_group_back,
    Storm._remove_group,
    Storm._cancel,
    Storm._pause,
    Storm._kill_some,
    Storm._agent,
    Storm._crash,
    Storm._lose_master,
    Storm._clock,
)


def storm(seed: int, steps: int = 150) -> list[str]:
    """Have one; what is not as wished after it."""
    one = Storm(seed)
    for _ in range(steps):
        if one.chance.random() < 0.5:
            one.happen()
        one.step(one.chance.choice((0.1, 1.0, 1.0, 5.0)))
    return one.rest()
