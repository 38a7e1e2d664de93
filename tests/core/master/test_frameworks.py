"""The life of a framework."""

from __future__ import annotations

import math

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.state import COMPLETED_FRAMEWORKS_MAX
from mesostw.core.master.words import FrameworkUpdateAsked, TeardownAsked, WeightsAsked
from mesostw.core.outcome import LinkCrowded, LinkEased, Refusal
from mesostw.messages.agent_master import (
    FrameworkReturned,
    ShutdownExecutor,
    ShutdownFramework,
)
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.scheduler_calls import (
    Kill,
    Revive,
    Shutdown,
    Subscribe,
    Suppress,
    Teardown,
    UpdateFramework,
)
from mesostw.messages.scheduler_events import Error, Heartbeat, Rescind, Subscribed
from mesostw.model.ids import FrameworkId
from tests.core.master.builders import Bench, Peer, framework_info


def returning(framework: Peer, **given: object) -> FrameworkInfo:
    """The framework as it comes back."""
    info = framework_info(**given)
    return replace(info, id=FrameworkID(value=framework.id))


class SubscriptionTests(SynchronousTestCase):
    """A framework subscribes, and comes back."""

    def setUp(self) -> None:
        self.bench = Bench()

    def test_subscribed(self) -> None:
        """SUBSCRIBED comes first, with the id; a HEARTBEAT follows it, and one each 15 s."""
        framework = self.bench.framework()
        first, second = framework.told[:2]
        assert isinstance(first, Subscribed)
        self.assertEqual(first.framework_id.value, "m1-0000")
        self.assertEqual(first.heartbeat_interval_seconds, 15.0)
        self.assertIsInstance(second, Heartbeat)
        self.bench.pass_time(61)
        self.assertEqual(len(framework.all(Heartbeat)), 5)

    def test_repeated(self) -> None:
        """A SUBSCRIBE that is heard twice on a link makes one framework."""
        framework = self.bench.framework()
        framework.say(Subscribe(framework_info=framework_info()))
        ids = [event.framework_id.value for event in framework.all(Subscribed)]
        self.assertEqual(ids, ["m1-0000", "m1-0000"])

    def test_failover(self) -> None:
        """The newer connection counts: the old one hears an error, and its offers are void."""
        self.bench.agent()
        old = self.bench.framework()
        self.bench.allocate()
        self.assertEqual(len(old.offers()), 1)
        new = self.bench.framework(returning(old))
        self.assertEqual(old.last(Error).message, "Framework failed over")
        self.assertIsNotNone(old.closed)
        self.assertEqual(new.id, old.id)
        self.bench.allocate()
        self.assertEqual(len(new.offers()), 1)
        self.assertEqual(self.bench.framework_state(new), "active")

    def test_missed(self) -> None:
        """Agents that have something of a framework say it again when that is back, others not."""
        agent, other = self.bench.agent(), self.bench.agent()
        old = self.bench.framework()
        for name in ("t1", "t2"):
            self.bench.run(old, agent, name)
        self.assertEqual(agent.all(FrameworkReturned), [])
        old.break_link()
        new = self.bench.framework(returning(old))
        self.assertEqual(agent.last(FrameworkReturned).framework_id.value, new.id)
        self.assertEqual(len(agent.all(FrameworkReturned)), 1)
        self.assertEqual(other.all(FrameworkReturned), [])

    def test_missed_while_away(self) -> None:
        """An agent that is away when a framework is back is told nothing: it says all itself."""
        agent = self.bench.agent()
        old = self.bench.framework()
        self.bench.run(old, agent)
        old.break_link()
        agent.break_link()
        new = self.bench.framework(returning(old))
        self.assertEqual(self.bench.framework_state(new), "active")
        self.assertEqual(agent.all(FrameworkReturned), [])

    def test_user_and_checkpoint_stay(self) -> None:
        """What may not change is kept silently; what may is taken."""
        old = self.bench.framework()
        self.bench.framework(returning(old, user="other", checkpoint=False, name="new"))
        info = self.bench.master.state.frameworks[FrameworkId(old.id)].info
        self.assertEqual((info.user, info.checkpoint, info.name), ("me", True, "new"))

    def test_refused(self) -> None:
        """What a FrameworkInfo may not say is an ERROR event, and the link ends."""
        for fault, info in (
            ("'FrameworkInfo.id' ", framework_info(id=FrameworkID(value="a/b"))),
            ("'FrameworkInfo.roles' must not be set", framework_info(roles=("a",))),
            (
                "'FrameworkInfo.role' must not be set",
                framework_info(role="a", capabilities=("MULTI_ROLE",)),
            ),
            (
                "duplicate items: a",
                framework_info(roles=("a", "a"), capabilities=("MULTI_ROLE",)),
            ),
            ("contains invalid role", framework_info(role="a b")),
            ("failover_timeout is invalid", framework_info(failover_timeout=-1.0)),
            ("failover_timeout is invalid", framework_info(failover_timeout=math.nan)),
        ):
            framework = self.bench.framework(info)
            self.assertIn(fault, framework.last(Error).message)
            self.assertIsNotNone(framework.closed)
        self.assertEqual(self.bench.master.state.frameworks, {})

    def test_principal(self) -> None:
        """Nobody comes back as another principal."""
        old = self.bench.framework()
        new = self.bench.framework(returning(old, principal="mallory"))
        self.assertIn("principal", new.last(Error).message)
        self.assertIsNone(old.closed)

    def test_not_subscribed(self) -> None:
        """A call before SUBSCRIBE is an error."""
        framework = self.bench.open("framework")
        framework.say(Kill(task_id=TaskID(value="t1")))
        self.assertIn("not subscribed", framework.last(Error).message)

    def test_root(self) -> None:
        """Without root submissions user root is refused."""
        framework = Bench(root_submissions=False).framework(framework_info(user="root"))
        self.assertIn("'root'", framework.last(Error).message)


class WishTests(SynchronousTestCase):
    """What a framework wants."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()

    def test_suppressed(self) -> None:
        """A framework that suppresses is offered nothing until it revives."""
        framework = self.bench.framework(suppressed_roles=("*",))
        self.bench.pass_time(3)
        self.assertEqual(framework.offers(), [])
        framework.say(Revive())
        self.bench.allocate()
        [offer] = framework.offers()
        framework.say(Suppress())
        self.assertEqual(framework.offers(), [offer])

    def test_strange_role(self) -> None:
        """A role that is not the framework's voids the call."""
        framework = self.bench.framework()
        framework.say(Suppress(roles=("*", "other")))
        self.bench.allocate()
        self.assertEqual(len(framework.offers()), 1)

    def test_update(self) -> None:
        """A changed role takes the offers of the old one back."""
        framework = self.bench.framework()
        self.bench.allocate()
        framework.say(UpdateFramework(framework_info=framework_info(role="dev")))
        self.assertEqual(len(framework.all(Rescind)), 1)
        self.bench.allocate()
        [offer] = framework.offers()
        assert offer.allocation_info is not None
        self.assertEqual(offer.allocation_info.role, "dev")

    def test_update_refused(self) -> None:
        """User, checkpoint and principal do not change; the answer says so."""
        framework = self.bench.framework()
        for info in (
            framework_info(user="other"),
            framework_info(checkpoint=False),
            framework_info(principal="p"),
        ):
            call = UpdateFramework(framework_info=info)
            answer = self.bench.ask(FrameworkUpdateAsked(FrameworkId(framework.id), call))
            self.assertIsInstance(answer, Refusal)
        call = UpdateFramework(framework_info=framework_info(name="new"))
        answer = self.bench.ask(FrameworkUpdateAsked(FrameworkId(framework.id), call))
        self.assertIsNone(answer)

    def test_slow(self) -> None:
        """A framework that reads too slowly is offered nothing until it has caught up."""
        framework = self.bench.framework()
        self.bench.hear_only(LinkCrowded(framework.link))
        self.bench.pass_time(2)
        self.assertEqual(self.bench.framework_state(framework), "inactive")
        self.bench.hear(LinkEased(framework.link))
        self.bench.allocate()
        self.assertEqual(self.bench.framework_state(framework), "active")
        self.assertEqual(len(framework.offers()), 1)

    def test_executor_shutdown(self) -> None:
        """SHUTDOWN goes to the agent."""
        framework = self.bench.framework()
        framework.say(
            Shutdown(executor_id=ExecutorID(value="e1"), agent_id=AgentID(value=self.agent.id))
        )
        self.assertEqual(self.agent.last(ShutdownExecutor).executor_id.value, "e1")

    def test_weights(self) -> None:
        """Weights are kept; a wrong one changes nothing."""
        self.assertIsNone(self.bench.ask(WeightsAsked({"dev": 2.0})))
        self.assertIn("weights/dev", self.bench.records)
        self.assertIsInstance(self.bench.ask(WeightsAsked({"dev": 0.0})), Refusal)
        self.bench.restart()
        self.assertEqual(self.bench.master.state.weights, {"dev": 2.0})


class EndTests(SynchronousTestCase):
    """A framework ends."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent()

    def test_teardown(self) -> None:
        """Its tasks are killed, all it had is free, and its id does not come back."""
        framework = self.bench.framework()
        self.bench.run(framework, self.agent)
        self.bench.allocate()
        framework.say(Teardown())
        self.assertTrue(self.agent.all(ShutdownFramework))
        self.assertEqual(self.bench.framework_state(framework), "completed")
        self.assertEqual(self.bench.used(self.agent), "")
        self.assertEqual(self.bench.task(framework, "t1").state.value, "TASK_KILLED")
        self.assertIsNotNone(framework.closed)
        self.bench.restart()
        again = self.bench.framework(returning(framework))
        self.assertEqual(again.last(Error).message, "Framework has been removed")

    def test_operator(self) -> None:
        """An operator may end it too."""
        framework = self.bench.framework()
        self.assertIsNone(self.bench.ask(TeardownAsked(FrameworkId(framework.id))))
        self.assertIsInstance(self.bench.ask(TeardownAsked(FrameworkId("f9"))), Refusal)

    def test_failover_timeout(self) -> None:
        """A framework whose link ends has its failover_timeout to come back."""
        framework = self.bench.framework(framework_info(failover_timeout=100.0))
        self.bench.run(framework, self.agent)
        self.bench.allocate()
        framework.break_link()
        self.assertEqual(self.bench.framework_state(framework), "disconnected")
        self.bench.pass_time(98)
        self.assertEqual(self.bench.framework_state(framework), "disconnected")
        self.bench.pass_time(4)
        self.assertEqual(self.bench.framework_state(framework), "completed")

    def test_back_in_time(self) -> None:
        """One that comes back keeps its tasks."""
        framework = self.bench.framework(framework_info(failover_timeout=100.0))
        self.bench.run(framework, self.agent)
        framework.break_link()
        self.bench.pass_time(50)
        back = self.bench.framework(returning(framework, failover_timeout=100.0))
        self.bench.pass_time(100)
        self.assertTrue(self.bench.is_running(back, "t1"))

    def test_no_failover_timeout(self) -> None:
        """By default it ends with its link."""
        framework = self.bench.framework(framework_info(failover_timeout=0.0))
        framework.break_link()
        self.assertEqual(self.bench.framework_state(framework), "completed")

    def test_bounded(self) -> None:
        """So many completed frameworks are remembered, in the store too."""
        for _ in range(COMPLETED_FRAMEWORKS_MAX + 5):
            self.bench.framework(framework_info(failover_timeout=0.0)).break_link()
        completed = self.bench.master.state.completed_frameworks
        self.assertEqual(len(completed), COMPLETED_FRAMEWORKS_MAX)
        self.assertEqual(len(self.bench.records), COMPLETED_FRAMEWORKS_MAX + 1)
        self.assertEqual(len(self.bench.master.state.framework_loads), COMPLETED_FRAMEWORKS_MAX)
