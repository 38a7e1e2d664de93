"""
The rules of the house, run as tests: layers, sizes, banned calls and names.

A rule that nobody runs is no rule.  There is no list of exemptions; what a rule
does not reach is said in the rule itself.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "mesostw"

MODULE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 50
CLASS_LINES_MAX: Final = 250

#: The layer of each room; a module imports its own layer or a lower one.
LAYERS: Final = {
    "model": 0,
    "messages": 1,
    "core": 2,
    "wire": 2,
    "interfaces": 3,
    "driver": 4,
    "unattended": 4,
    "reactor_time": 4,
    "logging": 4,
    "bus": 4,
    "store": 4,
    "zookeeper": 4,
    "launching": 4,
    "probing": 4,
    "notices": 4,
    "http": 4,
    "feed": 4,
    "dns": 4,
    "routing": 4,
    "client": 5,
    "daemons": 6,
    "cli": 6,
    "testing": 6,
}

#: Rooms of one layer that do not see each other, though siblings elsewhere may.
STRANGERS: Final = (("core", "wire"), ("wire", "core"))

#: Outside libraries that a room may never import.
FOREIGN: Final = {
    "model": ("twisted", "autobahn", "klein", "time", "random", "uuid", "os", "socket"),
    "messages": ("twisted", "autobahn", "klein", "time", "random", "uuid", "os", "socket"),
    "core": ("twisted", "autobahn", "klein", "time", "uuid", "os", "socket", "asyncio"),
    "wire": ("twisted", "autobahn", "klein", "time", "random", "uuid", "os", "socket"),
}

#: Calls that read the world behind the program's back, and the only rooms or modules that may.
BANNED: Final = {
    "time.time": ("reactor_time", "daemons", "cli", "testing", "launching"),
    "time.monotonic": ("reactor_time", "daemons", "cli", "testing", "launching", "driver"),
    "datetime.now": ("daemons", "cli"),
    "datetime.utcnow": (),
    "uuid.uuid4": ("daemons", "cli", "http", "bus", "client"),
    "uuid4": ("daemons", "cli", "http", "bus", "client"),
    "monotonic": ("reactor_time", "daemons", "cli", "testing", "launching", "driver"),
    "random.random": (),
    "random.choice": (),
    "random.shuffle": (),
    "time.sleep": ("cli",),
}

#: Words that say only that a thing does something. ``ExecutorInfo`` and its like are the API's.
EMPTY_WORDS: Final = re.compile(
    r"(?i)(^|_)(handler|manager|engine|processor|helper|utils?|common)(_|$|s$)"
    r"|(Handler|Manager|Engine|Processor|Helper|Utils?)$"
)


def modules(top: Path = PACKAGE) -> Iterator[tuple[str, Path, ast.Module]]:
    """Every module of the package: its room, its path and its tree."""
    for path in sorted(top.rglob("*.py")):
        parts = path.relative_to(top).with_suffix("").parts
        yield parts[0], path, ast.parse(path.read_text(), str(path))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every imported module, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def name_of(path: Path, line: int) -> str:
    """Where a fault is, as an editor understands it."""
    return f"{path.relative_to(ROOT)}:{line}"


class LayerTests(SynchronousTestCase):
    """The tree is the dependency law."""

    def test_every_room_has_a_layer(self) -> None:
        """A room that nobody placed in the house is found at once."""
        rooms = {room for room, _, _ in modules()} - {"__init__", "__main__"}
        self.assertEqual(rooms - set(LAYERS), set())

    def test_imports_go_down(self) -> None:
        """No module imports a higher layer, a stranger, or (when shipped) testing."""
        faults = []
        for room, path, tree in modules():
            for line, name in imports(tree):
                target = name.split(".")[1] if name.startswith("mesostw.") else None
                if target is None or target not in LAYERS or room not in LAYERS or target == room:
                    continue
                upward = LAYERS[target] > LAYERS[room]
                strange = (room, target) in STRANGERS or (target == "testing" != room)
                if upward or strange:
                    faults.append(f"{name_of(path, line)}: {room} imports {name}")
        self.assertEqual(faults, [])

    def test_siblings_meet_in_interfaces(self) -> None:
        """Rooms of the fourth layer know each other only through the ports."""
        free = {"unattended", "reactor_time", "logging"}
        faults = []
        for room, path, tree in modules():
            for line, name in imports(tree):
                target = name.split(".")[1] if name.startswith("mesostw.") else None
                if (
                    target not in (None, room)
                    and target not in free
                    and LAYERS.get(room) == 4 == LAYERS.get(str(target))
                ):
                    faults.append(f"{name_of(path, line)}: {room} imports {name}")
        self.assertEqual(faults, [])

    def test_lower_rooms_are_pure(self) -> None:
        """Nouns, messages, cores and wire import nothing that does I/O or reads a clock."""
        faults = []
        for room, path, tree in modules():
            for line, name in imports(tree):
                if name.split(".")[0] in FOREIGN.get(room, ()):
                    faults.append(f"{name_of(path, line)}: {room} imports {name}")
        self.assertEqual(faults, [])

    def test_only_daemons_and_cli_touch_the_global_reactor(self) -> None:
        """Everything below is given its clock and its reactor."""
        faults = []
        for room, path, tree in modules():
            if room in ("daemons", "cli"):
                continue
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.ImportFrom)
                    and node.module == "twisted.internet"
                    and any(alias.name == "reactor" for alias in node.names)
                ):
                    faults.append(name_of(path, node.lineno))
        self.assertEqual(faults, [])


class SizeTests(SynchronousTestCase):
    """Nothing is too large to be read in one go."""

    def test_modules(self) -> None:
        """A module has at most ``MODULE_LINES_MAX`` lines."""
        large = [
            f"{path.relative_to(ROOT)}: {lines}"
            for top in (PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "script")
            for path in sorted(top.rglob("*.py"))
            if (lines := len(path.read_text().splitlines())) > MODULE_LINES_MAX
        ]
        self.assertEqual(large, [])

    def test_functions_and_classes(self) -> None:
        """
        A function has at most 50 lines and a class 250, docstrings left out.

        In a ``machine.py`` a function that is only a ``match`` is free of the limit:
        one statement a case is a table, whatever its length.
        """
        large = []
        for _, path, tree in modules():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    limit = FUNCTION_LINES_MAX
                    if path.name == "machine.py" and is_only_a_match(node):
                        continue
                elif isinstance(node, ast.ClassDef):
                    limit = CLASS_LINES_MAX
                else:
                    continue
                lines = lines_of(node)
                if lines > limit:
                    large.append(f"{name_of(path, node.lineno)}: {node.name} {lines}")
        self.assertEqual(large, [])


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """The lines of a definition without its own docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def is_only_a_match(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the last statement is a match and nearly nothing is before it."""
    return isinstance(node.body[-1], ast.Match) and len(node.body) <= 4


class BannedTests(SynchronousTestCase):
    """Time, chance and emptiness come in by the front door only."""

    def test_calls(self) -> None:
        """No call reads a clock or a die outside the rooms that are for it."""
        faults = []
        for room, path, tree in modules():
            # A seeded ``random`` that was passed in is not the module.
            imported = {
                (alias.asname or alias.name).split(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                homes = BANNED.get(called)
                if homes is not None and room not in homes and called.split(".")[0] in imported:
                    faults.append(f"{name_of(path, node.lineno)}: {called}")
        self.assertEqual(faults, [])

    def test_no_promises(self) -> None:
        """Nothing is left to be done later by a word in a comment."""
        word = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
        faults = [
            name_of(path, number)
            for top in ("mesostw", "tests", "benchmarks", "script", "docs", "web/src")
            for path in sorted((ROOT / top).rglob("*"))
            if path.suffix in (".py", ".ts", ".tsx", ".md", ".sh")
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if word.search(line)
        ]
        self.assertEqual(faults, [])

    def test_names(self) -> None:
        """Modules, classes and functions are not called by words that say nothing."""
        faults = []
        for _, path, tree in modules():
            if EMPTY_WORDS.search(path.stem):
                faults.append(str(path.relative_to(ROOT)))
            for node in ast.walk(tree):
                if isinstance(
                    node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ) and EMPTY_WORDS.search(node.name):
                    faults.append(f"{name_of(path, node.lineno)}: {node.name}")
        self.assertEqual(faults, [])

    def test_every_room_of_code_has_a_room_of_tests(self) -> None:
        """What is in ``mesostw/ROOM`` is tested in ``tests/ROOM`` or ``tests/test_ROOM.py``."""
        missing = [
            room
            for room in sorted({room for room, _, _ in modules()} - {"__init__", "interfaces"})
            if not (ROOT / "tests" / room).is_dir()
            and not (ROOT / "tests" / f"test_{room}.py").exists()
        ]
        self.assertEqual(missing, [])
