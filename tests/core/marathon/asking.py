"""Asking for apps and groups in tests, and what is wrong with what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesostw.core.marathon.asked import asked
from mesostw.core.marathon.words import (
    AppsAsked,
    DryRun,
    GroupAsked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import AppId, AppSpec, GroupId
from tests.core.marathon.builders import World

#: Deployments of a test are always under way, so that every change is in the way of one.
FORCED = Terms(force=True)


class Refused(Exception):
    """What a test asks for was refused; the answer is ``unfit``."""

    def __init__(self, unfit: Unfit) -> None:
        super().__init__(unfit)
        self.unfit = unfit


def ask_apps(world: World, *documents: Mapping[str, object], **how: Any) -> Planned | Unfit:
    """Have apps as documents say; partial changes unless ``how`` says something else."""
    answer = world.run(asked, AppsAsked(documents, how.pop("terms", FORCED), **how))
    assert not isinstance(answer, DryRun)
    return answer


def want(world: World, document: Mapping[str, object], **how: Any) -> AppSpec:
    """Have an app, and what is wished of it then."""
    answer = ask_apps(world, {"id": "/a", **document}, **how)
    if isinstance(answer, Unfit):
        raise Refused(answer)
    (app,) = answer.apps
    return app.spec


def ask_group(
    world: World, group_id: str, document: Mapping[str, object], **how: Any
) -> Planned | DryRun | Unfit:
    """Have a group as a document says."""
    question = GroupAsked(GroupId(group_id), document, how.pop("terms", FORCED), **how)
    return world.run(asked, question)


def faults_of(answer: object) -> dict[str, tuple[str, ...]]:
    """What is wrong, by path; nothing if it was accepted."""
    return (
        {fault.path: fault.errors for fault in answer.faults} if isinstance(answer, Unfit) else {}
    )


def ids(world: World) -> list[AppId]:
    """The apps that are wished, sorted."""
    return sorted(world.state.apps)
