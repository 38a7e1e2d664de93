"""What a machine offers when nobody says."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.detect import disk_offered_mb, mem_offered_mb, offered


class DetectTests(SynchronousTestCase):
    """The rules of Mesos."""

    def test_kept_back(self) -> None:
        """1 GB of memory and 5 GB of disk stay, or half of less than twice that."""
        self.assertEqual([mem_offered_mb(mb) for mb in (8192, 2048, 2047)], [7168, 1024, 1023])
        self.assertEqual([disk_offered_mb(mb) for mb in (10240, 10239)], [5120, 5119])

    def test_given(self) -> None:
        """What is named counts, the rest is detected, all in the default role."""
        found = offered("cpus:3;mem:5;gpus:1", "web", "/")
        names = {slot.name for slot, _ in found.items()}
        self.assertEqual(names, {"cpus", "mem", "gpus", "disk", "ports"})
        self.assertIn("cpus(web):3", str(found))

    def test_nothing_given(self) -> None:
        """A machine always has cpus, mem, disk and ports."""
        names = {slot.name for slot, _ in offered(None, "*", "/").items()}
        self.assertEqual(names, {"cpus", "mem", "disk", "ports"})

    def test_wrong(self) -> None:
        """A wrong text is refused in words."""
        self.assertRaises(ValueError, offered, "cpus:many", "*", "/")
