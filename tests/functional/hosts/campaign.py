"""
One run on hosts: what ``tests.functional.chronos`` does, with an app and a framework beside it.

::

    start     the hosts, all parts, the app, the framework that notes everything
    adding    clients ask any Chronos, the app is changed, and faults come and go
    settle    all is healed
    look      everything is read; then everything is ended, and the hosts are gone
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tests.functional.chronos.campaign import Campaign
from tests.functional.chronos.evidence import Evidence
from tests.functional.chronos.history import End, History
from tests.functional.chronos.nemesis import Nemesis
from tests.functional.chronos.plans import Fault
from tests.functional.chronos.town import Commands
from tests.functional.hosts.acts import ACTS
from tests.functional.hosts.asking import AnyChronos
from tests.functional.hosts.faults import LOST, kind_of, plan
from tests.functional.hosts.journal import Framework, Told
from tests.functional.hosts.layout import Scale
from tests.functional.hosts.leaderless import Leaderless
from tests.functional.hosts.leaders import leading, masters_leading, of_master
from tests.functional.hosts.lookout import Look, Lookout
from tests.functional.hosts.network import Network
from tests.functional.hosts.shop import Shop, Sold
from tests.functional.hosts.streets import Streets

FRAMEWORKS: Final = frozenset({"chronos", "marathon", "witness"})
#: What the framework's last tasks are given to end, and its news to arrive.
NEWS_S: Final = 30.0


class Found(Struct, frozen=True, kw_only=True):
    """Everything that is left of a run."""

    chronos: Evidence
    app: Sold
    told: tuple[Told, ...]
    looks: tuple[Look, ...]
    #: Of masters: when each came to lead, and its term.
    terms: tuple[tuple[str, int], ...]


class Hosts(Campaign):
    """
    A run of one seed on hosts.

    :param only: kinds of faults, if it is not to be all.
    :param commands: of roles that are broken.
    """

    def __init__(
        self,
        scale: Scale,
        seed: int,
        only: Sequence[str],
        commands: Commands,
    ) -> None:
        self.scale = scale
        self._prepare(scale.profile, plan(scale, seed, only))
        self.network = Network(scale.layout.hosts)
        self.network.create()
        try:
            self._furnish(seed, commands)
        except BaseException:
            self.network.remove()
            raise

    def _furnish(self, seed: int, commands: Commands) -> None:
        self.network.enter()
        self.streets = Streets(self.directory, self.scale, self.network, commands)
        self.town = self.streets
        self.client = AnyChronos(
            self.streets.addresses_of("chronos"),
            self.profile.patience_s,
            Random(f"{seed} asking"),
            self.streets.addresses_apart,
        )
        servants = self.directory / "servants"
        servants.mkdir()
        servants.chmod(0o777)
        marathons = self.streets.addresses_of("marathon")
        self.shop = Shop(marathons, servants, self.scale.change_every_s, seed)
        master, every_s = self.streets.master_url, self.scale.launch_every_s
        self.framework = Framework(self.directory, master, every_s)
        self.lookout = Lookout(self.streets)
        servers = self.streets.of_role("zookeeper")
        self.leaderless = Leaderless({part.name: part.address for part in servers})
        self.nemesis = Harming(self, seed)
        self.left = []
        self._began = time.monotonic()
        self.found: Found | None = None

    def remove(self) -> None:
        """Leave no host, and nothing on the disk."""
        self.network.remove()
        super().remove()

    def tails(self, size: int = 3_000) -> str:
        """The ends of all logs."""
        return f"{super().tails(size)}\n== framework\n{self.framework.log()[-size:]}"

    # --- one after the other --------------------------------------------------------------

    def evidence(self) -> Evidence:
        """Run everything, and end everything; what is left of it."""
        self._began = time.monotonic()
        return super().evidence()

    def _be_fair(self) -> None:
        """Whatever may take as long as it likes to start may do so again: machines differ."""
        start_s = time.monotonic() - self._began
        profile, scale = self.profile, self.scale
        self.profile = replace(
            profile,
            settle_s=profile.settle_s + start_s,
            recovery_s=profile.recovery_s + start_s,
            recover_within_s=profile.recover_within_s + start_s,
        )
        whole_s = scale.whole_within_s + start_s
        self.scale = replace(scale, profile=self.profile, whole_within_s=whole_s)

    def _run(self, history: History) -> Evidence:
        self._be_fair()
        self.framework.start()
        try:
            self.shop.open()
            self.lookout.start()
            self.leaderless.start()
            chronos = super()._run(history)
            self.leaderless.close()
            chronos = replace(chronos, away=(*chronos.away, *self.leaderless.away()))
            launched = len(self.framework.told())
            until = time.monotonic() + NEWS_S
            while not self.framework.is_settled(launched) and time.monotonic() < until:
                time.sleep(0.2)
            self.lookout.close()
            self.found = Found(
                chronos=chronos,
                app=self.shop.close(),
                told=tuple(self.framework.told()[:launched]),
                looks=tuple(self.lookout.looks),
                terms=tuple(self._terms()),
            )
        finally:
            self.lookout.close()
            self.leaderless.close()
            self.shop.stop()
            self.framework.stop()
        return chronos

    def _is_up(self) -> bool:
        told = self.client.ask("GET", "/v1/chronos/info")
        listed = self._master("/slaves")
        if told.end is not End.OK or not told.body["frameworkId"] or listed is None:
            return False
        active = sum(bool(agent["active"]) for agent in listed["slaves"])
        names = {one["name"] for one in self._master("/frameworks")["frameworks"]}
        is_led = leading(self.streets, "marathon") is not None
        return active == len(self.town.of_role("agent")) and "marathon" in names and is_led

    def _master(self, path: str) -> Any:
        return of_master(self.streets, path)

    def _strangers(self) -> list[str]:
        told = self._master("/frameworks")
        if told is None:
            return [f"nobody knows: {masters_leading(self.streets)} lead"]
        known = [*told["frameworks"], *told.get("completed_frameworks", ())]
        names = sorted(f"{one['name']} {one['id']}" for one in known)
        wanted = {name.split()[0] for name in names}
        is_right = wanted == FRAMEWORKS and len(names) == len(FRAMEWORKS)
        return [] if is_right else names

    def lose(self, targets: Sequence[str]) -> None:
        """Nobody on the hosts of these is asked any more."""
        layout = self.streets.layout
        names = [name for one in targets for name in layout.parts_on(layout.host_of(one))]
        addresses = [self.streets.parts[name].address for name in names]
        self.client.forget(addresses)
        self.shop.lose(addresses)

    def _terms(self) -> list[tuple[str, int]]:
        """By what masters have logged: when, and which term."""
        found = []
        for part in self.town.of_role("master"):
            for line in self.town.log_of(part.name).splitlines():
                before, mark, after = line.partition(" of term ")
                if mark:
                    found.append((before.split()[0], int(after.split()[0])))
        return sorted(found)


class Harming(Nemesis[Streets]):
    """Tells the others of what they cannot know."""

    def __init__(self, campaign: Hosts, seed: int) -> None:
        super().__init__(campaign.streets, campaign.plan.faults, seed, ACTS)
        self._campaign = campaign

    def before(self, fault: Fault) -> None:
        """Of what takes or hides instances of the app nobody is to blame Marathon."""
        self._calm()
        kind = kind_of(fault.kind)
        if kind.ends_tasks or kind.hides_tasks:
            self._campaign.shop.waive(least=not kind.ends_tasks)
        if fault.kind == LOST:
            self._campaign.lookout.agents -= 1

    def _calm(self) -> None:
        """One fault at a time: what the last one did is over before the next begins."""
        looks, until = (
            self._campaign.lookout.looks,
            time.monotonic() + self._campaign.scale.whole_within_s,
        )
        while not (looks and looks[-1].whole) and time.monotonic() < until:
            time.sleep(0.1)

    def after(self, fault: Fault) -> None:
        """From now on it is Marathon's to have them all serve again."""
        kind = kind_of(fault.kind)
        if kind.ends_tasks or kind.hides_tasks:
            self._campaign.shop.resume()
        if fault.kind == LOST:
            self._campaign.lose(fault.targets)
