import { duration } from "../format";
import type { Row } from "../live/frames";
import { agentName } from "../names";
import { memberLook, taskLook, type Look } from "../states";

/** One thing that somebody should look at. */
export interface Matter {
  readonly key: string;
  readonly look: Look;
  readonly what: string;
  readonly why: string;
  readonly at: number | null;
  readonly link: readonly string[];
  readonly linkWord: string;
  readonly query?: Readonly<Record<string, string>>;
  /** How many things stand behind this line; one if not said. */
  count?: number;
}

/** A task that is not running after so many seconds is waiting for something. */
const STAGING_LONG_S = 60;
const FAILED_RECENT_S = 900;
const TASKS_SHOWN_MAX = 8;
const TROUBLE = /^TASK_(FAILED|ERROR|LOST|DROPPED|GONE)$/;

function ofAgents(agents: Iterable<Row>): Matter[] {
  const matters: Matter[] = [];
  for (const row of agents) {
    if (row.state === "active" || row.state === "gone") continue;
    const look = memberLook(row.state);
    matters.push({
      key: `agent-${row.id}`, look, what: agentName(row.id, row.hostname),
      why: `agent ${look.word}, ${row.tasks} tasks on it`,
      at: null, link: ["agents", String(row.id)], linkWord: "agent",
    });
  }
  return matters;
}

function ofFrameworks(frameworks: Iterable<Row>): Matter[] {
  const matters: Matter[] = [];
  for (const row of frameworks) {
    if (row.state === "active" || row.state === "completed") continue;
    const look = memberLook(row.state);
    matters.push({
      key: `framework-${row.id}`, look, what: String(row.name),
      why: `framework ${look.word}, ${row.tasks} tasks of it`,
      at: null, link: ["frameworks", String(row.id)], linkWord: "framework",
    });
  }
  return matters;
}

function ofTask(row: Row, nowS: number): string | null {
  const state = String(row.state);
  const age = nowS - Number(row.updated);
  if (state === "TASK_RUNNING" && row.healthy === false) return "its health check fails";
  if (state === "TASK_STAGING" && age > STAGING_LONG_S) return `staging for ${duration(age)}`;
  if (TROUBLE.test(state) && age < FAILED_RECENT_S) {
    return String(row.message || row.reason || taskLook(state).word);
  }
  return null;
}

/**
 * What needs attention, the worst and the latest first; what is over the limit is counted in one line.
 * Tasks that are `told` of by their app or job have no line and are not counted.
 */
export function matters(
  agents: Iterable<Row>,
  frameworks: Iterable<Row>,
  tasks: Iterable<Row>,
  nowS: number,
  told: (task: Row) => boolean = () => false,
): Matter[] {
  const found: { row: Row; why: string }[] = [];
  for (const row of tasks) {
    const why = ofTask(row, nowS);
    if (why !== null && !told(row)) found.push({ row, why });
  }
  found.sort((a, b) => Number(b.row.updated) - Number(a.row.updated));
  const ofTasks = found.slice(0, TASKS_SHOWN_MAX).map(({ row, why }): Matter => {
    const waits = row.state === "TASK_STAGING";
    return {
      key: `task-${row.framework_id}-${row.id}`, look: taskLook(row.state, row.healthy),
      what: String(row.id), why, at: Number(row.updated),
      link: ["tasks", String(row.framework_id), String(row.id)],
      linkWord: waits ? "why" : "task", ...(waits ? { query: { tab: "Why" } } : {}),
    };
  });
  const more = found.length - ofTasks.length;
  const rest: Matter[] = more <= 0 ? [] : [{
    key: "more", count: more, look: taskLook("TASK_FAILED"), what: `${more} more tasks`,
    why: "failed lately, unhealthy or waiting long", at: null, link: ["tasks"], linkWord: "tasks",
    query: { q: "state:failed,error,lost,dropped,gone,unhealthy,staging", sort: "-updated" },
  }];
  return [...ofAgents(agents), ...ofFrameworks(frameworks), ...ofTasks, ...rest];
}
