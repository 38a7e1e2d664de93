import { duration, plural, shortDuration } from "../format";
import type { Row } from "../live/frames";
import type { Look } from "../states";

/** What jobs and runs do, in words. Pure: rows in, words out. */

/** A run starts within a moment of its instant; a job that is later than so many seconds is overdue. */
export const OVERDUE_S = 10;

export type JobWord = "running" | "queued" | "overdue" | "disabled" | "finished" | "idle";

const JOB: Readonly<Record<JobWord, Look>> = {
  running: { glyph: "half", tone: "progress", word: "running" },
  queued: { glyph: "quarter", tone: "warn", word: "queued" },
  overdue: { glyph: "alarm", tone: "bad", word: "overdue" },
  disabled: { glyph: "square", tone: "idle", word: "disabled" },
  finished: { glyph: "check", tone: "idle", word: "finished" },
  idle: { glyph: "ring", tone: "idle", word: "idle" },
};

export function isOverdue(row: Row, nowS: number): boolean {
  return row.disabled !== true && typeof row.next === "number" && nowS - row.next > OVERDUE_S;
}

/** The first that fits: what runs, what waits, what should have begun, then whether it may. */
export function jobWord(row: Row, nowS: number): JobWord {
  if (Number(row.running) > 0) return "running";
  if (Number(row.queued) > 0) return "queued";
  if (row.disabled === true) return row.because === "finished" ? "finished" : "disabled";
  return isOverdue(row, nowS) ? "overdue" : "idle";
}

export function jobLook(row: Row, nowS: number): Look {
  const word = jobWord(row, nowS);
  const count = word === "running" ? Number(row.running) : word === "queued" ? Number(row.queued) : 1;
  return count > 1 ? { ...JOB[word], word: `${count} ${word}` } : JOB[word];
}

const BECAUSE: Readonly<Record<string, string>> = {
  asked: "somebody disabled it", failures: "it failed too often in a row", finished: "its last instant has passed",
};

/** Why a job is in its state, as far as its row tells. */
export function becauseWords(row: Row): string {
  if (row.disabled === true) return BECAUSE[String(row.because)] ?? "";
  const parents = (row.parents ?? []) as readonly string[];
  const arrived = (row.arrived ?? []) as readonly string[];
  if (parents.length > 1 && arrived.length > 0) {
    return `waits for ${parents.filter((name) => !arrived.includes(name)).join(", ")}; ${arrived.join(", ")} done`;
  }
  return "";
}

/** `in 5 m`, `3 m ago`, or a dash for what no clock starts. */
export function nextWords(row: Row, nowS: number): string {
  if (typeof row.next !== "number") return row.kind === "dependent" ? "after parents" : "–";
  if (row.disabled === true) return "–";
  const left = row.next - nowS;
  if (left >= 0) return `in ${left < 3600 ? duration(left) : shortDuration(left)}`;
  return left > -OVERDUE_S ? "now" : `overdue ${shortDuration(-left)}`;
}

/** One letter of `history`. */
export const OUTCOMES: Readonly<Record<string, Look>> = {
  s: { glyph: "check", tone: "ok", word: "succeeded" },
  f: { glyph: "cross", tone: "bad", word: "failed" },
  r: { glyph: "up", tone: "warn", word: "failed, tried again" },
  k: { glyph: "square", tone: "idle", word: "killed" },
  "-": { glyph: "empty", tone: "idle", word: "skipped" },
};

/** `last 5 runs: 3 succeeded, 1 failed, 1 skipped; the newest succeeded`. */
export function historyWords(history: string): string {
  if (history === "") return "no run has ended yet";
  const counts = Object.entries(OUTCOMES)
    .map(([letter, { word }]) => [history.split(letter).length - 1, word] as const)
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  return `last ${plural(history.length, "run")}: ${counts.join(", ")}; the newest ${OUTCOMES[history.at(-1) as string]?.word}`;
}

/** The share of successes among what succeeded or finally failed; null without any. */
export function successRate(history: string): number | null {
  const good = history.split("s").length - 1;
  const bad = history.split("f").length - 1;
  return good + bad === 0 ? null : good / (good + bad);
}

const RUN: Readonly<Record<string, Look>> = {
  waiting: { glyph: "quarter", tone: "warn", word: "waiting" },
  launching: { glyph: "quarter", tone: "progress", word: "launching" },
  staging: { glyph: "quarter", tone: "progress", word: "staging" },
  starting: { glyph: "half", tone: "progress", word: "starting" },
  running: { glyph: "half", tone: "progress", word: "running" },
  awaited: { glyph: "lower", tone: "progress", word: "verdict awaited" },
  succeeded: { glyph: "check", tone: "ok", word: "succeeded" },
  failed: { glyph: "cross", tone: "bad", word: "failed" },
  killed: { glyph: "square", tone: "idle", word: "killed" },
  skipped: { glyph: "empty", tone: "idle", word: "skipped" },
};

export function runLook(row: Row): Look {
  const look = RUN[String(row.state)] ?? { glyph: "question", tone: "idle", word: String(row.state ?? "unknown") } as Look;
  if (typeof row.unreachable_since === "number" && !isEnded(row)) return { glyph: "wave", tone: "warn", word: "unreachable", hatched: true };
  return row.state === "skipped" && Number(row.skipped) > 1 ? { ...look, word: `${row.skipped} skipped` } : look;
}

export function isEnded(row: Row): boolean {
  return ["succeeded", "failed", "killed", "skipped"].includes(String(row.state));
}
