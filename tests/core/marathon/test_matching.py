"""Whether an offer does for an instance."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.scalars import Scalars
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon.constraints import tally_of
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.matching import refusals, rules_of
from mesostw.core.marathon.needs import need_of
from mesostw.core.marathon.reasons import Reason
from mesostw.messages.offers import Offer
from mesostw.messages.resources import DiskInfo, Persistence
from mesostw.model.apps import Constraint, Operator, PortDefinition
from mesostw.model.resources import Resources
from mesostw.model.slots import Disk, Reservation, plain, slot
from tests.core.marathon.builders import STARTED, app
from tests.core.marathon.offering import offer, spot

R = Reason
WALL = STARTED.wall


def refused(
    of: Offer, flags: MarathonFlags | None = None, home: str = "", **spec: Any
) -> list[Reason]:
    """Everything that speaks against an offer for an app."""
    flags = flags or MarathonFlags()
    one = app(**spec)
    rules = rules_of(flags, home, WALL)
    return list(refusals(need_of(one, flags), spot(of), tally_of(one, ()), rules))


class ScalarTests(SynchronousTestCase):
    """Amounts."""

    def test_each(self) -> None:
        """Each amount that is too small is told, in the API's order."""
        small = offer(resources="cpus:1;mem:10;disk:10")
        for spec, reasons in (
            ({"cpus": 1, "mem": 10, "disk": 10}, []),
            ({"cpus": 1.001, "mem": 10}, [R.INSUFFICIENT_CPUS]),
            ({"mem": 11}, [R.INSUFFICIENT_MEMORY]),
            ({"mem": 1, "disk": 11}, [R.INSUFFICIENT_DISK]),
            ({"mem": 1, "gpus": 1}, [R.INSUFFICIENT_GPUS]),
            (
                {"cpus": 2, "mem": 11, "disk": 11, "gpus": 1},
                [
                    R.INSUFFICIENT_CPUS,
                    R.INSUFFICIENT_MEMORY,
                    R.INSUFFICIENT_DISK,
                    R.INSUFFICIENT_GPUS,
                ],
            ),
        ):
            self.assertEqual(refused(small, **spec), reasons, spec)

    def test_roles_add_up(self) -> None:
        """Reserved and unreserved amounts are used together, unless the app wants only one."""
        both = offer(resources="cpus(web):1;cpus:1;mem:500", role="web")
        self.assertEqual(refused(both, role="web", cpus=2), [])
        for accepted in ("web", "*"):
            reasons = refused(both, role="web", cpus=2, mem=0, accepted_resource_roles=(accepted,))
            self.assertEqual(reasons, [R.UNFULFILLED_ROLE, R.INSUFFICIENT_CPUS])

    def test_default_accepted_roles(self) -> None:
        """Marathon's flag says what an app accepts that does not say it itself."""
        both = offer(resources="cpus(web):1;mem(web):500;mem:500", role="web")
        for flag, reasons in (
            ("", []),
            ("any", []),
            ("reserved", []),
            ("unreserved", [R.UNFULFILLED_ROLE, R.INSUFFICIENT_CPUS]),
        ):
            flags = MarathonFlags(default_accepted_resource_roles=flag)
            self.assertEqual(refused(both, flags, role="web"), reasons, flag)

    def test_left_alone(self) -> None:
        """Volumes, revocable resources and what is kept for other instances are not used."""
        kept = Reservation("web", True, None, (("marathon_task_id", "t"),))
        full = DiskInfo(persistence=Persistence(id="v"))
        volume = Disk(persistence_id="v", full=full)
        bag = Resources.of(
            [
                (plain("cpus"), 4000),
                (plain("mem"), 4_000_000),
                (slot("disk", disk=volume), 9_000_000),
                (slot("disk", revocable=True), 9_000_000),
                (slot("disk", (kept,)), 9_000_000),
            ]
        )
        self.assertEqual(refused(offer(resources=bag), disk=1), [R.INSUFFICIENT_DISK])


class OrderTests(SynchronousTestCase):
    """Reasons come in the API's order."""

    def test_all(self) -> None:
        """Whatever speaks against an offer is told; the first one is what counts."""
        bad = offer(
            resources="cpus:1;mem:10;gpus:1",
            unavailable=(WALL - 1, None),
        )
        reasons = refused(
            bad,
            cpus=2,
            constraints=(Constraint("rack", Operator.LIKE, "a"),),
            port_definitions=(PortDefinition(),),
        )
        self.assertEqual(
            reasons,
            [
                R.UNFULFILLED_CONSTRAINT,
                R.AGENT_MAINTENANCE,
                R.INSUFFICIENT_CPUS,
                R.INSUFFICIENT_MEMORY,
                R.INSUFFICIENT_PORTS,
                R.DECLINED_SCARCE_RESOURCES,
            ],
        )
        self.assertEqual(reasons, sorted(reasons, key=list(Reason).index))


class RuleTests(SynchronousTestCase):
    """Regions, maintenance, GPUs, ports."""

    def test_home_region(self) -> None:
        """Agents of other regions than the master's are left out."""
        for home, region, fits in (
            ("eu", "eu", True),
            ("eu", "us", False),
            ("", "us", True),
            ("eu", None, True),
        ):
            reasons = refused(offer(region=region), home=home)
            self.assertEqual(reasons == [], fits, (home, region))

    def test_region_constraint(self) -> None:
        """An app that speaks of regions or zones goes where it says."""
        for field, value in (("@region", "us"), ("@zone", "z1")):
            away = Constraint(field, Operator.IS, value)
            self.assertEqual(refused(offer(region="us"), home="eu", constraints=(away,)), [])

    def test_maintenance(self) -> None:
        """An agent is left alone in its maintenance, and so long before as is wished."""
        for start, duration, draining_s, fits in (
            (WALL + 10, 5.0, 0.0, True),
            (WALL + 10, 5.0, 10.0, False),
            (WALL + 10, 5.0, 9.0, True),
            (WALL - 3, 5.0, 0.0, False),
            (WALL - 3, None, 0.0, False),
            (WALL - 6, 5.0, 0.0, True),
        ):
            flags = MarathonFlags(draining_s=draining_s)
            reasons = refused(offer(unavailable=(start, duration)), flags)
            self.assertEqual(reasons == [], fits, (start - WALL, duration, draining_s))

    def test_gpus(self) -> None:
        """Agents with GPUs are kept for apps that need them, unless that is not wished."""
        with_gpus = offer(resources="cpus:4;mem:4096;gpus:2")
        for behaviour, gpus, fits in (
            ("restricted", 0, False),
            ("restricted", 1, True),
            ("unrestricted", 0, True),
        ):
            flags = MarathonFlags(gpu_scheduling_behavior=behaviour)
            reasons = refused(with_gpus, flags, gpus=gpus)
            self.assertEqual(reasons == [], fits, (behaviour, gpus))

    def test_ports(self) -> None:
        """A definition's number is meant only if it is required."""
        few = offer(resources="cpus:4;mem:4096;ports:[31000-31001]")
        for numbers, required, fits in (
            ((10_000, 10_001), False, True),
            ((10_000, 10_001), True, False),
            ((31_000, 31_001), True, True),
            ((31_000, 0), True, True),
            ((0, 0, 0), False, False),
        ):
            ports = tuple(PortDefinition(port=number) for number in numbers)
            reasons = refused(few, port_definitions=ports, require_ports=required)
            self.assertEqual(reasons == [], fits, (numbers, required))


class SpotTests(SynchronousTestCase):
    """What is left of an offer."""

    def test_reserved_first(self) -> None:
        """What is reserved for the role is used before what is of use to everybody."""
        one = Spot(offer(resources="cpus:2;cpus(web):1;mem:100", role="web"), STARTED)
        need = need_of(app(role="web"), MarathonFlags())
        taken = one.take(Scalars(cpus=1500, mem=50_000), need.accepts, None)
        self.assertEqual(taken, Resources.parse("cpus(web):1;cpus:0.5;mem:50"))
        self.assertEqual(one.free(need.accepts), Scalars(cpus=1500, mem=50_000))

    def test_no_more_than_there_is(self) -> None:
        """Taking what is not there is a bug, and said so."""
        one = Spot(offer(resources="cpus:1"), STARTED)
        need = need_of(app(), MarathonFlags())
        self.assertRaises(ValueError, one.take, Scalars(cpus=1001), need.accepts, None)
