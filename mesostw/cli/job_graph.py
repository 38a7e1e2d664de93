"""``mesostw job graph``: who runs after whom."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesostw.cli.chronos import ChronosApi
from mesostw.cli.job_views import state_of


async def graph(reactor: Any, options: argparse.Namespace) -> int:
    """Print a tree, or the graph for Graphviz."""
    jobs = {job["name"]: job for job in await ChronosApi(reactor, options).jobs()}
    parents = {name: tuple(job["job"].get("parents") or ()) for name, job in jobs.items()}
    if options.dot:
        print(dot(parents))
        return 0
    states = {name: f"{job['status']}, {state_of(job)}" for name, job in jobs.items()}
    for line in tree(parents, states):
        print(line)
    return 0


def dot(parents: Mapping[str, Sequence[str]]) -> str:
    """In the language of Graphviz."""
    lines = ["digraph chronos {", "  rankdir=LR;"]
    lines += [f"  {_quoted(name)};" for name in parents]
    lines += [
        f"  {_quoted(parent)} -> {_quoted(name)};"
        for name, several in parents.items()
        for parent in several
    ]
    return "\n".join([*lines, "}"])


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tree(parents: Mapping[str, Sequence[str]], states: Mapping[str, str]) -> Iterator[str]:
    """
    A line for each job below each of its parents.

    What follows a job is shown once, where the job comes first.
    """
    children: dict[str, list[str]] = {name: [] for name in parents}
    for name, several in parents.items():
        for parent in several:
            children[parent].append(name)
    shown: set[str] = set()
    # Text before a line, and the job; the next is the last.
    waiting = [("", "", name) for name, several in reversed(list(parents.items())) if not several]
    while waiting:
        lead, branch, name = waiting.pop()
        follows = children[name]
        again = name in shown
        suffix = " (see above)" if again and follows else ""
        yield f"{lead}{branch}{name}  [{states[name]}]{suffix}"
        if again:
            continue
        shown.add(name)
        below = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        for index, child in enumerate(reversed(follows)):
            waiting.append((below, "└─ " if index == 0 else "├─ ", child))
