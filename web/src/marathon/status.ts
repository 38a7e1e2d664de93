import type { Row } from "../live/frames";
import type { Glyph, Tone } from "../states";

/** What an app is doing in one word, and what its health bar shows. Pure: rows in, words out. */

export type StatusWord = "Running" | "Deploying" | "Suspended" | "Delayed" | "Waiting" | "Not running";

const LOOKS: Readonly<Record<StatusWord, { glyph: Glyph; tone: Tone }>> = {
  Running: { glyph: "full", tone: "ok" },
  Deploying: { glyph: "half", tone: "progress" },
  Waiting: { glyph: "quarter", tone: "warn" },
  Delayed: { glyph: "lower", tone: "warn" },
  Suspended: { glyph: "square", tone: "idle" },
  "Not running": { glyph: "ring", tone: "idle" },
};

/** The first that fits: what waits to be launched, then a deployment, then what runs. */
export function statusOf(row: Row, nowS: number): StatusWord {
  if (Number(row.waiting ?? 0) > 0) {
    return typeof row.delay_until === "number" && row.delay_until > nowS ? "Delayed" : "Waiting";
  }
  if (row.deployment) return "Deploying";
  if (Number(row.instances) === 0 && Number(row.running) === 0) return "Suspended";
  return Number(row.running) > 0 ? "Running" : "Not running";
}

export function statusLook(word: StatusWord): { glyph: Glyph; tone: Tone; word: string } {
  return { ...LOOKS[word], word };
}

export type SegmentName = "healthy" | "unhealthy" | "unknown" | "staged" | "over capacity" | "unscheduled";

export interface Segment {
  readonly name: SegmentName;
  readonly count: number;
  /** Of the whole bar, between 0 and 1. */
  readonly share: number;
}

/** The six parts of a health bar, in their order; parts of nothing are left out. */
export function segments(row: Row): Segment[] {
  const of = (name: string): number => Math.max(0, Number(row[name] ?? 0));
  const unknown = Math.max(0, of("running") - of("healthy") - of("unhealthy"));
  const present = of("healthy") + of("unhealthy") + unknown + of("staged");
  const parts: [SegmentName, number][] = [
    ["healthy", of("healthy")],
    ["unhealthy", of("unhealthy")],
    ["unknown", unknown],
    ["staged", of("staged")],
    ["over capacity", Math.max(0, present - of("instances"))],
    ["unscheduled", Math.max(0, of("instances") - present)],
  ];
  const total = parts.reduce((sum, [, count]) => sum + count, 0);
  return parts.filter(([, count]) => count > 0).map(([name, count]) => ({ name, count, share: count / total }));
}

/** The bar in words: `3 of 5: 2 healthy (40 %), 1 staged (20 %), 2 unscheduled (40 %)`. */
export function healthWords(row: Row): string {
  const wished = Number(row.instances ?? 0);
  const share = (count: number): string => (wished > 0 ? ` (${Math.round((count / wished) * 100)} %)` : "");
  const parts = segments(row).map(({ name, count }) => `${count} ${name}${share(count)}`);
  const head = `${Number(row.running ?? 0)} of ${wished} running`;
  return parts.length === 0 ? head : `${head}: ${parts.join(", ")}`;
}

const WEIGHTS: Readonly<Record<SegmentName, number>> = {
  unhealthy: 32, "over capacity": 16, staged: 8, healthy: 4, unknown: 2, unscheduled: 1,
};

/** For sorting by health: the worst first when descending. */
export function healthWeight(row: Row): number {
  return segments(row).reduce((sum, { name, share }) => sum + WEIGHTS[name] * share, 0);
}

