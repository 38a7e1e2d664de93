/** How each state looks and reads: glyph (shape carries the meaning), tone, word. */

export type Tone = "ok" | "progress" | "warn" | "bad" | "idle";

export type Glyph =
  | "full"
  | "ring"
  | "up"
  | "quarter"
  | "half"
  | "lower"
  | "check"
  | "square"
  | "cross"
  | "alarm"
  | "question"
  | "drop"
  | "wave"
  | "empty";

export interface Look {
  readonly glyph: Glyph;
  readonly tone: Tone;
  readonly word: string;
  /** Nobody can say right now what it does. */
  readonly hatched?: boolean;
}

const TASK: Readonly<Record<string, Look>> = {
  STAGING: { glyph: "quarter", tone: "progress", word: "staging" },
  STARTING: { glyph: "half", tone: "progress", word: "starting" },
  RUNNING: { glyph: "ring", tone: "ok", word: "running" },
  KILLING: { glyph: "lower", tone: "warn", word: "killing" },
  FINISHED: { glyph: "check", tone: "idle", word: "finished" },
  KILLED: { glyph: "square", tone: "idle", word: "killed" },
  FAILED: { glyph: "cross", tone: "bad", word: "failed" },
  ERROR: { glyph: "alarm", tone: "bad", word: "error" },
  LOST: { glyph: "question", tone: "bad", word: "lost" },
  DROPPED: { glyph: "drop", tone: "bad", word: "dropped" },
  UNREACHABLE: { glyph: "wave", tone: "warn", word: "unreachable", hatched: true },
  GONE: { glyph: "empty", tone: "bad", word: "gone" },
  GONE_BY_OPERATOR: { glyph: "empty", tone: "idle", word: "gone by operator" },
};

const UNKNOWN: Look = { glyph: "question", tone: "idle", word: "unknown", hatched: true };
const HEALTHY: Look = { glyph: "full", tone: "ok", word: "running, healthy" };
const UNHEALTHY: Look = { glyph: "up", tone: "warn", word: "running, unhealthy" };

export function taskLook(state: unknown, healthy?: unknown): Look {
  const name = String(state ?? "").replace(/^TASK_/, "");
  if (name === "RUNNING" && healthy === true) return HEALTHY;
  if (name === "RUNNING" && healthy === false) return UNHEALTHY;
  return TASK[name] ?? UNKNOWN;
}

const MEMBER: Readonly<Record<string, Look>> = {
  active: { glyph: "full", tone: "ok", word: "active" },
  inactive: { glyph: "lower", tone: "warn", word: "inactive" },
  disconnected: { glyph: "up", tone: "warn", word: "disconnected" },
  recovered: { glyph: "quarter", tone: "progress", word: "recovered" },
  unreachable: { glyph: "wave", tone: "warn", word: "unreachable", hatched: true },
  gone: { glyph: "empty", tone: "idle", word: "gone" },
  completed: { glyph: "check", tone: "idle", word: "completed" },
};

/** Agents and frameworks. */
export function memberLook(state: unknown): Look {
  return MEMBER[String(state)] ?? UNKNOWN;
}
