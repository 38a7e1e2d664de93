"""The variables that a run is started with; names are Chronos', the last two ours."""

from __future__ import annotations

from mesostw.core.chronos.records import Run
from mesostw.model.jobs import JobSpec


def variables_of(spec: JobSpec, run: Run, task_id: str, hostname: str) -> dict[str, str]:
    """Every variable of one run; what Chronos says cannot be said otherwise by a job."""
    return {
        **dict(spec.environment_variables),
        **run.environment,
        "mesos_task_id": task_id,
        "MESOS_TASK_ID": task_id,
        "CHRONOS_JOB_OWNER": spec.owner,
        "CHRONOS_JOB_NAME": spec.name,
        "CHRONOS_JOB_RUN_TIME": str(run.instant),
        "CHRONOS_JOB_RUN_ATTEMPT": str(run.attempt),
        "CHRONOS_RESOURCE_CPU": str(float(spec.cpus)),
        "CHRONOS_RESOURCE_MEM": str(float(spec.mem)),
        "CHRONOS_RESOURCE_DISK": str(float(spec.disk)),
        "HOST": hostname,
        "CHRONOS_RUN_ID": run.id,
        "CHRONOS_PARENT_RUNS": ",".join(f"{parent}={run_id}" for parent, run_id in run.parents),
    }
