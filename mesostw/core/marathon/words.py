"""What Marathon's core is asked, how it answers, its timers, and what it has done for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from mesostw.core.framework import refusing
from mesostw.core.marathon.records import Action, Instance
from mesostw.core.outcome import CommonEffect, CommonStimulus
from mesostw.core.probes import Probed, StartProbe, StopProbe
from mesostw.core.scheduling import FrameworkEffect, FrameworkStimulus
from mesostw.model.apps import App, AppId, DeploymentId, GroupId, InstanceId, Stamp

#: A JSON object as it came: read, merged and judged by ``documents``.
Document: TypeAlias = Mapping[str, object]


def _keys(document: object) -> str:
    """A document as logs may have it: its id and its keys, since values may be secrets."""
    if not isinstance(document, Mapping):
        return type(document).__name__
    return f"{document.get('id')!r}: <{', '.join(map(str, document))}>"


# --- questions --------------------------------------------------------------


class Terms(Struct, frozen=True, kw_only=True):
    """What every change of the tree may come with."""

    #: Cancel deployments that are in the way.
    force: bool = False
    #: Seconds after which the deployment is rolled back by itself; ``None`` waits for ever.
    deadline_s: float | None = None
    #: For ``api_post_event``.
    client_ip: str = ""
    uri: str = ""


class AppsAsked(Struct, frozen=True):
    """
    Have apps as ``documents`` say, in one deployment.

    Each document's ``id`` is set by who asks, from the path where there is one.
    """

    documents: tuple[Document, ...]
    terms: Terms
    #: Whether an app may be there already, and may be missing.
    may_exist: bool = True
    may_create: bool = True
    #: Whether what a document leaves out stays as it is; else the default takes its place.
    partial: bool = True

    def __repr__(self) -> str:
        """Without what the documents say: variables may be secrets."""
        return f"AppsAsked({'; '.join(map(_keys, self.documents))}; {self.terms!r})"


class AppRestartAsked(Struct, frozen=True):
    """Replace every instance of an app by a new one."""

    app_id: AppId
    terms: Terms


class AppRemovalAsked(Struct, frozen=True):
    """End an app and forget it."""

    app_id: AppId
    terms: Terms


class GroupAsked(Struct, frozen=True):
    """Have a group as ``document`` says; what it leaves out of the group goes."""

    group_id: GroupId
    document: Document
    terms: Terms
    #: Whether the group may be there already (PUT) or not (POST).
    may_exist: bool = True
    #: Tell the steps, and change nothing.
    dry_run: bool = False

    def __repr__(self) -> str:
        """Without what the document says: variables may be secrets."""
        return f"GroupAsked({self.group_id!r}, {_keys(self.document)}; {self.terms!r})"


class GroupPatchAsked(Struct, frozen=True):
    """Change a top-level group's ``enforceRole`` alone."""

    group_id: GroupId
    document: Document


class GroupRemovalAsked(Struct, frozen=True):
    """End everything below a group; the root is everything."""

    group_id: GroupId
    terms: Terms


class DeploymentCancelAsked(Struct, frozen=True):
    """Take a deployment back; with ``force`` only stop it where it is."""

    deployment_id: DeploymentId
    force: bool


class DeploymentPauseAsked(Struct, frozen=True):
    """Have a deployment replace nothing more until it goes on, or have it go on."""

    deployment_id: DeploymentId
    paused: bool


class InstancesKillAsked(Struct, frozen=True):
    """
    End instances, which are replaced unless ``scale``.

    ``task_ids`` are of tasks or instances, unknown ones are left out; without them those of
    ``app_id`` are meant, on ``hostname`` if that is given.
    """

    terms: Terms
    task_ids: tuple[str, ...] | None = None
    app_id: AppId | None = None
    hostname: str | None = None
    #: Wish fewer instances, by a deployment.
    scale: bool = False
    #: Forget them at once, also where nobody can be asked to end them.
    wipe: bool = False


class DelayResetAsked(Struct, frozen=True):
    """Launch a backed-off app at once."""

    app_id: AppId


MarathonQuestion: TypeAlias = (
    AppsAsked
    | AppRestartAsked
    | AppRemovalAsked
    | GroupAsked
    | GroupPatchAsked
    | GroupRemovalAsked
    | DeploymentCancelAsked
    | DeploymentPauseAsked
    | InstancesKillAsked
    | DelayResetAsked
)

# --- answers ----------------------------------------------------------------


class Planned(Struct, frozen=True):
    """A change is accepted; a change of nothing has a deployment that is over already."""

    version: Stamp
    deployment_id: DeploymentId
    #: The apps that were asked for, as they are now.
    apps: tuple[App, ...] = ()
    #: Those of them that had not been there.
    created: frozenset[AppId] = frozenset()


class DryRun(Struct, frozen=True):
    """The steps that a deployment would have."""

    steps: tuple[tuple[Action, ...], ...]


class Killed(Struct, frozen=True):
    """Instances that are being ended, as they were when that was asked."""

    instances: tuple[Instance, ...]


#: A question that is not done, with nothing changed.
Unfit: TypeAlias = refusing.Unfit


class Locked(refusing.Unfit, frozen=True):
    """Deployments are in the way: ``reason`` is ``locked``."""

    deployments: tuple[DeploymentId, ...] = ()


# --- timers -----------------------------------------------------------------


class Tick(Struct, frozen=True):
    """Once a second: launch delays and tokens, launch time-outs, deadlines, expunging."""


class ReviveDue(Struct, frozen=True):
    """Offers may be revived again."""


class KillDue(Struct, frozen=True):
    """An instance that was taken out of service is to be killed now."""

    instance_id: InstanceId


class ReconcileDue(Struct, frozen=True):
    """Time to compare what we and the master believe."""


MarathonTimer: TypeAlias = Tick | ReviveDue | KillDue | ReconcileDue

# --- effects ----------------------------------------------------------------


class StepDown(Struct, frozen=True):
    """Stop the daemon: going on could start everything twice, or nothing at all."""

    reason: str


MarathonStimulus: TypeAlias = CommonStimulus | FrameworkStimulus | Probed
MarathonEffect: TypeAlias = CommonEffect | FrameworkEffect | StartProbe | StopProbe | StepDown
