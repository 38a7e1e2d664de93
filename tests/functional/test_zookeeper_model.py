"""
The ensemble in memory does what Debian's ZooKeeper does, whatever is asked of it.

``MESOSTW_ZOOKEEPER_PROGRAMS=2000`` runs that many random programs instead of a few.
"""

from __future__ import annotations

import os
from itertools import count

from hypothesis import HealthCheck, given, settings

from mesostw.model.zookeeper import Create, Delete, SetData
from tests.functional.test_zookeeper import RealCase
from tests.functional.zookeeper_world import RealWorld
from tests.testing.test_zookeeper import MemoryWorld
from tests.testing.zookeeper_programs import (
    Batch,
    Look,
    Multi,
    Program,
    Run,
    Trouble,
    programs,
)

PROGRAMS = int(os.environ.get("MESOSTW_ZOOKEEPER_PROGRAMS", "25"))


class DifferentialTests(RealCase):
    """Both are seen to do the same."""

    numbers = count()

    def check(self, program: Program) -> None:
        """Run ``program`` on both."""
        world = RealWorld(self.server, f"/program-{os.getpid()}-{next(self.numbers)}")
        try:
            real = Run(world).trace(program)
        finally:
            world.close()
        model = Run(MemoryWorld(), "/program").trace(program)
        for number, (seen, expected) in enumerate(zip(model, real, strict=True)):
            self.assertEqual(seen, expected, f"step {number // 3}: {program[number // 3]}")

    def test_by_hand(self) -> None:
        """One of everything."""
        self.check(
            [
                Batch(
                    "a", (Create("/a", b"1"), Look("get", "/a", True), Look("children", "/a", True))
                ),
                Batch("b", (Look("exists", "/a/n0000000000", True), SetData("/a", b"2", 0))),
                Batch("c", (Create("/a/n", b"", True, True), Look("get_acl", "/a", False))),
                Batch("a", (Multi((Create("/a/b"), Delete("/a/b"), SetData("/a", b"3", 0))),)),
                Trouble("c", "close"),
                Batch("a", (Create("/a/e", ephemeral=True), Look("children", "/a", True))),
                Trouble("a", "cut"),
                Trouble("a", "expire"),
                Batch("b", (Look("get", "/a", False),)),
            ]
        )

    @settings(
        max_examples=PROGRAMS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs)
    def test_any(self, program: Program) -> None:
        """Any program."""
        self.check(program)
