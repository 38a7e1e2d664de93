import type { Row } from "../live/frames";

/** A month of results and of firings to come, by local days. */

export interface Day {
  /** `2026-11-25`; empty for a cell of another month. */
  readonly date: string;
  readonly number: number;
  readonly good: number;
  readonly bad: number;
  readonly other: number;
  readonly planned: number;
}

/** `2026-11-25` of a moment, in this browser's zone. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString("sv-SE");
}

/** The month so many months away: `2026-12` and 1 give `2027-01`. */
export function monthBeside(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

const EMPTY: Day = { date: "", number: 0, good: 0, bad: 0, other: 0, planned: 0 };

/** Weeks from Monday to Sunday. */
export function weeksOf(month: string, runs: readonly Row[], planned: readonly number[]): Day[][] {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const first = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7;
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const days = new Map<string, Day>();
  for (let at = 1; at <= length; at++) {
    const date = `${month}-${String(at).padStart(2, "0")}`;
    days.set(date, { ...EMPTY, date, number: at });
  }
  const count = (seconds: number, key: "good" | "bad" | "other" | "planned"): void => {
    const day = days.get(dayOf(seconds));
    if (day !== undefined) days.set(day.date, { ...day, [key]: day[key] + 1 });
  };
  for (const row of runs) {
    const key = row.state === "succeeded" ? "good" : row.state === "failed" ? "bad" : "other";
    count(Number(row.instant), key);
  }
  for (const seconds of planned) count(seconds, "planned");
  const cells = [...Array.from({ length: first }, () => EMPTY), ...days.values()];
  while (cells.length % 7 !== 0) cells.push(EMPTY);
  return Array.from({ length: cells.length / 7 }, (_, at) => cells.slice(at * 7, at * 7 + 7));
}

export function dayWords(day: Day): string {
  const parts = [[day.good, "succeeded"], [day.bad, "failed"], [day.other, "other"], [day.planned, "to come"]] as const;
  return parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ");
}
