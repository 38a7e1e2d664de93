import type { Row } from "../live/frames";

export const DAY_S = 86_400;

/** Jobs that are due within a day, the next one first. */
export function dueToday(rows: Iterable<Row>, nowS: number): Row[] {
  const due = (row: Row): boolean => row.disabled !== true && typeof row.next === "number" && row.next < nowS + DAY_S;
  return [...rows].filter(due).sort((a, b) => Number(a.next) - Number(b.next) || (String(a.id) < String(b.id) ? -1 : 1));
}
