import { useEffect, useState } from "preact/hooks";
import { bytes, duration, moment, number, size } from "../format";
import { address } from "../live/browser";
import type { Row } from "../live/frames";
import { LogView } from "../log/view";
import { Age, Commands, Copy, Facts, Tabs } from "../parts/bits";
import { Mark, State } from "../parts/glyph";
import { hashOf, place } from "../router";
import { follow } from "../state";
import { taskLook } from "../states";
import { agentLink, frameworkLink } from "./cells";
import { Missing } from "./missing";
import type { PageProps } from "./page";
import { taskAddress, taskCommands } from "./tasks";

interface Status {
  readonly state: string;
  readonly timestamp: number | null;
  readonly reason?: string | null;
  readonly source?: string | null;
  readonly message?: string | null;
  readonly healthy?: boolean | null;
}

const TABS = ["Logs", "Timeline", "Files", "Why", "Raw"] as const;

/** A JSON answer of the API, asked for anew whenever `turn` changes. */
function useAnswer<T>(path: string, turn: unknown): { answer: T | null; fault: string } {
  const [answer, setAnswer] = useState<T | null>(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    const ending = new AbortController();
    fetch(address(path), { signal: ending.signal })
      .then(async (response) => {
        if (!response.ok) throw new Error(response.status === 404 ? "not known here" : `answer ${response.status}`);
        setAnswer((await response.json()) as T);
        setFault("");
      })
      .catch((error: Error) => {
        if (error.name !== "AbortError") setFault(error.message);
      });
    return () => ending.abort();
  }, [path, turn]);
  return { answer, fault };
}

export function TaskPage({ parts }: PageProps) {
  const [frameworkId = "", id = ""] = parts;
  const table = follow("tasks");
  follow("frameworks");
  const live = find(table.rows.values(), frameworkId, id);
  const { answer, fault } = useAnswer<Row & { statuses: Status[] }>(
    taskAddress({ framework_id: frameworkId, id }),
    `${live?.state} ${live?.healthy} ${live?.updated}`,
  );
  const row = live ?? answer ?? undefined;
  if (row === undefined) return <Missing noun="task" id={id} loaded={table.loaded && fault !== ""} />;
  const tab = place.value.query.tab ?? "Logs";
  const href = (name: string): string => hashOf(["tasks", frameworkId, id], { tab: name });
  return (
    <>
      <Head row={row} />
      <Tabs label="Views of this task" names={TABS} chosen={tab} href={href} />
      {tab === "Logs" && <Logs row={row} />}
      {tab === "Timeline" && <Timeline statuses={answer?.statuses ?? []} row={row} fault={fault} />}
      {tab === "Files" && <Files row={row} />}
      {tab === "Why" && <Why row={row} />}
      {tab === "Raw" && <pre class="raw" tabIndex={0}>{JSON.stringify(answer ?? row, null, 2)}</pre>}
    </>
  );
}

function find(rows: Iterable<Row>, frameworkId: string, id: string): Row | undefined {
  for (const row of rows) if (row.id === id && row.framework_id === frameworkId) return row;
  return undefined;
}

function Head({ row }: { row: Row }) {
  const ended = typeof row.ended === "number" && typeof row.started === "number";
  return (
    <>
      <p class="crumbs"><a href="#/tasks">Tasks</a> / {frameworkLink(row)}</p>
      <div class="object-head">
        <h1 class="mono">{String(row.id)}</h1>
        <State look={taskLook(row.state, row.healthy)} />
        <Copy text={String(row.id)} label="Copy id" />
        <a class="button" href={hashOf(["tasks", String(row.framework_id), String(row.id)], { tab: "Why" })}>Why?</a>
      </div>
      {row.message ? <p class="message">{String(row.message)}</p> : null}
      <p class="summary">
        on <span class="inline">{agentLink(row)}</span> · {number(row.cpus)} CPU, {size(row.mem)}
        {Number(row.gpus) > 0 ? `, ${number(row.gpus)} GPU` : ""} ·{" "}
        {ended ? `ran ${duration(Number(row.ended) - Number(row.started))}` : row.started ? <>running for <Age at={row.started} exact /></> : "not started"}
        {row.command ? <> · <code>{String(row.command)}</code></> : null}
      </p>
      <details class="more">
        <summary>Facts and commands</summary>
        <Facts facts={[
          ["Name", String(row.name ?? "")], ["Executor", String(row.executor_id ?? "")], ["Role", String(row.role ?? "")], ["User", String(row.user ?? "")],
          ["Container", String(row.container_id ?? "")], ["Sandbox", String(row.sandbox ?? "")], ["Reason", String(row.reason ?? "")], ["Source", String(row.source ?? "")],
          ["Started", moment(row.started)], ["Ended", moment(row.ended)],
        ]} />
        <Commands commands={taskCommands(row)} />
      </details>
    </>
  );
}

function Logs({ row }: { row: Row }) {
  const { log = "stdout" } = place.value.query;
  if (!row.sandbox) return <p class="empty">Its sandbox is not known yet: the agent tells it when the task has been started.</p>;
  const here = (name: string): string => hashOf(["tasks", String(row.framework_id), String(row.id)], { log: name });
  const names = log === "stdout" || log === "stderr" ? ["stdout", "stderr"] : ["stdout", "stderr", log];
  return (
    <>
      <Tabs label="Output files" names={names} chosen={log} href={here} />
      <LogView key={log} agentId={String(row.agent_id)} path={`${row.sandbox}/${log}`} ended={typeof row.ended === "number"} />
    </>
  );
}

function Timeline({ statuses, row, fault }: { statuses: readonly Status[]; row: Row; fault: string }) {
  if (statuses.length === 0) return <p class="empty">{fault === "" ? "Loading…" : `The history cannot be read: ${fault}. Last known: ${taskLook(row.state).word}.`}</p>;
  return (
    <ol class="timeline">
      {statuses.map((status, at) => {
        const look = taskLook(status.state, status.healthy);
        const before = statuses[at - 1]?.timestamp;
        const gap = typeof before === "number" && typeof status.timestamp === "number" ? status.timestamp - before : null;
        const detail = [status.source, status.reason].filter(Boolean).map((each) => String(each).replace(/^(SOURCE|REASON)_/, "").toLowerCase().replaceAll("_", " "));
        return (
          <li key={at} class={`tone-${look.tone}`}>
            <Mark look={look} />
            <div>
              <b>{look.word}</b> <span class="muted">{moment(status.timestamp)}{gap !== null && ` · after ${gap < 10 ? `${gap.toFixed(2)} s` : duration(gap)}`}</span>
              {detail.length > 0 && <div class="muted">{detail.join(" · ")}</div>}
              {status.message && <div class="message">{status.message}</div>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

interface Entry {
  readonly path: string;
  readonly size: number;
  readonly mode: string;
  readonly mtime: number;
}

function Files({ row }: { row: Row }) {
  const { dir = "" } = place.value.query;
  const root = String(row.sandbox ?? "");
  const path = dir === "" ? root : `${root}/${dir}`;
  const base = `api/v1/agents/${encodeURIComponent(String(row.agent_id))}/files`;
  const { answer, fault } = useAnswer<Entry[]>(`${base}/browse?${new URLSearchParams({ path })}`, 0);
  if (root === "") return <p class="empty">Its sandbox is not known yet.</p>;
  if (answer === null) return <p class="empty">{fault === "" ? "Loading…" : `The sandbox cannot be read: ${fault}.`}</p>;
  const to = (query: Record<string, string>): string => hashOf(["tasks", String(row.framework_id), String(row.id)], query);
  const up = dir.split("/").slice(0, -1).join("/");
  return (
    <table class="files">
      <caption>{path}</caption>
      <thead><tr><th>Name</th><th class="right">Size</th><th>Mode</th><th>Changed</th><th><span class="unseen">Download</span></th></tr></thead>
      <tbody>
        {dir !== "" && <tr><td colSpan={5}><a href={to({ tab: "Files", dir: up })}>.. (up)</a></td></tr>}
        {answer.map((entry) => {
          const name = entry.path.split("/").at(-1) as string;
          const below = dir === "" ? name : `${dir}/${name}`;
          const folder = entry.mode.startsWith("d");
          return (
            <tr key={entry.path}>
              <td><a href={folder ? to({ tab: "Files", dir: below }) : to({ log: below })}>{name}{folder ? "/" : ""}</a></td>
              <td class="right">{folder ? "" : bytes(entry.size)}</td>
              <td class="mono">{entry.mode}</td>
              <td>{moment(entry.mtime)}</td>
              <td>{!folder && <a href={address(`${base}/download?${new URLSearchParams({ path: entry.path })}`)} download>download</a>}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface Reason {
  readonly sentence: string;
  readonly facts?: readonly unknown[];
  readonly story?: readonly unknown[];
}

function Why({ row }: { row: Row }) {
  const path = `api/v1/why/task/${encodeURIComponent(String(row.framework_id))}/${encodeURIComponent(String(row.id))}`;
  const { answer, fault } = useAnswer<Reason>(path, row.state);
  if (answer === null) return <p class="empty">{fault === "" ? "Asking…" : `No answer: ${fault}.`}</p>;
  return (
    <div class="why">
      <p class="why-sentence">{answer.sentence}</p>
      <List title="Facts" lines={answer.facts ?? []} />
      <List title="Story" lines={answer.story ?? []} />
    </div>
  );
}

/** A line longer than this is folded to its beginning. */
const LINE_CHARS_MAX = 240;

function Line({ text }: { text: string }) {
  if (text.length <= LINE_CHARS_MAX) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, LINE_CHARS_MAX)}</summary>
      <code>{text}</code>
    </details>
  );
}

function List({ title, lines }: { title: string; lines: readonly unknown[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      <ul class="lines">{lines.map((line, at) => <li key={at}><Line text={typeof line === "string" ? line : JSON.stringify(line)} /></li>)}</ul>
    </>
  );
}
