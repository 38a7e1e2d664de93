import { clock, dayTime, moment, number } from "../format";
import { ask } from "../framework/dialog";
import { Buttons, Menu } from "../framework/menu";
import type { Row } from "../live/frames";
import { Mark } from "../parts/glyph";
import { hashOf, place, setQuery } from "../router";
import { chronos, followChronos, nowS } from "../state";
import { toggled } from "../query/query";
import { Age } from "../parts/bits";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { jobActions, pause } from "./actions";
import { Bars, JobState, Next, Rate } from "./cells";
import { ChronosFrame } from "./frame";
import { becauseWords, historyWords, isOverdue, jobWord, OUTCOMES, successRate } from "./words";
import "../framework/style.css";
import "./style.css";

const serverS = (): number => chronos.serverNow() / 1000;

function Labels({ row }: { row: Row }) {
  const labels = (row.labels ?? []) as readonly string[];
  return (
    <span class="labels">
      {labels.map((label) => (
        <button key={label} type="button" class="label" title={`Only jobs with ${label}`} onClick={() => setQuery({ q: toggled(place.value.query.q ?? "", `label:${label.includes(" ") ? `"${label}"` : label}`) })}>{label}</button>
      ))}
    </span>
  );
}

function Name({ row }: { row: Row }) {
  return row.disabled === true ? <s>{String(row.id)}</s> : <>{String(row.id)}</>;
}

function menuOf(row: Row) {
  return jobActions(row);
}

export const JOBS: TableSpec = {
  topic: "jobs",
  noun: "jobs",
  source: () => topicOf(chronos, "jobs"),
  sort: "id",
  example: "state:overdue last:failure label:team:data rate<90",
  empty: "No job is here yet. “Create job” makes the first one.",
  link: (row) => ["jobs", String(row.id)],
  actions: (row) => <><p class="buttons"><a class="button" href={hashOf(["job-edit", String(row.id)])}>Edit</a></p><Buttons actions={menuOf(row)} /></>,
  facets: [
    { label: "Scheduled", term: "kind:schedule,cron" },
    { label: "Dependent", term: "kind:dependent" },
  ],
  columns: [
    column("id", "Name", "text", "minmax(12ch, 2fr)", { aliases: ["name", "job"], narrow: true, cell: (row) => <Name row={row} /> }),
    column("state", "State", "text", "13ch", {
      narrow: true, read: (row) => `${jobWord(row, serverS())} ${becauseWords(row)}`.trim(), cell: (row) => <JobState row={row} />,
    }),
    column("next", "Next run", "number", "14ch", { right: false, narrow: true, cell: (row) => <Next row={row} /> }),
    column("at", "At", "text", "17ch", { read: (row) => (row.disabled === true ? "–" : moment(row.next)), cell: (row) => <At row={row} /> }),
    column("history", "Last results", "text", "15ch", { read: (row) => historyWords(String(row.history)), cell: (row) => <Bars row={row} /> }),
    column("last", "Last", "text", "9ch", { read: (row) => row.last, cell: (row) => <Last row={row} /> }),
    column("rate", "Success", "number", "9ch", { read: (row) => { const rate = successRate(String(row.history)); return rate === null ? null : rate * 100; }, cell: (row) => <Rate row={row} /> }),
    column("success_count", "Succeeded", "number", "11ch", { aliases: ["succeeded"], cell: (row) => number(row.success_count) }),
    column("error_count", "Failed", "number", "8ch", { aliases: ["failed"], cell: (row) => number(row.error_count) }),
    column("owner", "Owner", "text", "minmax(14ch, 1fr)"),
    column("labels", "Labels", "text", "minmax(12ch, 1.5fr)", { aliases: ["label", "tag"], read: (row) => ((row.labels ?? []) as readonly string[]).join("\n"), cell: (row) => <Labels row={row} /> }),
    column("kind", "Kind", "text", "11ch", { extra: true }),
    column("schedule", "Schedule", "text", "minmax(20ch, 1fr)", { extra: true }),
    column("zone", "Zone", "text", "14ch", { extra: true }),
    column("parents", "After", "text", "minmax(12ch, 1fr)", { extra: true, aliases: ["after"], read: (row) => ((row.parents ?? []) as readonly string[]).join(", ") }),
    column("command", "Command", "text", "minmax(20ch, 2fr)", { extra: true }),
    column("description", "Description", "text", "minmax(20ch, 1fr)", { extra: true }),
    column("median_ms", "Median, s", "number", "10ch", { extra: true, read: (row) => Number(row.median_ms) / 1000, cell: (row) => number(Number(row.median_ms) / 1000) }),
    column("retries", "Retries", "number", "8ch", { extra: true }),
    column("priority", "Priority", "number", "9ch", { extra: true }),
    column("errors_since", "Failed in a row", "number", "14ch", { extra: true }),
    column("menu", "Do", "text", "6ch", { tableOnly: true, read: () => null, cell: (row) => <Menu label={`Actions on ${row.id}`} actions={() => menuOf(row)} /> }),
  ],
};

function At({ row }: { row: Row }) {
  if (typeof row.next !== "number" || row.disabled === true) return <span class="muted">–</span>;
  const today = new Date(row.next * 1000).toDateString() === new Date(nowS.value * 1000).toDateString();
  return <span title={moment(row.next)}>{today ? clock(row.next * 1000) : dayTime(row.next)}</span>;
}

function Last({ row }: { row: Row }) {
  const at = row.last === "success" ? row.last_success : row.last_error;
  if (row.last === "fresh") return <span class="muted">never</span>;
  const look = OUTCOMES[row.last === "success" ? "s" : "f"];
  return <span title={`${look?.word} ${moment(at)}`}>{look !== undefined && <Mark look={look} />} <Age at={at} /> <span class="unseen">{look?.word}</span></span>;
}

const COUNTERS = [
  ["success", "Last succeeded", "last:success", { glyph: "check", tone: "ok", word: "" }],
  ["failure", "Last failed", "last:failure", { glyph: "cross", tone: "bad", word: "" }],
  ["fresh", "Never ended", "last:fresh", { glyph: "ring", tone: "idle", word: "" }],
  ["running", "Running", "state:running", { glyph: "half", tone: "progress", word: "" }],
  ["queued", "Queued", "state:queued", { glyph: "quarter", tone: "warn", word: "" }],
  ["overdue", "Overdue", "state:overdue", { glyph: "alarm", tone: "bad", word: "" }],
  ["disabled", "Disabled", "state:disabled,finished", { glyph: "square", tone: "idle", word: "" }],
] as const;

/** How many jobs are how; each is a filter. */
function Counters() {
  const row = followChronos("chronos").only;
  if (row === undefined) return null;
  let overdue = 0;
  for (const each of followChronos("jobs").rows.values()) if (isOverdue(each, nowS.value) && Number(each.running) + Number(each.queued) === 0) overdue++;
  const chosen = place.value.query.q ?? "";
  return (
    <nav class="strip" aria-label="Jobs by state">
      {COUNTERS.map(([key, label, term, look]) => {
        const count = key === "overdue" ? overdue : Number(row[key] ?? 0);
        return (
          <a key={key} href={hashOf(["jobs"], { q: chosen === term ? "" : term })} aria-current={chosen === term ? "true" : undefined} class={count === 0 ? "none" : ""}>
            <Mark look={look} /> <b>{number(count)}</b> <span>{label}</span>
          </a>
        );
      })}
    </nav>
  );
}

export function JobsPage() {
  const row = followChronos("chronos").only;
  return (
    <ChronosFrame here="jobs">
      <div class="object-head">
        <h1>Jobs</h1>
        <span class="spring" />
        {row !== undefined && row.paused !== true && <button type="button" onClick={() => ask(pause())}>Pause everything</button>}
        <a class="button primary" href={hashOf(["job-edit"])}>Create job</a>
      </div>
      <Counters />
      <Grid key="jobs" spec={JOBS} />
    </ChronosFrame>
  );
}
