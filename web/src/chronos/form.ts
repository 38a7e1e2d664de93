import { choiceCell, checkCell, type Json, type Section, textCell } from "../framework/document";

/** The form of a job. */
export const JOB_SECTIONS: readonly Section[] = [
  {
    title: "General",
    fields: [
      { label: "Name", path: ["name"], kind: "text", fixed: true, hint: "Letters, digits, blanks and _ # . -" },
      { label: "Command", path: ["command"], kind: "area", hint: "Run by /bin/sh on an agent" },
      { label: "Description", path: ["description"], kind: "text" },
      { label: "Owner", path: ["owner"], kind: "text", hint: "Addresses of mail, separated by commas" },
      { label: "Disabled", path: ["disabled"], kind: "check" },
    ],
  },
  {
    title: "When",
    fields: [
      { label: "Schedule", path: ["schedule"], kind: "text", hint: "R/2026-01-01T02:00:00Z/P1D: repetitions, start, period" },
      { label: "or cron", path: ["cron"], kind: "text", hint: "0 2 * * 1-5: minute, hour, day, month, weekday" },
      { label: "Time zone", path: ["scheduleTimeZone"], kind: "text", hint: "Europe/Berlin; UTC if empty" },
      { label: "or after these jobs", path: ["parents"], kind: "words", hint: "Names, separated by commas" },
      { label: "Which ends of theirs count", path: ["trigger"], kind: "choice", choices: ["success", "failure", "always"] },
    ],
  },
  {
    title: "Resources",
    fields: [
      { label: "CPUs", path: ["cpus"], kind: "number" },
      { label: "Memory, MiB", path: ["mem"], kind: "number" },
      { label: "Disk, MiB", path: ["disk"], kind: "number" },
      { label: "User", path: ["runAsUser"], kind: "text", hint: "Who the command runs as; Chronos’ own if empty" },
    ],
  },
  {
    title: "Late, long, failed",
    fields: [
      { label: "While another run is under way", path: ["concurrency"], kind: "choice", choices: ["allow", "skip", "queue", "replace"] },
      { label: "Catch up with what was missed", path: ["catchUp"], kind: "choice", choices: ["one", "none", "all"] },
      { label: "Skipped when later than, s", path: ["startingDeadlineSeconds"], kind: "number", hint: "Never if empty" },
      { label: "Retries", path: ["retries"], kind: "number" },
      { label: "Before a retry, s", path: ["retryDelaySeconds"], kind: "number" },
      { label: "Each further one waits longer by", path: ["retryFactor"], kind: "number" },
      { label: "May take, s (0: for ever)", path: ["maxCompletionTime"], kind: "number" },
      { label: "Disabled after failures in a row", path: ["disableAfterFailures"], kind: "number", hint: "0: never" },
      { label: "A failure counts as success for dependents", path: ["softError"], kind: "check" },
      { label: "Priority", path: ["priority"], kind: "number", hint: "Higher starts first" },
    ],
  },
  {
    title: "Environment, labels, files",
    fields: [
      {
        label: "Environment", path: ["environmentVariables"], kind: "rows", fresh: { name: "", value: "" },
        cells: [textCell("Name", "name"), textCell("Value", "value", { wide: true })],
      },
      { label: "Labels", path: ["labels"], kind: "pairs" },
      {
        label: "Fetched into the sandbox", path: ["fetch"], kind: "rows", fresh: { uri: "" },
        cells: [textCell("Address", "uri", { wide: true }), checkCell("Unpack", "extract"), checkCell("Executable", "executable"), checkCell("Cache", "cache")],
      },
      {
        label: "Constraints", path: ["constraints"], kind: "rows", fresh: ["hostname", "EQUALS", ""],
        cells: [textCell("Attribute", 0), choiceCell("Operator", 1, ["EQUALS", "LIKE", "UNLIKE"]), textCell("Value", 2)],
      },
    ],
  },
  {
    title: "Who is told",
    fields: [
      { label: "Late to start after, s", path: ["lateAfterSeconds"], kind: "number" },
      { label: "Too long after, s", path: ["longAfterSeconds"], kind: "number" },
      {
        label: "Hooks", path: ["hooks"], kind: "rows", fresh: { channel: "webhook", target: "" },
        cells: [choiceCell("By", "channel", ["mail", "webhook", "slack"]), textCell("Address", "target", { wide: true })],
      },
    ],
  },
];

/** Keys that tell what became of a job, not what it is. */
export const COUNTERS: ReadonlySet<string> = new Set([
  "successCount", "errorCount", "errorsSinceLastSuccess", "lastSuccess", "lastError",
]);

/** A job that says no more than it has to; the start is the next full hour. */
export function freshJob(nowMs: number, parents: readonly string[] = []): Json {
  const start = new Date(Math.ceil((nowMs + 1) / 3_600_000) * 3_600_000).toISOString();
  const when = parents.length > 0 ? { parents } : { schedule: `R/${start}/P1D` };
  return { name: "", command: "", ...when, cpus: 0.1, mem: 128 };
}

/** Before it is sent: what stands empty beside the one way in which a job is timed is left out. */
export function sent(document: Json): Json {
  const next = { ...document };
  for (const key of ["schedule", "cron"]) if (next[key] === "") delete next[key];
  if (Array.isArray(next.parents) && next.parents.length === 0) delete next.parents;
  return next;
}
