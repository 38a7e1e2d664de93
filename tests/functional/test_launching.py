"""Real processes under a real supervisor; needs python-prctl."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

from mesostw.core.agent.containers import (
    ContainerFailed,
    ContainerSpec,
    ContainerStarted,
    LaunchFault,
)
from mesostw.launching.frames import frame, framed
from mesostw.launching.starting import SupervisorUnavailable
from mesostw.messages.containers import RLimit, RLimitType
from mesostw.model.ids import ContainerId
from mesostw.testing.contracts import launcher as contracts
from tests.functional.machine import Machine, alive


class SupervisedLauncherTests(contracts.LauncherContract, Machine):
    """The contract, with real processes."""

    make = Machine.make
    leave = Machine.leave
    lose_supervisor = Machine.lose_supervisor
    until = Machine.until
    pass_time = Machine.pass_time
    spec = Machine.spec
    begin = Machine.begin

    def is_deaf(self, spec: ContainerSpec) -> bool:
        return Path(spec.directory, "deaf").exists()


class ProgramTests(Machine):
    """What a program finds when it starts."""

    async def run_script(self, spec: ContainerSpec) -> contracts.Life:
        launcher, life = await self.begin()
        launcher.launch(spec)
        await self.until(lambda: life.over(spec.container_id))
        await launcher.stop()
        return life

    async def failure(self, spec: ContainerSpec) -> ContainerFailed:
        life = await self.run_script(spec)
        failed = life.end(spec.container_id)
        assert isinstance(failed, ContainerFailed)
        self.assertFalse(life.started(spec.container_id))
        return failed

    async def test_environment(self) -> None:
        """The environment is exactly what was given."""
        spec = self.spec("a", ("/usr/bin/env",), {"ONE": "1", "TWO": "zwei=2\n"})
        await self.run_script(spec)
        self.assertEqual(self.output("a"), "ONE=1\nTWO=zwei=2\n\n")

    async def test_files(self) -> None:
        """Three files are open; output is appended in the sandbox, which is where it runs."""
        script = "ls -l /proc/self/fd; pwd; echo wrong >&2"
        await self.run_script(self.shell("a", script))
        lines = self.output("a").splitlines()
        opened = [line.split()[-3:] for line in lines[1:-1]]
        here = self.sandbox("a")
        self.assertEqual(
            opened[:3],
            [
                ["0", "->", "/dev/null"],
                ["1", "->", f"{here}/stdout"],
                ["2", "->", f"{here}/stderr"],
            ],
        )
        self.assertEqual(len(opened), 4)  # the fourth is the directory that ls reads
        self.assertEqual(lines[-1], here)
        self.assertEqual(self.output("a", "stderr"), "wrong\n")
        self.assertEqual(os.readlink(Path(here).parent / "latest"), "a")

    async def test_rights_and_session(self) -> None:
        """It has its own session and group, no new rights, and no signal blocked or ignored."""
        script = "cut -d' ' -f1,5,6 /proc/$$/stat; exec cat /proc/self/status"
        await self.run_script(self.shell("a", script))
        first, *status = self.output("a").splitlines()
        pid, group, session = first.split()
        self.assertEqual((pid, pid), (group, session))
        fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(int(fields["SigBlk"], 16), 0)
        own = 0b11 << 31  # two signals of glibc itself, which its posix_spawn ignores
        self.assertEqual(int(fields["SigIgn"], 16) & ~own, 0)

    async def test_limits(self) -> None:
        """Limits are set; one without numbers is unlimited; open files are as before."""
        spec = self.shell("a", "cat /proc/$$/limits")
        spec = ContainerSpec(
            **{name: getattr(spec, name) for name in spec.__struct_fields__}
            | {
                "rlimits": (
                    RLimit(type=RLimitType.RLMT_CORE, soft=0, hard=0),
                    RLimit(type=RLimitType.RLMT_CPU),
                )
            }
        )
        await self.run_script(spec)
        limits = {
            line[:26].strip(): line[26:].split()[:2] for line in self.output("a").splitlines()[1:]
        }
        self.assertEqual(limits["Max core file size"], ["0", "0"])
        self.assertEqual(limits["Max cpu time"], ["unlimited", "unlimited"])
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertEqual(limits["Max open files"], [str(soft), str(hard)])

    async def test_impossible_limit(self) -> None:
        """A limit that may not be set fails the container and names the limit."""
        limit = RLimit(type=RLimitType.RLMT_NOFILE, soft=2**40, hard=2**40)
        failed = await self.failure(self.changed(self.shell("a", "true"), rlimits=(limit,)))
        self.assertEqual(failed.reason, LaunchFault.LIMIT)
        self.assertIn("RLMT_NOFILE", failed.message)

    def changed(self, spec: ContainerSpec, **changes: object) -> ContainerSpec:
        fields = {name: getattr(spec, name) for name in spec.__struct_fields__}
        return ContainerSpec(**(fields | changes))

    async def test_user(self) -> None:
        """As root a program can be run as another user, who owns the sandbox."""
        if os.geteuid() != 0:
            raise SkipTest("needs root")
        await self.run_script(self.changed(self.shell("a", "id -un; id -Gn"), user="nobody"))
        self.assertEqual(self.output("a"), "nobody\nnogroup\n")
        self.assertEqual(Path(self.sandbox("a")).owner(), "nobody")

    async def test_missing_user(self) -> None:
        """A user that does not exist fails the container and is named."""
        failed = await self.failure(self.changed(self.shell("a", "true"), user="no-such-user"))
        self.assertEqual(failed.reason, LaunchFault.USER)
        self.assertIn("no-such-user", failed.message)

    async def test_not_executable(self) -> None:
        """A program that may not be executed fails the container in the kernel's words."""
        failed = await self.failure(self.spec("a", ("/etc/passwd",)))
        self.assertEqual(failed.reason, LaunchFault.EXECUTABLE)
        self.assertEqual(failed.message, "cannot execute '/etc/passwd': Permission denied")

    async def test_way_out(self) -> None:
        """No sandbox is made anywhere else than its path plainly says."""
        for directory in ("relative", "/tmp/../etc/x", "/tmp/./x", "/tmp//x"):
            spec = self.changed(self.shell(f"a{len(directory)}", "true"), directory=directory)
            failed = await self.failure(spec)
            self.assertEqual(failed.reason, LaunchFault.INVALID)

    async def test_bad_ids(self) -> None:
        """An id that could be a path, or is too long, fails the container only."""
        for name in ("..", "a/b", "", "x" * 300):
            failed = await self.failure(
                self.changed(self.shell("a", "true"), container_id=ContainerId(name))
            )
            self.assertEqual(failed.reason, LaunchFault.INVALID)

    async def test_unwritable(self) -> None:
        """A spec that no wire can carry fails without harm to others."""
        life = await self.run_script(self.spec("a", ("\udc80",)))
        end = life.end(ContainerId("a"))
        assert isinstance(end, ContainerFailed)
        self.assertEqual(end.reason, LaunchFault.INVALID)

    async def test_output_to_a_full_disk(self) -> None:
        """A program that cannot write lives or dies by its own decision; the rest goes on."""
        spec = self.changed(self.shell("a", "echo x || exit 9"), stdout="/dev/full")
        life = await self.run_script(spec)
        self.assertEqual(life.code(spec.container_id), 9)


class FullDiskTests(Machine):
    """A small disk that fills up; as root, on a tmpfs."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("needs root")
        super().setUp()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", self.top], check=False
        )
        if mounted.returncode:
            raise SkipTest("cannot mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", self.top], check=True)

    async def test_full_disk(self) -> None:
        """A full disk fails new containers with its reason; who runs keeps its exit status."""
        launcher, life = await self.begin()
        waits = self.shell("a", "while [ ! -e go ]; do sleep 0.02; done; exit 5")
        launcher.launch(waits)
        await self.until(lambda: life.started(waits.container_id))
        self.assertRaises(OSError, Path(self.top, "ballast").write_bytes, bytes(2**20))
        # The file of records has room to the end of its page: use that up too.
        for number in range(8):
            launcher.launch(self.shell(f"b{number}", "true"))
        await self.until(lambda: life.over(ContainerId("b7")))
        failed = life.end(ContainerId("b7"))
        assert isinstance(failed, ContainerFailed)
        self.assertEqual(failed.reason, LaunchFault.DISK_FULL)
        self.assertIn("No space left on device", failed.message)
        self.leave(launcher)
        self.lose_nothing()
        launcher, later = await self.begin()
        launcher.recover([waits.container_id])
        os.truncate(f"{self.top}/ballast", 0)
        Path(self.sandbox("a"), "go").touch()
        await self.until(lambda: later.over(waits.container_id))
        self.assertEqual(later.code(waits.container_id), 5)
        launcher.launch(self.shell("c", "exit 4"))
        await self.until(lambda: later.over(ContainerId("c")))
        self.assertEqual(later.code(ContainerId("c")), 4)

    def lose_nothing(self) -> None:
        """Say in the test above that the supervisor goes on."""
        (pid,) = self.supervisors
        self.assertTrue(alive(pid))


class TreeTests(Machine):
    """No process of a container escapes."""

    #: Forks twice and makes its own session, clears its environment and leaves the sandbox.
    ESCAPE = (
        "import os,sys,time\n"
        "if os.fork():\n"
        "    while sys.argv[1] == 'stay' or not os.path.exists('pid'): time.sleep(0.01)\n"
        "    os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "open('pid.new','w').write(f'{os.getpid()}\\n'); os.rename('pid.new', 'pid')\n"
        "os.chdir('/')\n"
        "os.execve('/usr/bin/env', ['env', '-i', 'sleep', '1000'], {'PATH': '/usr/bin:/bin'})\n"
    )

    def escaping(self, mode: str) -> ContainerSpec:
        return self.spec("a", (sys.executable, "-I", "-S", "-c", self.ESCAPE, mode))

    async def test_kill_finds_orphans(self) -> None:
        """A grandchild in its own session, whose parent is gone, is killed with the rest."""
        launcher, life = await self.begin()
        spec = self.escaping("stay")
        launcher.launch(spec)
        pid = await self.pid_in("a")
        self.assertTrue(alive(pid))
        launcher.kill(spec.container_id, signal.SIGTERM)
        await self.until(lambda: life.over(spec.container_id) and not alive(pid))

    async def test_exit_ends_orphans(self) -> None:
        """When the first process of a container ends, nobody of it is left."""
        launcher, life = await self.begin()
        launcher.launch(self.escaping("leave"))
        pid = await self.pid_in("a")
        await self.until(lambda: life.over(ContainerId("a")))
        await self.until(lambda: not alive(pid))
        self.assertEqual(life.code(ContainerId("a")), 0)

    async def test_others_are_left_alone(self) -> None:
        """An orphan of a container that lives is not taken for one of a container that ended."""
        launcher, life = await self.begin()
        launcher.launch(self.escaping("stay"))
        pid = await self.pid_in("a")
        launcher.launch(self.shell("b", "sleep 1000 & exit 0"))
        await self.until(lambda: life.over(ContainerId("b")))
        await self.pass_time(0.2)
        self.assertTrue(alive(pid))

    async def test_supervisor_killed(self) -> None:
        """When the supervisor is killed no process of its containers survives for long."""
        launcher, life = await self.begin()
        launcher.launch(self.escaping("stay"))
        orphan = await self.pid_in("a")
        (started,) = life.of(ContainerId("a"))
        assert isinstance(started, ContainerStarted)
        self.lose_supervisor()
        await self.until(lambda: not alive(started.pid) and not alive(orphan))
        await self.until(lambda: life.over(ContainerId("a")))
        self.assertEqual(life.code(ContainerId("a")), None)

    async def test_exit_that_the_supervisor_did_not_tell(self) -> None:
        """A status that was kept by a supervisor which then died is not lost."""
        launcher, life = await self.begin()
        launcher.launch(self.shell("a", "sleep 0.3; exit 6"))
        await self.until(lambda: life.started(ContainerId("a")))
        (pid,) = self.supervisors
        self.leave(launcher)
        await self.pass_time(0.8)
        os.kill(pid, signal.SIGKILL)
        launcher, later = await self.begin()
        launcher.recover([ContainerId("a")])
        await self.until(lambda: later.over(ContainerId("a")))
        self.assertEqual(later.code(ContainerId("a")), 6)


#: An agent's life as a process of its own: launches what it is given, then waits.
AGENT = """
import json, sys
from twisted.internet import reactor
import msgspec
from mesostw.core.agent.containers import ContainerSpec
from mesostw.launching.frames import frame, framed
from mesostw.launching.processes import SupervisedLauncher
def tell(stimuli):
    for told in stimuli:
        print(json.dumps([type(told).__name__, told.container_id]), flush=True)
launcher = SupervisedLauncher(reactor, sys.argv[1], tell)
for line in sys.stdin:
    launcher.launch(msgspec.json.decode(line, type=ContainerSpec))
launcher.start()
reactor.run()
"""


class AgentKilledTests(Machine):
    """The agent as a process that is killed."""

    async def test_killed(self) -> None:
        """After SIGKILL of an agent the next one finds who runs and the status of who ended."""
        import msgspec  # noqa: PLC0415 - for the lines that the process reads

        runs, ends = self.shell("runs", "sleep 1000"), self.shell("ends", "sleep 0.5; exit 7")
        agent = subprocess.Popen(
            [sys.executable, "-c", AGENT, f"{self.top}/supervisor"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert agent.stdin is not None and agent.stdout is not None
        agent.stdin.write(b"".join(msgspec.json.encode(spec) + b"\n" for spec in (runs, ends)))
        agent.stdin.close()
        told = [json.loads(agent.stdout.readline()) for _ in range(2)]
        self.assertEqual({kind for kind, _ in told}, {"ContainerStarted"})
        agent.kill()
        agent.wait()
        agent.stdout.close()
        await self.pass_time(1.0)
        launcher, life = await self.begin()
        launcher.recover([runs.container_id, ends.container_id])
        await self.until(lambda: life.over(ends.container_id) and life.started(runs.container_id))
        self.assertEqual(life.code(ends.container_id), 7)
        self.assertFalse(life.over(runs.container_id))
        await launcher.stop(kill=True)


class ManyTests(Machine):
    """Many containers at once."""

    async def test_thousand(self) -> None:
        """A thousand containers live at once, small, and all end when told."""
        launcher, life = await self.begin()
        specs = [self.spec(f"c{number}", ("sleep", "1000")) for number in range(1000)]
        for spec in specs:
            launcher.launch(spec)
        await self.until(lambda: sum(isinstance(t, ContainerStarted) for t in life.told) == 1000)
        pids = {told.pid for told in life.told if isinstance(told, ContainerStarted)}
        self.assertEqual(len(pids), 1000)
        await launcher.stop(kill=True)
        self.assertEqual({life.code(spec.container_id) for spec in specs}, {-signal.SIGKILL})
        self.assertEqual([pid for pid in pids if alive(pid)], [])


class LifeTests(Machine):
    """A supervisor comes and goes with its agent's wishes."""

    async def test_stops_when_idle(self) -> None:
        """An agent that leaves takes an idle supervisor with it."""
        launcher, _ = await self.begin()
        (pid,) = self.supervisors
        await launcher.stop()
        self.assertFalse(alive(pid))

    async def test_stays_when_busy(self) -> None:
        """A supervisor with a container that lives stays when its agent leaves."""
        launcher, life = await self.begin()
        launcher.launch(self.shell("a", "sleep 1000"))
        await self.until(lambda: life.started(ContainerId("a")))
        (pid,) = self.supervisors
        await launcher.stop()
        self.assertTrue(alive(pid))

    async def test_replaced(self) -> None:
        """Of two agents with one directory the newer one stays; they do not fight."""
        _, old = await self.begin()
        launcher, life = await self.begin()
        await self.pass_time(0.3)
        spec = self.shell("a", "exit 3")
        launcher.launch(spec)
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(old.told, [])

    async def test_nonsense(self) -> None:
        """Nothing that is said on its socket ends a supervisor, and so its containers."""
        launcher, life = await self.begin()
        launcher.launch(self.shell("a", "sleep 1000"))
        await self.until(lambda: life.started(ContainerId("a")))
        self.leave(launcher)
        spec = {"container_id": "b", "argv": [7], "environment": {"A": None}, "directory": "/b"}
        for nonsense in (
            b"\xff" * 100,
            framed(b"{}"),
            frame("launch", spec) + frame("launch", {}) + frame("launch", 5),
            frame("kill", "a", 999) + frame("forget", [[]]) + frame("dance"),
        ):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{self.top}/supervisor/socket")
                client.sendall(nonsense)
            await self.pass_time(0.05)
        launcher, later = await self.begin()
        launcher.recover([ContainerId("a")])
        await self.until(lambda: later.started(ContainerId("a")))

    async def test_small(self) -> None:
        """A supervisor is small: a tenth of a hundred megabytes, more or less."""
        await self.begin()
        (pid,) = self.supervisors
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        resident = next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))
        self.assertLess(resident, 16_000)

    async def test_no_supervisor_comes_up(self) -> None:
        """If none can be started the launcher says so, and with it what went wrong."""
        os.makedirs(f"{self.top}/supervisor/records")
        launcher = self.make(contracts.Life())
        with self.assertRaises(SupervisorUnavailable) as caught:
            await launcher.start()
        self.assertIn("IsADirectoryError", str(caught.exception))
