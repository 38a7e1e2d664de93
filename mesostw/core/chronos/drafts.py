"""
Documents of jobs as they come.

A draft says what a document says and no more: a field that is not there is ``UNSET``.  Forms
that the original puts up with are made one here: numbers as text, variables as a map,
``dataJob``; null is the same as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field, inspect

from mesostw.core.chronos.words import Document
from mesostw.core.framework import reading
from mesostw.core.framework.faults import Faults
from mesostw.model.jobs import (
    CatchUp,
    Concurrency,
    Count,
    Factor,
    Fetch,
    Hook,
    Seconds,
    Trigger,
    Words,
)

#: 0 is the operator's.
Amount: TypeAlias = Annotated[float, Meta(ge=0.0)]
Retries: TypeAlias = Annotated[int, Meta(ge=0, le=9_999)]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=1_000)]
Priority: TypeAlias = Annotated[int, Meta(ge=-1_000, le=1_000)]

#: Numbers that may come as text.
_NUMERIC: Final = ("cpus", "mem", "disk")
_INT_MAX: Final = 2**63 - 1


class Variable(Struct, frozen=True):
    """A variable of the task's environment."""

    name: Words
    value: str


class JobDraft(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a document says of a job; what a field means is said in ``model.jobs``."""

    name: Words | UnsetType = UNSET
    command: str | UnsetType = UNSET
    shell: bool | UnsetType = UNSET
    executor: str | UnsetType = UNSET
    executor_flags: str | UnsetType = UNSET
    task_info_data: str | UnsetType = UNSET
    retries: Retries | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    is_async: bool | UnsetType = field(default=UNSET, name="async")
    epsilon: str | UnsetType = UNSET
    cpus: Amount | UnsetType = UNSET
    mem: Amount | UnsetType = UNSET
    disk: Amount | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    concurrent: bool | UnsetType = UNSET
    soft_error: bool | UnsetType = UNSET
    data_processing_job_type: bool | UnsetType = UNSET
    high_priority: bool | UnsetType = UNSET
    run_as_user: str | UnsetType = UNSET
    uris: tuple[Words, ...] | UnsetType = UNSET
    fetch: tuple[Fetch, ...] | UnsetType = UNSET
    arguments: tuple[str, ...] | UnsetType = UNSET
    environment_variables: tuple[Variable, ...] | UnsetType = UNSET
    #: ``[attribute, operator, value]``, judged later.
    constraints: tuple[tuple[str, ...], ...] | UnsetType = UNSET
    max_completion_time: Count | UnsetType = UNSET
    schedule: str | UnsetType = UNSET
    schedule_time_zone: str | UnsetType = UNSET
    parents: tuple[Words, ...] | UnsetType = UNSET
    # Not supported yet.
    container: Mapping[str, object] | UnsetType = UNSET
    # Ours.
    cron: tuple[Words, ...] | UnsetType = UNSET
    exclude_dates: tuple[str, ...] | UnsetType = UNSET
    starting_deadline_seconds: Seconds | UnsetType = UNSET
    catch_up: CatchUp | UnsetType = UNSET
    catch_up_max: Limit | UnsetType = UNSET
    concurrency: Concurrency | UnsetType = UNSET
    trigger: Trigger | UnsetType = UNSET
    retry_delay_seconds: Seconds | UnsetType = UNSET
    retry_factor: Factor | UnsetType = UNSET
    retry_delay_max_seconds: Seconds | UnsetType = UNSET
    disable_after_failures: Count | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    spread_seconds: Seconds | UnsetType = UNSET
    unreachable_seconds: Seconds | UnsetType = UNSET
    late_after_seconds: Seconds | UnsetType = UNSET
    long_after_seconds: Seconds | UnsetType = UNSET
    labels: Mapping[str, str] | UnsetType = UNSET
    hooks: tuple[Hook, ...] | UnsetType = UNSET
    history_limit: Limit | UnsetType = UNSET


class CountsDraft(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an import has beside the job; ignored in any other document."""

    success_count: Count = 0
    error_count: Count = 0
    errors_since_last_success: Count = 0
    last_success: str = ""
    last_error: str = ""


def _fields_of(kind: type[Struct]) -> dict[str, inspect.Field]:
    node = inspect.type_info(kind)
    assert isinstance(node, inspect.StructType)
    return {one.encode_name: one for one in node.fields}


_FIELDS: Final = _fields_of(JobDraft) | _fields_of(CountsDraft)


def draft_of(document: Document, faults: Faults) -> JobDraft | None:
    """A document of a job; ``None`` if its shape is wrong, with why in ``faults``."""
    ready = _ready(document, faults)
    if ready is None:
        return None
    found = Faults()
    draft = reading.read(JobDraft, ready, found)
    _say(found, ready, faults)
    return draft


def counts_of(document: Document, faults: Faults) -> CountsDraft | None:
    """Counters and last results of a document, as :func:`draft_of`."""
    ready = _ready(document, faults)
    if ready is None:
        return None
    found = Faults()
    draft = reading.read(CountsDraft, ready, found)
    _say(found, ready, faults)
    return draft


def unknown_in(document: Document) -> tuple[str, ...]:
    """Names in a document that no job has."""
    return tuple(sorted(name for name in document if name not in _FIELDS and name != "dataJob"))


def cleared_in(document: Document) -> frozenset[str]:
    """Fields that a document sets to null."""
    return frozenset(
        _FIELDS[name].name for name, value in document.items() if value is None and name in _FIELDS
    )


# --- forms that are put up with -------------------------------------------------------


def _ready(document: Document, faults: Faults) -> dict[str, object] | None:
    """The document in one form; ``None`` if it is nested too deeply."""
    try:
        opened = reading.opened(document, {})
    except RecursionError as error:
        faults.add("", str(error))
        return None
    ready = dict(opened) if isinstance(opened, Mapping) else {}
    for name in _NUMERIC:
        ready[name] = _number_of(ready.get(name))
    if "dataJob" in ready:
        ready.setdefault("dataProcessingJobType", ready.pop("dataJob"))
    if isinstance(ready.get("cron"), str):
        ready["cron"] = [ready["cron"]] if ready["cron"] else []
    variables = ready.get("environmentVariables")
    if isinstance(variables, Mapping):
        ready["environmentVariables"] = [
            {"name": name, "value": value} for name, value in variables.items()
        ]
    return {name: value for name, value in ready.items() if value is not None}


def _number_of(value: object) -> object:
    """A number that came as text; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if isfinite(number) else value


# --- faults in words --------------------------------------------------------------------

_WORDS: Final = {
    "error.path.missing": "is missing",
    "error.expected.jsstring": "must be text",
    "error.expected.jsobject": "must be an object",
    "error.expected.jsarray": "must be a list",
    "error.expected.jsboolean": "must be true or false",
    "error.expected.jsnumber": "must be a number",
    "error.expected.int": "must be a whole number",
    "error.minLength": "must not be empty",
}


def _say(found: Faults, document: Mapping[str, object], faults: Faults) -> None:
    """Tell faults of the shape in words, with the value if that is short."""
    for fault in found.told():
        value = document.get(fault.path.removeprefix("/"))
        shown = f", not {value!r}" if isinstance(value, str | int | float) else ""
        for error in fault.errors:
            faults.add(fault.path, _worded(error, fault.path) + shown[:80])


def _worded(error: str, path: str) -> str:
    if error in ("error.min", "error.max"):
        return _range_of(path)
    if error == "error.unknown.enum.literal":
        return _choice_of(path)
    return _WORDS.get(error, error)


def _range_of(path: str) -> str:
    node = _node_of(path)
    if not isinstance(node, inspect.IntType | inspect.FloatType):
        return "is out of range"
    low = node.ge or 0
    return f"must be at least {low:g}" if node.le is None else f"must be from {low} to {node.le}"


def _choice_of(path: str) -> str:
    node = _node_of(path)
    if not isinstance(node, inspect.EnumType):
        return "is not a known word"
    return "must be one of " + ", ".join(sorted(word.value for word in node.cls))


def _node_of(path: str) -> inspect.Type | None:
    """The type of a field of the document itself, without that it may be absent."""
    known = _FIELDS.get(path.removeprefix("/"))
    if known is None or not isinstance(known.type, inspect.UnionType):
        return known.type if known else None
    return known.type.types[0]
