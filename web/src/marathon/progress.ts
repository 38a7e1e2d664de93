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

/** How far the present step is, between 0 and 1, by the apps that it works on. */
export function stepShare(row: Row, appOf: (id: string) => Row | undefined): number {
  const actions = ((row.plan ?? []) as Plan)[Number(row.step ?? 0)] ?? [];
  if (actions.length === 0) return 0;
  const done = new Set((row.done ?? []) as readonly string[]);
  const shares = actions.map(([kind, id, target]) => {
    const app = appOf(id);
    if (done.has(id)) return 1;
    // Of what is stopped nobody knows any more how many there were.
    if (app === undefined || kind === "StopApplication" || target === 0) return 0;
    return Math.min(1, Number(app.ready ?? 0) / target);
  });
  return shares.reduce((sum, share) => sum + share, 0) / actions.length;
}

export function stepState(at: number, present: number): "done" | "now" | "later" {
  return at < present ? "done" : at === present ? "now" : "later";
}

/** A deployment that has not got on for so many seconds is worth a look. */
export const STUCK_S = 300;
