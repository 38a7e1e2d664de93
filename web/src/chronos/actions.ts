import type { Action } from "../framework/actions";
import type { Request } from "../framework/api";
import { plural } from "../format";
import type { Row } from "../live/frames";
import type { Json } from "../framework/document";

/** What can be done with jobs and runs. */

export function pathOfJob(name: unknown, rest = ""): string {
  return `v1/chronos/jobs/${encodeURIComponent(String(name))}${rest}`;
}

const to = "chronos" as const;
const noun = "job";

export function runNow(row: Row): Action {
  return {
    title: `Run ${row.id} now`, button: "Run now", done: `${row.id} is to run`, noun,
    explain: Number(row.running) > 0 && row.concurrency !== "allow"
      ? "A run of it is under way: this one waits, or is refused, as the job says of runs that overlap."
      : "A run beside its schedule, which stays as it is. Its dependents follow it as they follow any other.",
    text: { label: "Arguments instead of the job’s own (may stay empty)", optional: true, fault: () => "" },
    request: (_number, text) => ({ method: "POST", path: pathOfJob(row.id, "/runs"), to, ...(text === "" ? {} : { body: { arguments: text } }) }),
    cli: (_number, text) => ["run", String(row.id), ...(text === "" ? [] : ["--arguments", text])],
  };
}

export function setEnabled(row: Row): Action {
  const enabled = row.disabled === true;
  return {
    title: `${enabled ? "Enable" : "Disable"} ${row.id}`, button: enabled ? "Enable" : "Disable", noun,
    done: enabled ? `${row.id} runs again` : `${row.id} starts no more`,
    explain: enabled
      ? "It runs at its next instant. Those that passed meanwhile stay skipped."
      : "What runs of it goes on; instants that pass from now on are skipped, until somebody enables it.",
    request: () => ({ method: "PUT", path: pathOfJob(row.id, "/enabled"), to, body: { enabled } }),
    cli: () => [enabled ? "enable" : "disable", String(row.id)],
  };
}

export function markSuccess(row: Row): Action {
  return {
    title: `Say that ${row.id} has succeeded`, button: "Mark success", done: `${row.id} counts as succeeded`,
    explain: "Nothing runs: a success is noted now, and its dependents follow it.",
    request: () => ({ method: "PUT", path: `v1/scheduler/job/success/${encodeURIComponent(String(row.id))}`, to }),
  };
}

export function remove(row: Row): Action {
  return {
    title: `Delete ${row.id}`, button: "Delete", danger: true, done: `${row.id} is gone`, noun, then: ["jobs"],
    explain: `Its runs (${plural(Number(row.running) + Number(row.queued), "live run")}) are killed, and the job is gone with its history. Jobs that ran after it take over its schedule or its parents.`,
    request: () => ({ method: "DELETE", path: pathOfJob(row.id), to }),
    cli: () => ["remove", String(row.id)],
  };
}

export function jobActions(row: Row): Action[] {
  return [runNow(row), setEnabled(row), markSuccess(row), remove(row)];
}

export function killRun(row: Row): Action {
  return {
    title: `Kill a run of ${row.job}`, button: "Kill", done: "It is being ended", noun,
    explain: `Its run${row.hostname ? ` on ${row.hostname}` : ""} is ended: it is not tried again, does not count as a failure, and nobody follows it.`,
    request: () => ({ method: "DELETE", path: `v1/chronos/runs/${encodeURIComponent(String(row.id))}`, to }),
    cli: () => ["kill", String(row.job), "--run", String(row.id)],
  };
}

export function rerun(row: Row): Action {
  return {
    title: `Run ${row.job} again`, button: "Run again", done: `${row.job} is to run again`,
    explain: "The same again, with the same arguments and environment. Its dependents follow it as they follow any other.",
    request: () => ({ method: "POST", path: `v1/chronos/runs/${encodeURIComponent(String(row.id))}/rerun`, to }),
  };
}

export function pause(): Action {
  return {
    title: "Pause everything", button: "Pause", done: "Nothing is started any more", noun,
    explain: "What runs goes on; nothing is started until somebody resumes. What is due meanwhile is caught up with then, as each job says.",
    text: { label: "Why (may stay empty)", optional: true, fault: () => "" },
    request: (_number, why) => ({ method: "PUT", path: "v1/chronos/pause", to, body: { paused: true, why } }),
    cli: (_number, why) => ["pause", ...(why === "" ? [] : [why])],
  };
}

export function resume(): Action {
  return {
    title: "Resume", button: "Resume", done: "Jobs are started again", noun,
    explain: "What was due meanwhile is caught up with, as each job says.",
    request: () => ({ method: "PUT", path: "v1/chronos/pause", to, body: { paused: false } }),
    cli: () => ["resume"],
  };
}

/** A whole document as a job: a new one, or in the place of the version that was read. */
export function putJob(document: Json, version: string | null): Request {
  const headers: Record<string, string> = version === null ? { "If-None-Match": "*" } : { "If-Match": `"${version}"` };
  return { method: "PUT", path: pathOfJob(document.name), to, body: document, headers };
}

export function goBack(name: string, version: string, when: string, document: Json): Action {
  return {
    title: `Go back to ${when}`, button: "Go back", done: `${name} is what it was`,
    explain: `${name} becomes again what it was at ${when}, as a new version. Its counters and its history stay.`,
    request: () => ({ method: "PUT", path: pathOfJob(name), to, body: document, headers: { "If-Match": `"${version}"` } }),
  };
}
