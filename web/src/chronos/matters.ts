import { duration } from "../format";
import type { Row } from "../live/frames";
import type { Matter } from "../pages/attention";
import { isOverdue, jobLook, OUTCOMES } from "./words";
import type { Look } from "../states";

/** A run that has waited for so many seconds waits for something that may not come by itself. */
export const QUEUED_LONG_S = 60;
/** A failure is news for so many seconds. */
const FAILED_RECENT_S = 900;
const SHOWN_MAX = 8;

const FAILED = OUTCOMES.f as Look;

function ofJob(row: Row, waitingSince: number | undefined, nowS: number): Matter | null {
  const id = String(row.id);
  const of = (look: Look, why: string, at: number | null, tab: string): Matter => ({
    key: `job-${id}`, look, what: id, why, at, link: ["jobs", id], linkWord: tab.toLowerCase(), query: { tab },
  });
  if (row.disabled === true && row.because === "failures") return of(FAILED, "disabled: it failed too often in a row", Number(row.last_error), "Runs");
  if (row.disabled === true) return null;
  if (isOverdue(row, nowS) && Number(row.queued) + Number(row.running) === 0) return of(jobLook(row, nowS), "its instant has passed and nothing has begun", Number(row.next), "Why");
  if (waitingSince !== undefined && nowS - waitingSince > QUEUED_LONG_S) return of(jobLook(row, nowS), `a run of it has waited for ${duration(nowS - waitingSince)}`, waitingSince, "Why");
  if (row.last === "failure" && nowS - Number(row.last_error) < FAILED_RECENT_S) return of(FAILED, `failed${Number(row.errors_since) > 1 ? ` ${row.errors_since} times in a row` : ""}`, Number(row.last_error), "Runs");
  return null;
}

/** What of Chronos somebody should look at; what is over the limit is counted in one line. */
export function chronosMatters(jobs: Iterable<Row>, runs: Iterable<Row>, nowS: number): Matter[] {
  const waiting = new Map<string, number>();
  for (const row of runs) {
    if (row.state !== "waiting" || Number(row.not_before ?? 0) > nowS) continue;
    const since = Math.max(Number(row.since), Number(row.not_before ?? 0));
    waiting.set(String(row.job), Math.min(since, waiting.get(String(row.job)) ?? since));
  }
  const found = [...jobs].map((row) => ofJob(row, waiting.get(String(row.id)), nowS)).filter((each) => each !== null);
  const more = found.length - SHOWN_MAX;
  if (more <= 0) return found;
  const rest: Matter = {
    key: "more-jobs", count: more, look: FAILED, what: `${more} more jobs`, why: "failed lately, overdue or waiting long", at: null,
    link: ["jobs"], linkWord: "jobs", query: { q: "last:failure" },
  };
  return [...found.slice(0, SHOWN_MAX), rest];
}
