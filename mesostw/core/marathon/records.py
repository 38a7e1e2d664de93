"""What Marathon knows beside apps and groups: instances, deployments, ends, waiting launches."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from mesostw.model.apps import App, AppId, DeploymentId, Group, GroupId, InstanceId, Stamp
from mesostw.model.ids import AgentId, FrameworkId, TaskId
from mesostw.model.tasks import TaskState


class Condition(StrEnum):
    """What an instance is doing, in the words of Marathon's events."""

    PROVISIONED = "Provisioned"
    STAGING = "Staging"
    STARTING = "Starting"
    RUNNING = "Running"
    KILLING = "Killing"
    UNREACHABLE = "Unreachable"
    UNREACHABLE_INACTIVE = "UnreachableInactive"
    FINISHED = "Finished"
    FAILED = "Failed"
    KILLED = "Killed"
    ERROR = "Error"
    GONE = "Gone"
    DROPPED = "Dropped"
    UNKNOWN = "Unknown"


#: Conditions that an instance never leaves; its record goes with the change that tells of it.
TERMINAL_CONDITIONS: Final = frozenset(
    {
        Condition.FINISHED,
        Condition.FAILED,
        Condition.KILLED,
        Condition.ERROR,
        Condition.GONE,
        Condition.DROPPED,
        Condition.UNKNOWN,
    }
)


class Goal(StrEnum):
    """What is wished of an instance."""

    RUNNING = "Running"
    #: To be ended and forgotten.
    DECOMMISSIONED = "Decommissioned"


class Instance(Struct, frozen=True, omit_defaults=True, gc=False):
    """One instance of an app: one task, from the offer it was placed on until its end."""

    id: InstanceId
    app_id: AppId
    #: Of the app that it was started from.
    version: Stamp
    #: ``last_config_change_at`` of that app: instances with the app's own are up to date.
    config: Stamp
    task_id: TaskId
    agent_id: AgentId
    hostname: str
    role: str
    #: On the host, in the order of the app's ports.
    ports: tuple[int, ...] = ()
    condition: Condition = Condition.PROVISIONED
    #: Of its last change of ``condition``, in wall seconds, as the following ones.
    since: float = 0.0
    staged_at: float = 0.0
    started_at: float | None = None
    goal: Goal = Goal.RUNNING
    #: Why it is being ended; empty while nobody wants that.
    doom: str = ""
    #: Since when it is being ended; its time to drain is counted from then.
    doomed_at: float | None = None
    #: The agent's attributes as constraints compare them; ``@region`` and ``@zone`` too.
    attributes: Mapping[str, str] = {}
    region: str = ""
    zone: str = ""
    #: Addresses that the agent told of: (address, ``IPv4`` or ``IPv6``).
    addresses: tuple[tuple[str, str], ...] = ()
    task_state: TaskState = TaskState.TASK_STAGING
    #: What the agent's own check found last; ``None`` before the first finding.
    agent_health: bool | None = None
    #: What a general check found last, as the API shows it.
    check_result: Mapping[str, Mapping[str, int | bool]] | None = None
    #: Since when its agent is away, in wall seconds.
    unreachable_since: float | None = None
    #: Whether a readiness check has found it ready, for good.
    ready: bool = False

    @property
    def is_doomed(self) -> bool:
        """Whether it is wished away."""
        return self.goal is not Goal.RUNNING

    @property
    def is_active(self) -> bool:
        """Whether it takes, or may take, a place on an agent."""
        return self.condition not in TERMINAL_CONDITIONS

    @property
    def is_away(self) -> bool:
        """Whether its agent is not there, so that nobody knows what it does."""
        return self.condition in (Condition.UNREACHABLE, Condition.UNREACHABLE_INACTIVE)

    @property
    def counts(self) -> bool:
        """Whether it stands for one of the wished instances."""
        return not self.is_doomed and self.condition is not Condition.UNREACHABLE_INACTIVE


class Health(Struct, frozen=True, gc=False):
    """What one health check of one instance has found; times in wall seconds."""

    #: Which of the app's checks; -1 is the agent's.
    check: int
    alive: bool
    consecutive_failures: int = 0
    first_success: float | None = None
    last_success: float | None = None
    last_failure: float | None = None
    last_failure_cause: str | None = None


class Readiness(Struct, frozen=True, gc=False):
    """What the readiness check of a starting instance said last."""

    name: str
    task_id: TaskId
    ready: bool
    #: Of the last answer, if it is to be shown.
    status: int | None = None
    content_type: str = ""
    body: str = ""


class ActionKind(StrEnum):
    """What a deployment does with one app, in the API's words."""

    START = "StartApplication"
    STOP = "StopApplication"
    SCALE = "ScaleApplication"
    RESTART = "RestartApplication"


class Action(Struct, frozen=True, gc=False):
    """A part of a step."""

    kind: ActionKind
    app_id: AppId
    #: Instances that are wished at its end.
    target: int = 0


class Deployment(Struct, frozen=True, omit_defaults=True, gc=False):
    """
    A change under way: steps in order, the actions of a step side by side.

    A store keeps it in parts, so that no record grows with the number of apps: ``Progress``,
    written anew with each step, and what is written once of each app (``Affected``) and of
    each group (``Regrouped``).
    """

    id: DeploymentId
    version: Stamp
    steps: tuple[tuple[Action, ...], ...]
    #: In wall seconds.
    started: float
    #: From 0; the last step's end is the deployment's.
    step: int = 0
    #: Actions of the present step that are done.
    done: frozenset[AppId] = frozenset()
    paused: bool = False
    #: Wall second of the pause, by which its deadline is later.
    paused_at: float | None = None
    #: Wall second at which it is rolled back by itself; ``None`` waits for ever.
    deadline: float | None = None
    #: The deployment that this one takes back.
    reverts: DeploymentId | None = None
    #: Groups that it makes, removes or gives another meaning, as they were, for the way back.
    groups_before: tuple[tuple[GroupId, Group | None], ...] = ()

    @property
    def progress(self) -> Progress:
        """What of it changes while it gets on."""
        return Progress(
            self.id,
            self.version,
            self.started,
            self.step,
            self.paused,
            self.paused_at,
            self.deadline,
            self.reverts,
        )

    @property
    def actions(self) -> tuple[Action, ...]:
        """Of the present step."""
        return self.steps[self.step] if self.step < len(self.steps) else ()

    @property
    def app_ids(self) -> frozenset[AppId]:
        """Every app that it changes."""
        return frozenset(action.app_id for step in self.steps for action in step)


class Progress(Struct, frozen=True, omit_defaults=True, gc=False):
    """How far a deployment is: its fields but those that each app or group has a part of."""

    id: DeploymentId
    version: Stamp
    started: float
    step: int = 0
    paused: bool = False
    paused_at: float | None = None
    deadline: float | None = None
    reverts: DeploymentId | None = None


class Affected(Struct, frozen=True, omit_defaults=True, gc=False):
    """An app before and after a deployment; ``None`` where there is none."""

    deployment_id: DeploymentId
    app_id: AppId
    before: App | None
    after: App | None
    #: Instances that are kept until the app's step has come, and while it is paused.
    kept: int = 0
    #: What the deployment does with it, each with the number of its step.
    planned: tuple[tuple[int, Action], ...] = ()


class Regrouped(Struct, frozen=True, gc=False):
    """A group before a deployment that changes it; ``None`` if there was none."""

    deployment_id: DeploymentId
    group_id: GroupId
    before: Group | None


class Replaced(Struct, frozen=True, gc=False):
    """
    What a change of the tree found at one path; ``None`` and ``None`` if there was nothing.

    All of one version are what that change replaced.  Walking versions back from the present
    gives the tree at any of them that is kept.
    """

    #: Of the change.
    version: Stamp
    #: Of an app or of a group.
    path: str
    app: App | None = None
    group: Group | None = None


class Termination(Struct, frozen=True, omit_defaults=True, gc=False):
    """How an instance ended."""

    app_id: AppId
    #: Counted for each app from 1.
    number: int
    instance_id: InstanceId
    task_id: TaskId
    agent_id: AgentId
    hostname: str
    version: Stamp
    state: TaskState
    #: At most ``MESSAGE_CHARS_MAX`` characters.
    message: str
    reason: str
    #: In wall seconds.
    ended: float
    started: float | None = None
    #: Why it had been wished away; empty if nobody did.
    doom: str = ""
    #: As a shell tells it, if the message has one.
    exit_status: int | None = None
    #: Whether the API shows it as ``lastTaskFailure``.
    is_failure: bool = False


class Registration(Struct, frozen=True, gc=False):
    """The id under which the master knows us; losing it would start everything twice."""

    framework_id: FrameworkId


class Waiting(Struct, frozen=True, gc=False):
    """An app that has instances left to launch."""

    app_id: AppId
    #: Of the app that is launched.
    version: Stamp
    config: Stamp
    role: str
    count: int
    #: In wall seconds.
    since: float


class Delay(Struct, frozen=True, gc=False):
    """A back-off of an app's configuration."""

    app_id: AppId
    config: Stamp
    delay_s: float
    #: Until then nothing is launched, in wall seconds.
    until: float


class TreeChange(Struct, frozen=True, kw_only=True):
    """A change of the wished tree, judged and ready to be deployed."""

    version: Stamp
    #: Every app that differs, as it will be; ``None`` where it goes.
    apps: Mapping[AppId, App | None]
    #: The same of groups that have a record.
    groups: Mapping[GroupId, Group | None] = {}
    #: Apps whose instances are all to be replaced although nothing else changes.
    restarted: frozenset[AppId] = frozenset()
    #: Apps whose surplus is ended at once by whoever asks.
    culled: frozenset[AppId] = frozenset()
