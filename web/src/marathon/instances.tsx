import { useMemo } from "preact/hooks";
import { duration, moment, plural } from "../format";
import type { Row } from "../live/frames";
import { agentName } from "../names";
import { Age } from "../parts/bits";
import { Mark, State } from "../parts/glyph";
import { followMarathon, marathon } from "../state";
import type { Look } from "../states";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { kill, killAndScale } from "./actions";
import { idPath } from "../framework/api";
import { seconds } from "./apps";
import { useMarathon } from "../framework/asking";
import { masterLink } from "../framework/masterpage";
import { Buttons, Menu } from "../framework/menu";

const LOOKS: Readonly<Record<string, Look>> = {
  Provisioned: { glyph: "quarter", tone: "progress", word: "provisioned" },
  Staging: { glyph: "quarter", tone: "progress", word: "staging" },
  Starting: { glyph: "half", tone: "progress", word: "starting" },
  Running: { glyph: "ring", tone: "ok", word: "running" },
  Killing: { glyph: "lower", tone: "warn", word: "killing" },
  Unreachable: { glyph: "wave", tone: "warn", word: "unreachable", hatched: true },
  UnreachableInactive: { glyph: "wave", tone: "bad", word: "unreachable, replaced", hatched: true },
};

export function instanceLook(row: Row): Look {
  if (row.condition === "Running" && row.healthy === true) return { glyph: "full", tone: "ok", word: "running, healthy" };
  if (row.condition === "Running" && row.healthy === false) return { glyph: "up", tone: "warn", word: "running, unhealthy" };
  return LOOKS[String(row.condition)] ?? { glyph: "question", tone: "idle", word: String(row.condition ?? "unknown") };
}

/** The sandbox is the master's to show. */
export function taskLink(taskId: unknown, log = ""): string | null {
  const framework = followMarathon("marathon").only?.framework_id;
  if (typeof framework !== "string") return null;
  return masterLink(["tasks", framework, String(taskId)], log === "" ? {} : { log });
}

export function Logs({ taskId }: { taskId: unknown }) {
  const [out, err] = [taskLink(taskId, "stdout"), taskLink(taskId, "stderr")];
  if (out === null || err === null) return <span class="muted" title="Where the master’s dashboard is, is not known">–</span>;
  return <><a href={out}>stdout</a> <a href={err}>stderr</a></>;
}

function Address({ row }: { row: Row }) {
  const ports = (row.ports ?? []) as readonly number[];
  const host = String(row.hostname);
  if (ports.length === 0) return <>{host}</>;
  return <span class="in-text">{host}:{ports.map((port, at) => <span key={port}>{at > 0 && ","}<a href={`http://${host}:${port}/`} target="_blank" rel="noreferrer noopener">{port}</a></span>)}</span>;
}

const instances = () => topicOf(marathon, "instances");

export function instancesSpec(config: unknown): TableSpec {
  return {
    topic: "instances",
    noun: "instances",
    source: instances,
    sort: "-since",
    example: "state:unhealthy agent:n-0* version:old",
    empty: "It has no instances.",
    facets: [{ label: "Unhealthy", term: "state:unhealthy" }, { label: "Outdated", term: "config:outdated" }],
    actions: (row) => <><HealthResults row={row} /><Buttons actions={[kill(row), killAndScale(row)]} /><p><Logs taskId={row.task_id} /></p></>,
    columns: [
      column("id", "Instance", "text", "minmax(20ch, 2fr)", {
        narrow: true, aliases: ["name"], read: (row) => row.task_id,
        cell: (row) => <TaskName row={row} />,
      }),
      column("state", "State", "text", "minmax(16ch, 20ch)", {
        narrow: true, aliases: ["health", "condition"], read: (row) => `${instanceLook(row).word}${row.doom ? ", to be ended" : ""}`,
        cell: (row) => <span title={String(row.cause || row.doom || "")}><State look={instanceLook(row)} /></span>,
      }),
      column("hostname", "At", "text", "minmax(16ch, 1.5fr)", { aliases: ["agent", "host", "at"], read: (row) => `${agentName(row.agent_id, row.hostname)} ${row.hostname}`, cell: (row) => <Address row={row} /> }),
      column("config", "Version", "text", "12ch", {
        aliases: ["version"], read: (row) => (row.config === config ? "present" : "outdated"),
        cell: (row) => <span title={String(row.version)}>{row.config === config ? "present" : <><Mark look={{ glyph: "half", tone: "progress", word: "" }} /> outdated</>}</span>,
      }),
      column("ready", "Ready", "text", "8ch", { extra: true, read: (row) => (row.ready ? "yes" : "no") }),
      column("failures", "Checks failed", "number", "13ch", { extra: true }),
      column("cause", "Why unhealthy", "text", "minmax(16ch, 1fr)", { extra: true }),
      column("doom", "Why ended", "text", "minmax(12ch, 1fr)", { extra: true }),
      column("zone", "Zone", "text", "10ch", { extra: true }),
      column("since", "Since", "age", "9ch", { cell: (row) => <Age at={row.started_at ?? row.staged_at} /> }),
      column("logs", "Logs", "text", "15ch", { right: false, read: () => null, cell: (row) => <Logs taskId={row.task_id} /> }),
      column("menu", "Do", "text", "6ch", { tableOnly: true, narrow: true, read: () => null, cell: (row) => <Menu label={`Actions on ${row.task_id}`} actions={() => [kill(row), killAndScale(row)]} /> }),
    ],
  };
}

function TaskName({ row }: { row: Row }) {
  const text = String(row.id);
  const link = taskLink(row.task_id);
  const name = <span class="id mono" title={String(row.task_id)}><span class="id-head">{text.slice(0, -10)}</span><span>{text.slice(-10)}</span></span>;
  return link === null ? name : <a href={link}>{name}</a>;
}

export function Instances({ app }: { app: Row }) {
  const spec = useMemo(() => instancesSpec(app.config), [app.config]);
  const scope = useMemo(() => (row: Row) => row.app_id === app.id, [app.id]);
  return <Grid key={String(app.config)} spec={spec} scope={scope} />;
}

interface CheckResult {
  readonly alive: boolean;
  readonly consecutiveFailures: number;
  readonly firstSuccess?: string | null;
  readonly lastSuccess?: string | null;
  readonly lastFailure?: string | null;
  readonly lastFailureCause?: string | null;
}

interface Task {
  readonly id: string;
  readonly healthCheckResults?: readonly CheckResult[];
}

/** What each check of an instance found; the feed has the worst one only. */
function HealthResults({ row }: { row: Row }) {
  const turn = `${row.healthy} ${row.failures}`;
  const { value } = useMarathon<{ tasks: Task[] }>(`v2/apps/${idPath(String(row.app_id))}/tasks`, turn);
  const results = value?.tasks.find((task) => task.id === row.task_id)?.healthCheckResults ?? [];
  if (results.length === 0) return null;
  return (
    <section aria-label="Health checks">
      <h3>Health checks</h3>
      <ul class="lines">
        {results.map((each, at) => (
          <li key={at}>
            <Mark look={each.alive ? { glyph: "full", tone: "ok", word: "" } : { glyph: "up", tone: "warn", word: "" }} /> check {at + 1} {each.alive ? "alive" : "failing"}
            {each.consecutiveFailures > 0 && <>, {plural(each.consecutiveFailures, "failure")} in a row</>}
            {each.lastFailureCause && <div class="message">{each.lastFailureCause}</div>}
            <div class="muted">first good {moment(seconds(each.firstSuccess))} · last good {moment(seconds(each.lastSuccess))} · last bad {moment(seconds(each.lastFailure))}</div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One end of an instance, as the API tells it. */
export interface End {
  readonly taskId: string;
  readonly instanceId?: string;
  readonly host: string;
  readonly state: string;
  readonly message?: string;
  readonly reason?: string;
  readonly timestamp: string;
  readonly startedAt?: string;
  readonly exitStatus?: number;
  readonly doom?: string;
  readonly failure?: boolean;
}

export function Ends({ ends }: { ends: readonly End[] }) {
  if (ends.length === 0) return <p class="empty">None of its instances has ended yet.</p>;
  return (
    <ol class="timeline">
      {[...ends].sort((a, b) => b.timestamp.localeCompare(a.timestamp)).map((end) => {
        const ran = end.startedAt === undefined ? null : (seconds(end.timestamp) ?? 0) - (seconds(end.startedAt) ?? 0);
        const look: Look = end.failure ? { glyph: "cross", tone: "bad", word: "" } : { glyph: "check", tone: "idle", word: "" };
        return (
          <li key={`${end.taskId}${end.timestamp}`}>
            <Mark look={look} />
            <div>
              <b>{end.state.replace(/^TASK_/, "").toLowerCase()}</b>
              {end.exitStatus !== undefined && <> · exit status <b>{end.exitStatus}</b></>}
              <span class="muted"> · {moment(seconds(end.timestamp))} · <Age at={seconds(end.timestamp)} /> ago{ran !== null && ` · ran ${duration(ran)}`} · on {end.host}</span>
              <div class="mono muted">{end.taskId} <Logs taskId={end.taskId} /></div>
              {end.reason !== undefined && <div class="muted">{end.reason.replace(/^REASON_/, "").toLowerCase().replaceAll("_", " ")}{end.doom ? ` · wished away: ${end.doom}` : ""}</div>}
              {end.message !== undefined && <div class="message">{end.message}</div>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
