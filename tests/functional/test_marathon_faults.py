"""
Rolling changes, and daemons that are killed amid them, while somebody asks every instance.

Each test has two apps, one checked by Marathon and one by its agents, and both must keep to
the limits of their upgrade strategies as they are seen from outside.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import time
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Final

from tests.functional.clusters import LocalCluster, wait_until
from tests.functional.watched import FIRST_PORT, PROTOCOLS, Watched, limits, strategy

#: Of the trouble; any number does.
SEED: Final = int(os.environ.get("MESOSTW_TEST_SEED", "20"))


@cache
def cluster() -> LocalCluster:
    """The cluster of all tests here; what is killed in it comes back."""
    ports = f"[{FIRST_PORT}-{FIRST_PORT + 89}]"
    made = LocalCluster(3, f"--resources=cpus:8;mem:4096;disk:4096;ports:{ports}")
    made.directory.chmod(0o755)
    atexit.register(made.stop)
    return made


class Disturbed(Watched):
    """Tests on the cluster whose parts come back."""

    def address(self) -> str:
        """Marathon's."""
        return cluster().marathon


class WitnessTests(Disturbed):
    """The witness sees what it is there for."""

    def test_sees_a_gap(self) -> None:
        """Apps without checks count as serving as soon as they run: it sees that they do not."""
        (app_id,) = self.started(self.app(healthChecks=[], upgradeStrategy=strategy(1, 1)))
        self.hold([app_id], *limits(4, 1, 1))
        self.change(app_id, {"env": {"A": "1"}})
        self.deployed()
        self.served(app_id, 4)
        self.witness.close()
        self.assertTrue([one for one in self.witness.broken() if "instead of 4 served" in one])

    def test_sees_too_many(self) -> None:
        """It sees that more run than its rule says."""
        (app_id,) = self.started(self.app())
        self.hold([app_id], 2, 4)
        self.change(app_id, {"instances": 5})
        self.served(app_id, 5)
        self.witness.close()
        broken = self.witness.broken()
        self.assertTrue(broken)
        self.assertTrue(all("5 instead of 4 ran" in one for one in broken), broken)


class RollingTests(Disturbed):
    """Changes that nothing disturbs."""

    def test_upgrades(self) -> None:
        """Every upgrade strategy is kept to, and in the end only new ones are there."""
        kinds = {"a": (1, 1), "b": (0.5, 0), "c": (0.5, 0.5), "d": (1, 0), "e": (0.75, 0.25)}
        documents = []
        for name, (least, over) in kinds.items():
            for protocol in PROTOCOLS:
                app = self.app(protocol, upgradeStrategy=strategy(least, over))
                documents.append({**app, "id": f"{app['id']}-{name}"})
        app_ids = self.started(*documents)
        for app_id in app_ids:
            self.hold([app_id], *limits(4, *kinds[app_id[-1]]))
        before = {app_id: self.versions(app_id) for app_id in app_ids}
        for app_id in app_ids:
            self.change(app_id, {"env": {"A": "1"}})
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertFalse(self.versions(app_id) & before[app_id], app_id)
            self.assertEqual(len(self.witness.lives(app_id)), 8)
        self.judge()

    def test_scaling(self) -> None:
        """Up and down: what is there serves on, and what is to stay is left alone."""
        app_ids = self.both(instances=3)
        first = {one.task_id for app_id in app_ids for one in self.witness.alive(app_id)}
        self.hold(app_ids, 3, 6)
        for app_id in app_ids:
            self.change(app_id, {"instances": 6})
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 6)
        self.hold(app_ids, 3, 6)
        for app_id in app_ids:
            self.change(app_id, {"instances": 3})
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 3)
            # The youngest go first.
            self.assertLessEqual({one.task_id for one in self.witness.alive(app_id)}, first)
        self.judge()

    def test_rollback(self) -> None:
        """Back to an older version, by its name, as any other change."""
        app_ids = self.both()
        versions = {app_id: self.version(app_id) for app_id in app_ids}
        self.hold(app_ids, *limits(4, 0.5, 0.5))
        for app_id in app_ids:
            self.change(app_id, {"env": {"A": "1"}})
        self.deployed()
        for app_id in app_ids:
            self.change(app_id, {"version": versions[app_id]})
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.env(app_id), {})
        self.judge()

    def test_taken_back(self) -> None:
        """A deployment that is taken back half-way ends with the old configuration everywhere."""
        app_ids = self.both()
        self.hold(app_ids, *limits(4, 0.5, 0.5))
        ids = [self.change(app_id, {"env": {"A": "1"}}) for app_id in app_ids]
        for app_id, deployment_id in zip(app_ids, ids, strict=True):
            self.new_serve(app_id, 1)
            self.ask("DELETE", f"/v2/deployments/{deployment_id}")
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.env(app_id), {})
        self.judge()

    def test_forced(self) -> None:
        """A change by force in the middle of another one."""
        app_ids = self.both()
        self.hold(app_ids, *limits(4, 0.5, 0.5))
        for app_id in app_ids:
            self.change(app_id, {"env": {"A": "1"}})
        for app_id in app_ids:
            self.new_serve(app_id, 1)
            self.change(app_id, {"env": {"A": "2"}}, "?force=true")
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.versions(app_id), {self.version(app_id)})
        self.judge()

    def test_paused(self) -> None:
        """What is paused stays as it is and what ends is replaced; then it goes on."""
        app_ids = self.both()
        self.hold(app_ids, *limits(4, 0.5, 0.5))
        ids = [self.change(app_id, {"env": {"A": "1"}}) for app_id in app_ids]
        for app_id, deployment_id in zip(app_ids, ids, strict=True):
            self.new_serve(app_id, 1)
            told = self.ask("POST", f"/v2/deployments/{deployment_id}/pause")
            self.assertTrue(told["paused"])
        for app_id in app_ids:
            self._rests(app_id)
        for deployment_id in ids:
            self.ask("POST", f"/v2/deployments/{deployment_id}/continue")
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.versions(app_id), {self.version(app_id)})
        self.judge()

    def _rests(self, app_id: str) -> None:
        """Wait until everything serves, kill one, and see that only that one is replaced."""

        def all_serve() -> set[str]:
            alive = {one.task_id for one in self.witness.alive(app_id)}
            return alive if alive and alive == self.witness.serving(app_id) else set()

        wait_until("rest", all_serve)
        before = self.witness.alive(app_id)
        os.kill(before[0].pid, signal.SIGKILL)

        def replaced() -> bool:
            alive = all_serve()
            return before[0].task_id not in alive and len(alive) == len(before)

        wait_until(f"a replacement of {before[0]}", replaced)
        kept = {one.task_id for one in before[1:]}
        self.assertLessEqual(kept, {one.task_id for one in self.witness.alive(app_id)})

    def test_deadline(self) -> None:
        """A version that never gets healthy is taken back when its time is over."""
        app_ids = self.both()
        self.hold(app_ids, *limits(4, 0.5, 0.5))
        for app_id in app_ids:
            self.change(app_id, {"env": {"SICK": "1"}}, "?deadlineSeconds=3")
        wait_until("taking back", lambda: "reverts" in str(self.deployments()))
        self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.env(app_id), {})
        self.judge()


class KilledTests(Disturbed):
    """Daemons that are killed in the middle of an upgrade, one instance after the other."""

    def setUp(self) -> None:
        super().setUp()
        # So that each agent has some of each app.
        self.app_ids = self.both(
            constraints=[["node", "GROUP_BY", "3"]], upgradeStrategy=strategy(1, 0)
        )
        self.framework_id = self.marathon.framework_id()

    def upgrade(self) -> set[str]:
        """Begin to upgrade; the deployments' ids when some new ones serve."""
        self.hold(self.app_ids, *limits(4, 1, 0))
        ids = {self.change(app_id, {"env": {"A": "1"}}) for app_id in self.app_ids}
        self.new_serve(self.app_ids[0], 1)
        return ids

    def upgraded(self) -> None:
        """Everything is new, nothing was started twice, and nothing for the fault's sake."""
        self.deployed()
        for app_id in self.app_ids:
            self.served(app_id, 4)
            self.assertEqual(self.versions(app_id), {self.version(app_id)})
            self.assertEqual(len(self.witness.lives(app_id)), 8)
        self.assertEqual(self.marathon.framework_id(), self.framework_id)
        wait_until("the agents", lambda: cluster().active_agents() == 3)
        self.judge()

    def test_agent(self) -> None:
        """An agent: its tasks live on, the upgrade goes on, and nobody is replaced for it."""
        ids = self.upgrade()
        here = self.on("agent1")
        self.assertTrue(here)
        cluster().kill("agent1")
        self.assertLessEqual(ids, set(self.deployments()))
        self.assertTrue(all(map(self.witness.is_alive, here)))
        self.upgraded()

    def test_marathon(self) -> None:
        """Marathon: the deployments go on where they were."""
        ids = self.upgrade()
        cluster().kill("marathon")
        wait_until("Marathon", lambda: self.marathon.framework_id() == self.framework_id)
        self.assertLessEqual(ids, set(self.deployments()))
        self.upgraded()

    def test_master(self) -> None:
        """The master: everybody finds the next one, and the deployments go on."""
        ids = self.upgrade()
        cluster().kill("master")
        self.assertLessEqual(ids, set(self.deployments()))
        self.upgraded()

    def test_all(self) -> None:
        """All three at once."""
        ids = self.upgrade()
        for part in ("marathon", "agent2", "master"):
            cluster().kill(part)
        wait_until("Marathon", lambda: self.marathon.framework_id() == self.framework_id)
        self.assertLessEqual(ids, set(self.deployments()))
        self.upgraded()

    def test_supervisor(self) -> None:
        """An agent with all its tasks: what it had is replaced, others serve on."""
        doomed = self.on("agent1")
        lost = {}
        for app_id in self.app_ids:
            alive = {one.task_id for one in self.witness.alive(app_id)}
            lost[app_id] = len(alive & doomed)
            self.assertGreater(lost[app_id], 0)
            self.witness.rule(app_id, 4 - lost[app_id], 4)
        os.kill(self.supervisor_of("agent1"), signal.SIGKILL)
        cluster().kill("agent1")
        wait_until("their ends", lambda: not any(map(self.witness.is_alive, doomed)))
        for app_id in self.app_ids:
            self.served(app_id, 4)
            self.assertEqual(len(self.witness.lives(app_id)), 4 + lost[app_id])
        wait_until("the agents", lambda: cluster().active_agents() == 3)
        self.judge()

    def on(self, part: str) -> set[str]:
        """Tasks of this test that run on an agent."""
        work = str(cluster().directory / "work" / part)
        found = set()
        for life in (one for app_id in self.app_ids for one in self.witness.alive(app_id)):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{life.pid}/cwd").startswith(f"{work}/"):
                    found.add(life.task_id)
        return found

    def supervisor_of(self, part: str) -> int:
        """The process id of an agent's supervisor."""
        wanted = os.fsencode(cluster().directory / "work" / part / "meta" / "supervisor")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                    return int(entry.name)
        raise AssertionError(f"{part} has no supervisor")


class ChaosTests(Disturbed):
    """Seeded trouble in the middle of one upgrade after the other."""

    def test_upgrades(self) -> None:
        """Whatever is killed or stopped, the rule holds, and each version starts four, once."""
        chance = Random(SEED)
        hits = ["marathon", "master", "agent1", "both", "pause", "marathon"]
        chance.shuffle(hits)
        app_ids = self.both(upgradeStrategy=strategy(1, 0.25))
        framework_id = self.marathon.framework_id()
        self.hold(app_ids, *limits(4, 1, 0.25))
        for number, hit in enumerate(hits):
            for app_id in app_ids:
                wait_until("Marathon", self.marathon.framework_id)
                self.change(app_id, {"env": {"A": str(number)}})
            time.sleep(chance.uniform(0.0, 1.5))
            self.hit(hit, chance)
            self.deployed()
        for app_id in app_ids:
            self.served(app_id, 4)
            self.assertEqual(len(self.witness.lives(app_id)), 4 * (len(hits) + 1))
        self.assertEqual(self.marathon.framework_id(), framework_id)
        self.judge()

    def hit(self, what: str, chance: Random) -> None:
        """Kill a part or two, or have one do nothing for a while."""
        if what == "both":
            for part in ("marathon", "master"):
                cluster().kill(part)
        elif what == "pause":
            part = chance.choice(["marathon", "master", "agent1"])
            pid = wait_until(part, partial(cluster().pid_of, part))
            os.kill(pid, signal.SIGSTOP)
            time.sleep(chance.uniform(0.5, 2.0))
            os.kill(pid, signal.SIGCONT)
        else:
            cluster().kill(what)
