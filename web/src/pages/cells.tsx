import { percent, size } from "../format";
import type { Row } from "../live/frames";
import { agentName, frameworkName } from "../names";
import { Age, Bar } from "../parts/bits";
import { State } from "../parts/glyph";
import { hashOf } from "../router";
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

const STATE_ORDER = ["text", "minmax(13ch, 19ch)"] as const;

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

/** An id of any length: the head gives way, the tail, in which ids differ, stays. */
export function Id({ text, tail = 10, plain = false }: { text: string; tail?: number; plain?: boolean }) {
  const at = Math.max(0, text.length - tail);
  return (
    <span class={plain ? "id" : "id mono"} title={text}>
      <span class="id-head">{text.slice(0, at)}</span>
      <span>{text.slice(at)}</span>
    </span>
  );
}

export function agentLink(row: Row) {
  if (!row.agent_id) return <span class="muted">–</span>;
  return <a href={hashOf(["agents", String(row.agent_id)])}><Id text={agentName(row.agent_id, row.hostname)} tail={6} plain /></a>;
}

export function frameworkLink(row: Row) {
  return <a href={hashOf(["frameworks", String(row.framework_id)])}>{frameworkName(row.framework_id)}</a>;
}
