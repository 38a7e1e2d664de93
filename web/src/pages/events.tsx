import { clock, moment } from "../format";
import type { Row } from "../live/frames";
import { Mark } from "../parts/glyph";
import { hashOf } from "../router";
import { memberLook, taskLook } from "../states";
import { column, type TableSpec } from "../table/columns";
import { Id } from "./cells";

const PAGE_OF: Readonly<Record<string, string>> = { task: "tasks", agent: "agents", framework: "frameworks" };

/** The address of what an event is about: a task's object is `<framework id>/<task id>`. */
export function objectParts(row: Row): string[] | null {
  const page = PAGE_OF[String(row.kind)];
  const object = String(row.object ?? "");
  if (page === undefined || object === "") return null;
  const at = object.indexOf("/");
  if (page !== "tasks") return [page, object];
  return at < 0 ? null : [page, object.slice(0, at), object.slice(at + 1)];
}

/** What happened, as a sentence that begins with a glyph and a link. */
export function EventText({ row }: { row: Row }) {
  const parts = objectParts(row);
  const text = String(row.text ?? "");
  const state = /^TASK_[A-Z_]+/.exec(text)?.[0];
  if (parts === null) return <>{text}</>;
  if (state === undefined) {
    return (
      <>
        <Mark look={memberLook(/ is (\w+)$/.exec(text)?.[1])} /> <a href={hashOf(parts)}>{text}</a>
      </>
    );
  }
  const look = taskLook(state);
  const message = text.slice(state.length).replace(/^:?\s*/, "");
  return (
    <span class="event">
      <Mark look={look} /> <a href={hashOf(parts)}><Id text={String(parts.at(-1))} tail={6} plain /></a>
      <span>{look.word}</span>
      {message !== "" && <span class="event-more muted">· {message}</span>}
    </span>
  );
}

export const EVENTS: TableSpec = {
  topic: "events",
  noun: "events",
  sort: "-at",
  example: "kind:task failed at<10m web.api",
  empty: "Nothing has happened yet.",
  columns: [
    column("at", "Time", "age", "10ch", {
      right: false,
      narrow: true,
      cell: (row) => <time title={moment(row.at)}>{typeof row.at === "number" ? clock(row.at * 1000) : "–"}</time>,
    }),
    column("kind", "Kind", "text", "minmax(10ch, 12ch)"),
    column("text", "What happened", "text", "minmax(24ch, 3fr)", {
      narrow: true,
      read: (row) => `${row.text} ${row.object}`,
      cell: (row) => <EventText row={row} />,
    }),
  ],
};
