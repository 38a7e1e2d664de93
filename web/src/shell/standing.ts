import type { Row } from "../live/frames";

/** What a page shows: the leader's own state, or a copy that a master which waits keeps of it. */
export type Standing =
  | { kind: "own" }
  /** It waits, and has no copy yet. */
  | { kind: "waiting" }
  | { kind: "following"; leader: string; behindS: number }
  /** Nobody leads, or who leads cannot be followed: everything is as of then, in wall seconds. */
  | { kind: "stale"; leader: string; asOfS: number };

export function standingOf(row: Row | undefined): Standing {
  if (row === undefined || !row.copied_by) return { kind: "own" };
  const leader = String(row.leader ?? "");
  if (leader === "") return { kind: "waiting" };
  const asOfS = Number(row.copied_at);
  return asOfS > 0 ? { kind: "stale", leader, asOfS } : { kind: "following", leader, behindS: Number(row.behind) };
}

/** Other masters that are known, `host:port` each: where to go if the one of this page is gone. */
export function othersOf(row: Row | undefined): readonly string[] {
  return String(row?.standbys ?? "").split(",").filter(Boolean);
}

/** Who led last as this page saw it, who did before, and when that changed, in seconds; 0 if it never did. */
export interface Led {
  readonly leader: string;
  readonly before: string;
  readonly changedS: number;
}

/** How long a page says that another leads. */
export const NOTICE_S = 30;

export function led(last: Led | null, leader: string, nowS: number): Led | null {
  if (leader === "" || last?.leader === leader) return last;
  return { leader, before: last?.leader ?? "", changedS: last === null ? 0 : nowS };
}

export const isNews = (now: Led | null, nowS: number): now is Led => now !== null && now.changedS > 0 && nowS - now.changedS < NOTICE_S;
