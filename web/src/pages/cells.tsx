import { middle, percent, size } from "../format";
import type { Row } from "../live/frames";
import { Age, Bar } from "../parts/bits";
import { State } from "../parts/glyph";
import { hashOf } from "../router";
import { live } from "../state";
import { memberLook, taskLook } from "../states";
import { type Column, column } from "../table/columns";

/** Columns that several tables share. */

export function ageColumn(name: string, label: string, more: Partial<Column> = {}): Column {
  return column(name, label, "age", "10ch", { cell: (row) => <Age at={row[name]} />, ...more });
}

export function sizeColumn(name: string, label: string, more: Partial<Column> = {}): Column {
  return column(name, label, "size", "11ch", { cell: (row) => size(row[name]), ...more });
}

/** Used (and offered) of a total, as a bar and a number; sorts and searches by what is used. */
export function shareColumn(name: string, label: string, more: Partial<Column> = {}): Column {
  return column(`${name}_used`, label, name === "cpus" ? "number" : "size", "minmax(13ch, 1fr)", {
    aliases: [name, name.replace(/s$/, "")],
    right: false,
    cell: (row) => <Share row={row} name={name} />,
    ...more,
  });
}

function Share({ row, name }: { row: Row; name: string }) {
  const [used, total] = [Number(row[`${name}_used`]), Number(row[name])];
  const text = (value: number): string => (name === "cpus" || name === "gpus" ? plain(value) : size(value));
  if (total === 0) return <span class="muted">–</span>;
  return (
    <span class="share">
      <Bar used={used} offered={Number(row[`${name}_offered`])} total={total} label={`${text(used)} of ${text(total)} used`} />
      <span>{percent(used, total)}</span>
    </span>
  );
}

function plain(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

const STATE_ORDER = ["text", "19ch"] as const;

export const taskState = column("state", "State", ...STATE_ORDER, {
  narrow: true,
  // "failed" finds TASK_FAILED, "healthy" and "unhealthy" find what the word shows.
  read: (row) => taskLook(row.state, row.healthy).word,
  cell: (row) => <State look={taskLook(row.state, row.healthy)} />,
});

export const memberState = column("state", "State", ...STATE_ORDER, {
  narrow: true,
  cell: (row) => <State look={memberLook(row.state)} />,
});

/** The name of a framework, also where only its id is known. */
export function frameworkName(id: unknown): string {
  for (const row of live.table("frameworks").rows.values()) if (row.id === id) return String(row.name);
  return middle(String(id), 14);
}

export function agentLink(row: Row) {
  if (!row.agent_id) return <span class="muted">–</span>;
  return <a href={hashOf(["agents", String(row.agent_id)])}>{String(row.hostname || middle(String(row.agent_id), 14))}</a>;
}

export function frameworkLink(row: Row) {
  return <a href={hashOf(["frameworks", String(row.framework_id)])}>{frameworkName(row.framework_id)}</a>;
}
