import type { Row } from "../live/frames";

/** A deployment's steps: each the actions that go side by side, as (kind, app, target). */
export type Plan = readonly (readonly (readonly [string, string, number])[])[];

const WORDS: Readonly<Record<string, string>> = {
  StartApplication: "start", StopApplication: "stop", ScaleApplication: "scale", RestartApplication: "replace",
};

export function actionWord(kind: string): string {
  return WORDS[kind] ?? kind;
}

/** What an action's number says after the app's name. */
export function targetWords(kind: string, target: number): string {
  // A new app is started with none, and scaled in the step after that.
  if (kind === "StopApplication" || (kind === "StartApplication" && target === 0)) return "";
  if (kind === "ScaleApplication") return ` to ${target}`;
  return target === 1 ? " (1 instance)" : ` (${target} instances)`;
}

/** Steps that are done, and all of them. */
export function progressOf(row: Row): readonly [number, number] {
  const total = Number(row.steps ?? 0);
  return [Math.max(0, Math.min(Number(row.step ?? 0), total)), total];
}

export function stepState(at: number, present: number): "done" | "now" | "later" {
  return at < present ? "done" : at === present ? "now" : "later";
}

/** A deployment that has not got on for so many seconds is worth a look. */
export const STUCK_S = 300;
