import { duration } from "../format";
import type { Row } from "../live/frames";
import type { Matter } from "../pages/attention";
import { STUCK_S } from "./progress";
import { statusLook, statusOf } from "./status";

/** An instance that waits for a moment is being placed; after so many seconds nobody has found it a place. */
export const WAITING_LONG_S = 15;
/** A failure is news for so many seconds. */
const FAILED_RECENT_S = 900;
const SHOWN_MAX = 8;

function ofApp(row: Row, nowS: number): Matter | null {
  const id = String(row.id);
  const word = statusOf(row, nowS);
  const since = typeof row.waiting_since === "number" ? row.waiting_since : null;
  const link = ["apps", id];
  if (word === "Delayed") {
    const why = `${row.waiting} of ${row.instances} wait: backed off after failures${row.failure ? ` (${row.failure})` : ""}`;
    return { key: `app-${id}`, look: statusLook(word), what: id, why, at: since, link, linkWord: "ends", query: { tab: "Ends" } };
  }
  if (word === "Waiting" && since !== null && nowS - since > WAITING_LONG_S) {
    return { key: `app-${id}`, look: statusLook(word), what: id, why: `${row.waiting} of ${row.instances} wait for an offer that fits`, at: since, link, linkWord: "why", query: { tab: "Why" } };
  }
  if (typeof row.failed_at === "number" && nowS - row.failed_at < FAILED_RECENT_S) {
    return { key: `app-${id}`, look: { glyph: "cross", tone: "bad", word: "failed" }, what: id, why: `an instance failed: ${row.failure || "it did not say why"}`, at: row.failed_at, link, linkWord: "ends", query: { tab: "Ends" } };
  }
  if (Number(row.unhealthy) > 0) {
    return { key: `app-${id}`, look: { glyph: "up", tone: "warn", word: "unhealthy" }, what: id, why: `${row.unhealthy} of ${row.running} running instances are unhealthy`, at: null, link, linkWord: "app", query: { tab: "Instances", q: "state:unhealthy" } };
  }
  return null;
}

function ofDeployment(row: Row, nowS: number): Matter | null {
  const age = nowS - Number(row.started);
  if (!row.paused && age < STUCK_S) return null;
  const apps = (row.apps ?? []) as readonly string[];
  const what = apps.length === 1 ? String(apps[0]) : `${apps.length} apps`;
  const why = row.paused ? "its deployment is paused" : `its deployment has taken ${duration(age)}, step ${Number(row.step) + 1} of ${row.steps}`;
  return { key: `deployment-${row.id}`, look: { glyph: "half", tone: "warn", word: "deploying" }, what, why, at: Number(row.started), link: ["deployments"], linkWord: "deployment" };
}

/** Whether a task is of an app that has a line: one of the task would say no more. */
export function toldByApps(apps: readonly Matter[], frameworkId: unknown): (task: Row) => boolean {
  const heads = apps
    .filter(({ link }) => link[0] === "apps" && link[1] !== undefined)
    .map(({ link }) => `${String(link[1]).slice(1).replaceAll("/", "_")}.`);
  return (task) => task.framework_id === frameworkId && heads.some((head) => String(task.id).startsWith(head));
}

/** What of Marathon somebody should look at; what is over the limit is counted in one line. */
export function marathonMatters(apps: Iterable<Row>, deployments: Iterable<Row>, nowS: number): Matter[] {
  const ofDeployments = [...deployments].map((row) => ofDeployment(row, nowS)).filter((each) => each !== null);
  const ofApps = [...apps].map((row) => ofApp(row, nowS)).filter((each) => each !== null);
  const shown = [...ofDeployments, ...ofApps].slice(0, SHOWN_MAX);
  const more = ofDeployments.length + ofApps.length - shown.length;
  if (more <= 0) return shown;
  const rest: Matter = {
    key: "more-apps", count: more, look: statusLook("Waiting"), what: `${more} more apps`, why: "waiting, backed off or unhealthy",
    at: null, link: ["apps"], linkWord: "apps", query: { q: "status:waiting,delayed" },
  };
  return [...shown, rest];
}
