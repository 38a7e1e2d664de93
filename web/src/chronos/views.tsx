import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clock, dayTime, duration, moment, number, plural } from "../format";
import { call } from "../framework/api";
import { useChronos } from "../framework/asking";
import type { Row } from "../live/frames";
import { Mark } from "../parts/glyph";
import { hashOf, place } from "../router";
import { followChronos, nowS } from "../state";
import { pathOfJob } from "./actions";
import { dayOf, dayWords, monthBeside, weeksOf } from "./calendar";
import { RunMark, taskLink } from "./cells";
import { around, dagOf, downstream, layersOf } from "./graph";
import { type ApiRun, lanesOf, rowOf, secondsOf } from "./run";
import { useRunsOf, useRunsTurn } from "./runs";
import { jobLook, runLook } from "./words";

/** The views of one job that are drawn: grid, graph and calendar. */

const LANES_MAX = 30;
const COLUMNS_MAX = 50;

/** A job and what follows it, one row each; a column is one instant of the job. */
export function RunGrid({ name }: { name: string }) {
  const rows = followChronos("jobs").rows;
  const jobs = downstream(dagOf(rows.values()), name);
  const shown = jobs.slice(0, LANES_MAX);
  const turn = useRunsTurn(shown);
  const key = shown.join("\n");
  const [runs, setRuns] = useState<ReadonlyMap<string, readonly Row[]> | null>(null);
  const [fault, setFault] = useState("");
  const box = useRef<HTMLDivElement>(null);
  // The newest stand at the right, and are what people come for; who has gone back to older ones stays there.
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (follows.current) box.current?.scrollTo(box.current.scrollWidth, 0);
  }, [runs]);
  const onScroll = (event: Event): void => {
    const { scrollLeft, clientWidth, scrollWidth } = event.currentTarget as HTMLElement;
    follows.current = scrollLeft + clientWidth > scrollWidth - 8;
  };
  useEffect(() => {
    const ending = new AbortController();
    const one = async (job: string): Promise<readonly [string, readonly Row[]]> => {
      const outcome = await call<{ runs: ApiRun[] }>({ method: "GET", path: `v1/chronos/runs?job=${encodeURIComponent(job)}&limit=200`, to: "chronos" }, ending.signal);
      if (outcome.kind !== "done") throw new Error(outcome.kind === "refused" ? outcome.message : "it is locked");
      return [job, outcome.value.runs.map(rowOf)];
    };
    Promise.all(shown.map(one)).then(
      (found) => {
        setRuns(new Map(found));
        setFault("");
      },
      (error: Error) => { if (error.name !== "AbortError") setFault(error.message); },
    );
    return () => ending.abort();
  }, [key, turn]);
  if (runs === null) return <p class="empty" role="status">{fault === "" ? "Loading…" : `The runs cannot be read: ${fault}.`}</p>;
  const { columns, lanes } = lanesOf(shown, runs, COLUMNS_MAX);
  if (columns.length === 0) return <p class="empty">No run of it is known yet. “Run now” makes one.</p>;
  const close = columns.some((at, index) => index > 0 && at - (columns[index - 1] as number) < 60);
  return (
    <>
      <div ref={box} onScroll={onScroll} class="sideways" tabIndex={0} role="region" aria-label="Runs by instant">
        <table class="run-grid">
          <thead>
            <tr><th scope="col">Job</th>{columns.map((at) => <th key={at} scope="col"><time title={moment(at)}>{dayTime(at).slice(5, 10)}<br />{clock(at * 1000).slice(0, close ? 8 : 5)}</time></th>)}</tr>
          </thead>
          <tbody>
            {lanes.map(({ job, cells, others }) => (
              <tr key={job}>
                <th scope="row" title={job}><a href={hashOf(["jobs", job])}>{job}</a>{others > 0 && <small class="muted"> +{number(others)} others</small>}</th>
                {cells.map((row, at) => <td key={columns[at]}>{row !== undefined && <Cell row={row} />}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {jobs.length > LANES_MAX && <p class="muted">{plural(jobs.length - LANES_MAX, "more dependent")} not shown.</p>}
      <p class="legend">{["succeeded", "failed", "running", "waiting", "killed", "skipped"].map((state) => <span key={state}><Mark look={runLook({ state })} /> {state}</span>)}</p>
    </>
  );
}

function Cell({ row }: { row: Row }) {
  const words = [
    `${row.job} for ${moment(row.instant)}: ${runLook(row).word}`,
    Number(row.attempt) > 0 ? `attempt ${Number(row.attempt) + 1}` : "", typeof row.took === "number" ? `took ${duration(row.took)}` : "",
    typeof row.exit === "number" && row.exit !== 0 ? `exit ${row.exit}` : "", String(row.message ?? ""),
  ].filter(Boolean).join(", ");
  const href = taskLink(row.task_id, "stdout") ?? hashOf(["jobs", String(row.job)], { tab: "Runs" });
  return <a class="run-cell" href={href} title={words} aria-label={words}><RunMark row={row} />{Number(row.attempt) > 0 && <sup>{Number(row.attempt) + 1}</sup>}</a>;
}

const NODE_W = 176;
const NODE_H = 44;
const GAP_X = 48;
const GAP_Y = 16;
const NODES_MAX = 200;

/** Everything above and below a job, in layers from left to right, as it is now. */
export function DependencyGraph({ name }: { name: string }) {
  const rows = followChronos("jobs").rows;
  const byName = new Map([...rows.values()].map((row) => [String(row.id), row]));
  const dag = dagOf(rows.values());
  const names = around(dag, name);
  const more = <p class="in-text"><a href={hashOf(["job-edit"], { after: name })}>Create a job that runs after it</a></p>;
  if (names.size === 1) return <div class="empty"><p>It follows no job, and none follows it.</p>{more}</div>;
  if (names.size > NODES_MAX) return <p class="empty">{number(names.size)} jobs hang together: too many to draw. The list has them all under “After”.</p>;
  const layers = layersOf(dag, names);
  const places = new Map(layers.flatMap((layer, x) => layer.map((each, y) => [each, { x: x * (NODE_W + GAP_X) + 4, y: y * (NODE_H + GAP_Y) + 4 }] as const)));
  const width = layers.length * (NODE_W + GAP_X) - GAP_X + 8;
  const height = Math.max(...layers.map((layer) => layer.length)) * (NODE_H + GAP_Y) - GAP_Y + 8;
  const edges = [...names].flatMap((child) => (dag.parents.get(child) ?? []).filter((parent) => names.has(parent)).map((parent) => [parent, child] as const));
  return (
    <>
      <div class="sideways" tabIndex={0} role="region" aria-label={`${plural(names.size, "job")} and who runs after whom`}>
        <svg class="dag" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label="Dependencies">
          {edges.map(([parent, child]) => {
            const [from, to] = [places.get(parent) as { x: number; y: number }, places.get(child) as { x: number; y: number }];
            const [x1, y1, x2, y2] = [from.x + NODE_W, from.y + NODE_H / 2, to.x, to.y + NODE_H / 2];
            return <path key={`${parent}\n${child}`} class="edge" d={`M${x1} ${y1}C${x1 + GAP_X / 2} ${y1} ${x2 - GAP_X / 2} ${y2} ${x2 - 5} ${y2}m-5-4 5 4-5 4`} />;
          })}
          {[...places].map(([each, at]) => <Node key={each} name={each} at={at} row={byName.get(each)} here={each === name} parents={dag.parents.get(each) ?? []} />)}
        </svg>
      </div>
      {more}
    </>
  );
}

function Node({ name, at, row, here, parents }: { name: string; at: { x: number; y: number }; row: Row | undefined; here: boolean; parents: readonly string[] }) {
  const look = row === undefined ? null : jobLook(row, nowS.value);
  const last = row?.last === "failure" ? "cross" : row?.last === "success" ? "check" : null;
  const words = `${name}: ${look?.word ?? "unknown"}, last ${row?.last ?? "unknown"}${parents.length > 0 ? `, after ${parents.join(", ")}` : ""}`;
  const short = name.length > 21 ? `${name.slice(0, 20)}…` : name;
  return (
    <a href={hashOf(["jobs", name], { tab: "Graph" })} aria-label={words} aria-current={here ? "true" : undefined}>
      <title>{words}</title>
      <rect class={`node${here ? " here" : ""}${row?.last === "failure" ? " bad" : ""}`} x={at.x} y={at.y} width={NODE_W} height={NODE_H} rx="6" />
      <text x={at.x + 10} y={at.y + 18}>{short}</text>
      <text class="node-state" x={at.x + 10} y={at.y + 35}>{last === "check" ? "✓ " : last === "cross" ? "✕ " : ""}{look?.word}</text>
    </a>
  );
}

const PLANNED = 100;

/** A month of results, and of the instants to come as far as they are known. */
export function Calendar({ row }: { row: Row }) {
  const name = String(row.id);
  const { rows, outcome } = useRunsOf(name);
  const next = useChronos<{ instants: { utc: string }[] }>(pathOfJob(name, `/next?n=${PLANNED}`), `${row.version} ${row.next}`);
  const planned = useMemo(() => (row.disabled === true ? [] : (next.value?.instants ?? []).map(({ utc }) => secondsOf(utc) ?? 0)), [next.value, row.disabled]);
  const today = dayOf(nowS.value);
  const month = place.value.query.month ?? today.slice(0, 7);
  const ended = useMemo(() => (rows ?? []).filter((each) => typeof each.ended === "number" || each.state === "skipped"), [rows]);
  const weeks = useMemo(() => weeksOf(month, ended, planned), [month, ended, planned]);
  if (rows === null) return <p class="empty" role="status">{outcome?.kind === "refused" ? `The runs cannot be read: ${outcome.message}.` : "Loading…"}</p>;
  const beside = (by: number): string => hashOf(["jobs", name], { tab: "Calendar", month: monthBeside(month, by) });
  const title = new Date(`${month}-15T12:00:00Z`).toLocaleDateString("en", { month: "long", year: "numeric" });
  return (
    <section aria-label={title}>
      <div class="versions"><a class="button" href={beside(-1)} aria-label="The month before">‹</a><h2>{title}</h2><a class="button" href={beside(1)} aria-label="The month after">›</a></div>
      <div class="sideways" tabIndex={0} role="region" aria-label={`Results and instants of ${title}`}>
        <table class="calendar">
          <thead><tr>{["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map((day) => <th key={day} scope="col">{day}</th>)}</tr></thead>
          <tbody>
            {weeks.map((week, at) => (
              <tr key={at}>
                {week.map((day, place) => (
                  <td key={place} class={`${day.date === "" ? "none" : ""}${day.date === today ? " today" : ""}`} title={dayWords(day)}>
                    {day.date !== "" && <DayCell number={day.number} good={day.good} bad={day.bad} other={day.other} planned={day.planned} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="muted">
        Days of this browser’s zone. {plural(ended.length, "ended run")} {ended.length === 1 ? "is" : "are"} kept; of the instants to come the next {number(planned.length)} are shown.
      </p>
    </section>
  );
}

function DayCell(day: { number: number; good: number; bad: number; other: number; planned: number }) {
  return (
    <>
      <b>{day.number}</b>
      {day.good > 0 && <span class="day-good"><Mark look={runLook({ state: "succeeded" })} /> {number(day.good)}<span class="unseen"> succeeded</span></span>}
      {day.bad > 0 && <span class="day-bad"><Mark look={runLook({ state: "failed" })} /> {number(day.bad)}<span class="unseen"> failed</span></span>}
      {day.other > 0 && <span><Mark look={runLook({ state: "skipped" })} /> {number(day.other)}<span class="unseen"> killed or skipped</span></span>}
      {day.planned > 0 && <span class="muted"><Mark look={{ glyph: "ring", tone: "idle", word: "" }} /> {number(day.planned)}<span class="unseen"> to come</span></span>}
    </>
  );
}
