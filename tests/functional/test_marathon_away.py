"""Agents that are cut off, come and go, and instances that leave slowly; watched from outside."""

from __future__ import annotations

import time
from functools import partial
from math import isfinite
from typing import Any, Final

from tests.functional.clusters import wait_until
from tests.functional.hamlet import Hamlet
from tests.functional.marathon.asking import Listener
from tests.functional.watched import PROTOCOLS, Watched, limits, strategy

#: Never given up while a test lasts.
PATIENT: Final = {"inactiveAfterSeconds": 300, "expungeAfterSeconds": 600}
#: Replaced after a while, and not forgotten while a test lasts.
USUAL: Final = {"inactiveAfterSeconds": 5, "expungeAfterSeconds": 60}
HASTY: Final = {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}
DRAIN_S: Final = 3


class InHamlet(Watched):
    """Tests with a cluster of their own."""

    agents = 3

    def setUp(self) -> None:
        self.hamlet = Hamlet(self.agents)
        self.addCleanup(self.hamlet.stop)
        super().setUp()

    def address(self) -> str:
        """Marathon's."""
        return self.hamlet.marathon.address

    def on(self, agent: str, app_id: str) -> set[str]:
        """Tasks of an app that an agent runs."""
        alive = self.witness.alive(app_id)
        return {one.task_id for one in alive if self.hamlet.agent_of(one.pid) == agent}

    def states(self, app_id: str) -> dict[str, str]:
        """The app's tasks as the API shows them."""
        return {one["id"]: one["state"] for one in self.shown(app_id)["tasks"]}


class PartitionTests(InHamlet):
    """An agent that is cut off without a word, and comes back."""

    agents = 2

    def test_partition(self) -> None:
        """Each unreachable strategy is kept to, for both kinds of checks."""
        strategies: dict[str, Any] = {
            "hasty": HASTY,
            "usual": USUAL,
            "patient": PATIENT,
            "disabled": "disabled",
        }
        documents = []
        for name, strategy_ in strategies.items():
            for protocol in PROTOCOLS:
                app = self.app(protocol, instances=2, unreachableStrategy=strategy_)
                app["constraints"] = [["node", "UNIQUE"]]
                documents.append({**app, "id": f"{app['id']}-{name}"})
        app_ids = self.started(*documents)
        # The place of replacements.
        self.hamlet.start_agent("agent3")
        wait_until("the agent", lambda: self.hamlet.active() == 3)
        cut_off = {app_id: self.on("agent1", app_id) for app_id in app_ids}
        self.assertTrue(all(len(found) == 1 for found in cut_off.values()), cut_off)
        replaced = [one for one in app_ids if one.endswith(("-hasty", "-usual"))]
        left = [one for one in app_ids if one not in replaced]
        self.hold(replaced, 2, 3)
        self.hold(left, 2, 2)

        self.hamlet.wires["agent1"].cut()
        for app_id in app_ids:
            (task_id,) = cut_off[app_id]
            wait_until(f"{task_id} to be away", partial(self._is_away, app_id, task_id))
        for app_id in replaced:
            self.served(app_id, 3)
        self.assertEqual([one for one in replaced if not self.on("agent3", one)], [])
        for app_id in (one for one in replaced if one.endswith("-hasty")):
            (task_id,) = cut_off[app_id]
            wait_until(f"{task_id} to be forgotten", partial(self._is_forgotten, app_id, task_id))

        self.hamlet.wires["agent1"].mend()
        for app_id in app_ids:
            self.served(app_id, 2)
            wait_until(f"two of {app_id}", partial(self._all_run, app_id, 2))
            is_kept = bool(self.on("agent1", app_id))
            self.assertEqual(len(self.witness.lives(app_id)), 3 if app_id in replaced else 2)
            if not app_id.endswith("-usual"):  # of those either may go
                self.assertEqual(is_kept, app_id in left, app_id)
        self.deployed()
        self.judge()

    def _is_away(self, app_id: str, task_id: str) -> bool:
        return self.states(app_id).get(task_id, "TASK_UNREACHABLE") == "TASK_UNREACHABLE"

    def _is_forgotten(self, app_id: str, task_id: str) -> bool:
        return task_id not in self.states(app_id)

    def _all_run(self, app_id: str, count: int) -> bool:
        return list(self.states(app_id).values()) == ["TASK_RUNNING"] * count

    def test_amid_upgrade(self) -> None:
        """Cut off amid an upgrade: it ends without that agent, whose tasks end when it is back."""
        app_ids = self.both(
            constraints=[["node", "MAX_PER", "2"]],
            unreachableStrategy=HASTY,
            upgradeStrategy=strategy(0.5, 0),
        )
        self.hamlet.start_agent("agent3")
        wait_until("the agent", lambda: self.hamlet.active() == 3)
        for app_id in app_ids:
            self.change(app_id, {"env": {"A": "1"}})
        self.hamlet.wires["agent1"].cut()
        for app_id in app_ids:
            # Those that are cut off serve on, though nobody counts them.
            self.witness.rule(app_id, 2, 4 + len(self.on("agent1", app_id)))
        self.deployed()
        for app_id in app_ids:
            new = [one for one in self.witness.alive(app_id) if one.version == self.version(app_id)]
            self.assertGreaterEqual(len(new), 4)
        self.assertTrue(any(self.on("agent1", app_id) for app_id in app_ids))

        self.hamlet.wires["agent1"].mend()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.versions(app_id), {self.version(app_id)})
            wait_until(f"four of {app_id}", partial(self._all_run, app_id, 4))
        self.judge()


class EverywhereTests(InHamlet):
    """One instance on every agent."""

    def one_each(self, app_id: str, *agents: str) -> None:
        """Wait until exactly these agents have one each."""
        self.served(app_id, len(agents))
        self.assertEqual([len(self.on(agent, app_id)) for agent in agents], [1] * len(agents))

    def test_agents_come_and_go(self) -> None:
        """A new agent gets one, that of an agent that leaves is not missed."""
        app = self.app(upgradeStrategy=strategy(1, 1))
        self.ask("PUT", f"/v2/apps{app['id']}", {**app, "instances": "*"})
        self.deployed()
        self.one_each(app["id"], "agent1", "agent2", "agent3")
        self.hold([app["id"]], 3, 4)
        self.hamlet.start_agent("agent4")
        self.one_each(app["id"], "agent1", "agent2", "agent3", "agent4")
        self.hold([app["id"]], 3, 4)
        # There is one place on each agent, so one at a time ends before the next begins.
        self.change(app["id"], {"env": {"A": "1"}})
        self.deployed()
        self.one_each(app["id"], "agent1", "agent2", "agent3", "agent4")
        self.hold([app["id"]], 3, 4)
        self.hamlet.end_agent("agent4")
        self.one_each(app["id"], "agent1", "agent2", "agent3")
        wait_until("3 to be shown", lambda: self.shown(app["id"])["instances"] == 3)
        self.assertEqual(self.deployments(), {})
        self.judge()


class DrainTests(InHamlet):
    """Instances that are out of service for a while before they end."""

    agents = 1

    def leaving(self, app_id: str) -> set[str]:
        """Tasks that are shown as being on their way out."""
        return {name for name, state in self.states(app_id).items() if state == "TASK_KILLING"}

    def drained(self, began: float, leaving: set[str]) -> None:
        """See that these serve for all of their time, and end then."""
        wait_until("their ends", lambda: not any(map(self.witness.is_alive, leaving)))
        wait_until("last looks", lambda: all(map(isfinite, map(self.witness.ended, leaving))))
        for task_id in leaving:
            self.assertGreater(self.witness.ended(task_id) - began, DRAIN_S)

    def test_scaled_down(self) -> None:
        """Out of service at once, as is shown and told; it serves until the delay is over."""
        app_ids = self.both(instances=3, drainDelaySeconds=DRAIN_S)
        events = Listener(self.address(), "?event_type=instance_changed_event")
        self.addCleanup(events.close)
        self.hold(app_ids, 2, 3)
        began = time.monotonic()
        for app_id in app_ids:
            self.change(app_id, {"instances": 2})
        leaving: set[str] = set()
        for app_id in app_ids:
            leaving |= wait_until("one to leave", partial(self.leaving, app_id))
            events.wait("instance_changed_event", runSpecId=app_id, condition="Killing")
        self.assertEqual(len(leaving), 2)
        self.drained(began, leaving)
        for app_id in app_ids:
            self.served(app_id, 2)
        self.deployed()
        self.judge()

    def test_marathon_killed(self) -> None:
        """What is left of the delay is waited for by Marathon's next life."""
        app_ids = self.both(instances=2, drainDelaySeconds=DRAIN_S, upgradeStrategy=strategy(1, 1))
        self.hold(app_ids, *limits(2, 1, 1))
        began = time.monotonic()
        for app_id in app_ids:
            self.change(app_id, {"env": {"A": "1"}})
        leaving: set[str] = set()
        for app_id in app_ids:
            leaving |= wait_until("one to leave", partial(self.leaving, app_id))
        self.hamlet.kill_marathon()
        self.hamlet.start_marathon()
        self.drained(began, leaving)
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 2)
        self.judge()
