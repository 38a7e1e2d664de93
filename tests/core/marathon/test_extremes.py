"""Numbers that nobody means, and secrets: neither ends a life, nor in a log."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.machine import Marathon
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    GroupAsked,
    MarathonStimulus,
    Planned,
    Terms,
    Tick,
)
from mesostw.core.outcome import Answer, Asked, Continued, TimerFired
from mesostw.core.scheduling import Offered, Registered, StatusCame
from mesostw.messages.tasks import TaskStatus
from mesostw.model.apps import INT_MAX, ROOT, AppId
from mesostw.model.ids import FrameworkId, RequestId
from mesostw.model.tasks import TaskState
from mesostw.wire.json import encode
from tests.core.marathon.builders import STARTED
from tests.core.marathon.offering import master, offer, tasks_of

A: Final = AppId("/a")
FORCED: Final = Terms(force=True)
#: Agents that have more of everything than anybody has.
PLENTY: Final = "cpus:1e9;mem:1e9;disk:1e9;gpus:1e9;ports:[1-65535]"
NUMBERS: Final = (0, -1, 5e-324, 0.0005, INT_MAX, 2**40, 1e15, 10**30, 1e308, float("inf"))

_OF_APP: Final = [
    "instances",
    "cpus",
    "mem",
    "disk",
    "gpus",
    "backoffSeconds",
    "backoffFactor",
    "maxLaunchDelaySeconds",
    "taskKillGracePeriodSeconds",
    "drainDelaySeconds",
]
_OF_CHECK: Final = [
    "gracePeriodSeconds",
    "intervalSeconds",
    "timeoutSeconds",
    "maxConsecutiveFailures",
]


def documents(number: float) -> Iterator[Mapping[str, object]]:
    """The number in each place that takes one."""
    for key in _OF_APP:
        yield {key: number}
    for key in (*_OF_CHECK, "delaySeconds", "port", "portIndex"):
        for protocol in ("HTTP", "MESOS_HTTP"):
            yield {"healthChecks": [{"protocol": protocol, key: number}]}
    for key in ("intervalSeconds", "timeoutSeconds", "delaySeconds"):
        yield {"check": {"http": {}, key: number}}
    for key in ("minimumHealthCapacity", "maximumOverCapacity"):
        full = {"minimumHealthCapacity": 1, "maximumOverCapacity": 1}
        yield {"upgradeStrategy": {**full, key: number}}
    yield {"unreachableStrategy": {"inactiveAfterSeconds": number, "expungeAfterSeconds": number}}
    yield {"portDefinitions": [{"port": number}], "requirePorts": True}


class Life:
    """A Marathon that everything happens to, and all that it says is put into bytes."""

    def __init__(self) -> None:
        self.core = Marathon(MarathonFlags(), b"12345678", random.Random(1))
        self.core.restore((), STARTED)
        self.hear(Registered(FrameworkId("F"), master()))

    def hear(self, stimulus: MarathonStimulus) -> list[Any]:
        outcome = self.core.hear(stimulus, STARTED)
        for change in outcome.changes:
            write = change.write()
            if write is not None and write.value is not None:
                msgspec.msgpack.encode(write.value)
        for task in tasks_of(outcome.effects):
            encode(task)
        self.core.check()
        return outcome.effects

    def ask(self, question: object) -> object:
        effects = self.hear(Asked(RequestId(1), question))  # type: ignore[arg-type]
        (answer,) = (one.value for one in effects if isinstance(one, Answer))
        for _ in range(3):
            self.hear(Continued())
        return answer

    def launch(self) -> None:
        """Have tasks run, and the first of them fail."""
        for task in tasks_of(self.hear(Offered((offer(1, PLENTY), offer(2, PLENTY))))):
            for state in (TaskState.TASK_RUNNING, TaskState.TASK_FAILED):
                status = TaskStatus(task_id=task.task_id, state=state, agent_id=task.agent_id)
                self.hear(StatusCame(status))
        self.hear(Continued())
        self.hear(TimerFired(Tick()))

    def shown(self) -> None:
        """Have all that tells of the app tell it."""
        self.core.queue(STARTED)
        self.core.why(A, STARTED)
        encode(self.core.state.apps[A])
        app_document(self.core.state.apps[A], extensions=True)


def lived(document: Mapping[str, object]) -> bool:
    """Have an app, and what comes after; whether the document was accepted."""
    life = Life()
    answer = life.ask(AppsAsked(({"id": A, "cmd": "x", **document},), Terms()))
    if not isinstance(answer, Planned):
        return False
    life.launch()
    life.shown()
    later: tuple[Callable[[], object], ...] = (
        lambda: AppRestartAsked(A, FORCED),
        lambda: GroupAsked(ROOT, {"scaleBy": 1e12}, FORCED),
        lambda: GroupAsked(ROOT, {"scaleBy": 0}, FORCED),
        lambda: AppRemovalAsked(A, FORCED),
    )
    for question in later:
        life.ask(question())
        life.launch()
    return True


class ExtremeTests(SynchronousTestCase):
    """A number is refused when it is asked for, or never in anybody's way."""

    def test_numbers(self) -> None:
        """Whatever number stands anywhere, an app lives or is refused."""
        accepted = [lived(document) for number in NUMBERS for document in documents(number)]
        self.assertEqual({True, False}, set(accepted))

    def test_resources(self) -> None:
        """More than resources are counted to is refused; it was accepted and broke launching."""
        for key in ("cpus", "mem", "disk"):
            self.assertTrue(lived({key: 2.0**40}))
            self.assertFalse(lived({key: 2.0**40 + 1}))

    def test_scale_by(self) -> None:
        """A group is not scaled to more than any number."""
        life = Life()
        life.ask(AppsAsked(({"id": A, "cmd": "x", "instances": INT_MAX},), Terms()))
        answer = life.ask(GroupAsked(ROOT, {"scaleBy": 1e308}, FORCED))
        self.assertNotIsInstance(answer, Planned)


class SecretTests(SynchronousTestCase):
    """What a failure report or a verbose log has of an app."""

    def test_variables(self) -> None:
        """Names of variables, never their values, whatever was asked and came of it."""
        life = Life()
        document = {"id": A, "cmd": "x", "env": {"PASSWORD": "geheim"}}
        asked = AppsAsked((document,), Terms())
        group = GroupAsked(ROOT, {"groups": [{"id": "g", "apps": [document]}]}, FORCED)
        told = [repr(asked), repr(group)]
        for question in (asked, AppRestartAsked(A, FORCED)):
            outcome = life.core.hear(Asked(RequestId(1), question), STARTED)
            told.append(f"{outcome.changes} {outcome.effects}")
            life.hear(Continued())
            outcome = life.core.hear(Offered((offer(1, PLENTY),)), STARTED)
            told.append(f"{outcome.changes} {outcome.effects}")
        self.assertIn("PASSWORD", told[2])
        self.assertNotIn("geheim", "".join(told))
