import { useEffect, useMemo } from "preact/hooks";
import { dayTime, moment, number, shortTime } from "../format";
import { useChronos } from "../framework/asking";
import { Buttons, Menu } from "../framework/menu";
import type { Row } from "../live/frames";
import { agentName } from "../names";
import { Age } from "../parts/bits";
import { hashOf } from "../router";
import { chronos, followChronos } from "../state";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { killRun, rerun } from "./actions";
import { Logs, RunState } from "./cells";
import { ChronosFrame } from "./frame";
import { Answered, type ApiRun, rowOf } from "./run";
import { isEnded, runLook } from "./words";
import "../framework/style.css";
import "./style.css";

function actionsOf(row: Row) {
  return isEnded(row) ? [rerun(row)] : [killRun(row)];
}

const CAUSES: Readonly<Record<string, string>> = { clock: "clock", parents: "its parents", manual: "by hand", retry: "a retry", backfill: "backfill", marked: "marked" };

export const RUNS: TableSpec = {
  topic: "runs",
  noun: "runs",
  source: () => topicOf(chronos, "runs"),
  sort: "-instant",
  example: "state:failed job:report* late>5 exit>0",
  empty: "No run is known.",
  facets: [
    { label: "Live", term: "state:waiting,launching,staging,starting,running,awaited,unreachable" },
    { label: "Failed", term: "state:failed" },
    { label: "Skipped", term: "state:skipped" },
  ],
  actions: (row) => <><Buttons actions={actionsOf(row)} /><p><Logs row={row} /></p></>,
  columns: [
    column("job", "Job", "text", "minmax(12ch, 1.5fr)", { narrow: true, cell: (row) => <a href={hashOf(["jobs", String(row.job)])}>{String(row.job)}</a> }),
    column("instant", "For", "age", "20ch", { right: false, narrow: true, cell: (row) => <time title={moment(row.instant)}>{dayTime(row.instant, true)}</time> }),
    column("state", "State", "text", "14ch", { narrow: true, read: (row) => `${runLook(row).word} ${row.state}`, cell: (row) => <RunState row={row} /> }),
    column("cause", "Because of", "text", "12ch", { read: (row) => `${CAUSES[String(row.cause)] ?? row.cause}`, cell: (row) => <span title={row.by ? `by ${row.by}` : ""}>{CAUSES[String(row.cause)] ?? String(row.cause)}</span> }),
    column("attempt", "Attempt", "number", "9ch", { read: (row) => Number(row.attempt) + 1, cell: (row) => number(Number(row.attempt) + 1) }),
    column("late", "Late", "number", "9ch", { cell: (row) => shortTime(row.late) }),
    column("took", "Took", "number", "10ch", { cell: (row) => shortTime(row.took) }),
    column("exit", "Exit", "number", "7ch", { cell: (row) => (typeof row.exit === "number" ? String(row.exit) : "–") }),
    column("hostname", "At", "text", "minmax(12ch, 1fr)", { aliases: ["agent", "host"], read: (row) => `${agentName(row.agent_id, row.hostname)} ${row.hostname}`, cell: (row) => (row.hostname ? agentName(row.agent_id, row.hostname) : "–") }),
    column("message", "Message", "text", "minmax(16ch, 2fr)", { read: (row) => [row.skip, row.doom, row.message].filter(Boolean).join(": ") }),
    column("logs", "Logs", "text", "15ch", { right: false, read: () => null, cell: (row) => <Logs row={row} /> }),
    column("since", "Since", "age", "9ch", { extra: true, cell: (row) => <Age at={row.since} /> }),
    column("id", "Id", "text", "20ch", { extra: true }),
    column("by", "By", "text", "10ch", { extra: true }),
    column("menu", "Do", "text", "6ch", { tableOnly: true, read: () => null, cell: (row) => <Menu label={`Actions on the run of ${row.job} for ${moment(row.instant)}`} actions={() => actionsOf(row)} /> }),
  ],
};

export function RunsPage() {
  return (
    <ChronosFrame here="runs">
      <h1>Runs</h1>
      <p class="muted">Those that live, and the last five of each job; a job’s page has all that are kept.</p>
      <Grid key="runs" spec={RUNS} />
    </ChronosFrame>
  );
}

/** Counts as different whenever a run of one of these jobs does something else. */
export function useRunsTurn(names: readonly string[]): string {
  const wanted = new Set(names);
  let turn = "";
  for (const row of followChronos("runs").rows.values()) if (wanted.has(String(row.job))) turn += `${row.id}${row.state}${row.ended ?? ""};`;
  return turn;
}

/** Every run of a job that is kept, the oldest first. */
export function useRunsOf(name: string) {
  const turn = useRunsTurn([name]);
  const { value, outcome } = useChronos<{ runs: ApiRun[] }>(`v1/chronos/runs?job=${encodeURIComponent(name)}&limit=1000`, turn);
  const rows = useMemo(() => value?.runs.map(rowOf).reverse() ?? null, [value]);
  return { rows, outcome };
}

export function RunsOf({ name }: { name: string }) {
  const { rows } = useRunsOf(name);
  const answered = useMemo(() => new Answered(), [name]);
  useEffect(() => {
    if (rows !== null) answered.put(rows);
  }, [rows]);
  const spec = useMemo((): TableSpec => ({
    ...RUNS,
    empty: "No run of it is known yet.",
    source: () => ({ table: answered, listen: (listener) => answered.listen(listener), nowS: () => chronos.serverNow() / 1000 }),
    columns: RUNS.columns.filter((each) => each.name !== "job"),
  }), [answered]);
  return <Grid key={`runs ${name}`} spec={spec} />;
}
