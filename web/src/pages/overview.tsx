import { useState } from "preact/hooks";
import { clock, number, percent, shortDuration, size } from "../format";
import type { Row } from "../live/frames";
import { Bar, Curve, Panel } from "../parts/bits";
import { Mark } from "../parts/glyph";
import { HeatMap, type Measure } from "../parts/heatmap";
import { hashOf } from "../router";
import { marathonMatters, toldByApps } from "../marathon/matters";
import { presence } from "../marathon/presence";
import { chronosMatters } from "../chronos/matters";
import { chronosPresence } from "../chronos/presence";
import { follow, followChronos, followMarathon, live, nowS, samples } from "../state";
import { memberLook, taskLook } from "../states";
import { type Matter, matters } from "./attention";
import { EventText } from "./events";

const CAPACITY = [
  { name: "cpus", label: "CPU", text: number },
  { name: "mem", label: "Memory", text: size },
  { name: "disk", label: "Disk", text: size },
  { name: "gpus", label: "GPU", text: number },
] as const;

const STRIP = [
  ["staging", "TASK_STAGING"], ["starting", "TASK_STARTING"], ["running", "TASK_RUNNING"],
  ["killing", "TASK_KILLING"], ["finished", "TASK_FINISHED"], ["failed", "TASK_FAILED"],
  ["killed", "TASK_KILLED"], ["lost", "TASK_LOST"], ["unreachable", "TASK_UNREACHABLE"],
] as const;

const EVENTS_SHOWN = 20;
const TASKS_MANY = 20_000;

export function Overview() {
  const cluster = follow("cluster").only;
  return (
    <div class="overview">
      <h1 class="unseen">Overview</h1>
      <Capacity row={cluster ?? {}} />
      <TaskStrip row={cluster ?? {}} />
      <div class="overview-columns">
        <div>
          <Attention />
        </div>
        <div>
          <Nodes />
          <Feed />
        </div>
      </div>
      <Leader row={cluster ?? {}} />
    </div>
  );
}

function Capacity({ row }: { row: Row }) {
  return (
    <div class="capacity">
      {CAPACITY.map(({ name, label, text }) => {
        const [used, offered, total] = ["used", "offered", "total"].map((part) => Number(row[`${name}_${part}`] ?? 0)) as [number, number, number];
        const curve = samples.value.map(({ row: then }) => {
          const whole = Number(then[`${name}_total`]);
          return whole > 0 ? Number(then[`${name}_used`]) / whole : 0;
        });
        const words = `${label}: ${text(used)} used, ${text(offered)} offered, of ${text(total)}`;
        return (
          <section key={name} class="kpi" aria-label={label}>
            <header>
              <h2>{label}</h2>
              <Curve values={curve} label={`${label} used since this page was opened, at most 15 minutes`} />
            </header>
            <p class="kpi-figure">
              {percent(used, total)} <small>{text(used)} / {text(total)}</small>
            </p>
            <Bar used={used} offered={offered} total={total} label={words} />
            <p class="muted kpi-more">{offered > 0 ? `${text(offered)} offered` : total === 0 ? "none in this cluster" : "nothing offered"}</p>
          </section>
        );
      })}
    </div>
  );
}

function TaskStrip({ row }: { row: Row }) {
  return (
    <nav class="strip" aria-label="Tasks by state">
      {STRIP.map(([name, state]) => {
        const look = taskLook(state);
        const count = Number(row[`tasks_${name}`] ?? 0);
        return (
          <a key={name} href={hashOf(["tasks"], { q: `state:${name}` })} class={count === 0 ? "none" : ""}>
            <Mark look={look} />
            <b>{number(count)}</b>
            <span>{look.word}</span>
          </a>
        );
      })}
    </nav>
  );
}

function Attention() {
  const rows = (topic: string): Iterable<Row> => follow(topic).rows.values();
  // Very many tasks are looked through once a second, not at each change.
  const { loaded, rows: all } = live.table("tasks");
  const tasks = all.size < TASKS_MANY ? rows("tasks") : all.values();
  const ofApps = ofMarathon();
  const ofJobs = ofChronos();
  const byApps = toldByApps(ofApps, ofApps.length === 0 ? null : followMarathon("marathon").only?.framework_id);
  // Chronos tries again by itself: it says which of its failures matter.
  const jobsFramework = chronosPresence.value.kind === "here" ? followChronos("chronos").only?.framework_id : null;
  const told = (task: Row): boolean => task.framework_id === jobsFramework || byApps(task);
  const list = [...ofApps, ...ofJobs, ...matters(rows("agents"), rows("frameworks"), tasks, nowS.value, told)];
  return (
    <Panel title="Needs attention" aside={<span class="badge">{list.reduce((sum, one) => sum + (one.count ?? 1), 0)}</span>}>
      {list.length === 0 ? (
        <p class="empty">{loaded ? "Nothing. All agents answer, and no task failed in the last 15 minutes." : "Loading…"}</p>
      ) : (
        <ul class="matters">{list.map((matter) => <MatterLine key={matter.key} matter={matter} />)}</ul>
      )}
    </Panel>
  );
}

function ofMarathon(): Matter[] {
  if (presence.value.kind !== "here") return [];
  return marathonMatters(followMarathon("apps").rows.values(), followMarathon("deployments").rows.values(), nowS.value);
}

function ofChronos(): Matter[] {
  if (chronosPresence.value.kind !== "here") return [];
  return chronosMatters(followChronos("jobs").rows.values(), followChronos("runs").rows.values(), nowS.value);
}

function MatterLine({ matter }: { matter: Matter }) {
  return (
    <li>
      <Mark look={matter.look} />
      <span class="matter-what" title={matter.what}>{matter.what}</span>
      <span class="matter-why">{matter.why}</span>
      <span class="matter-age muted">{matter.at === null ? "" : shortDuration(nowS.value - matter.at)}</span>
      <a href={hashOf(matter.link, matter.query)} aria-label={`${matter.linkWord} ${matter.what}`}>{matter.linkWord} ›</a>
    </li>
  );
}

const MEASURES: readonly (readonly [Measure, string])[] = [["cpus", "cpu"], ["mem", "mem"], ["disk", "disk"], ["tasks", "tasks"]];

function Nodes() {
  const [measure, choose] = useState<Measure>("cpus");
  const agents = [...follow("agents").rows.values()].filter((row) => row.state !== "gone");
  const states = new Map<string, number>();
  for (const agent of agents) states.set(String(agent.state), (states.get(String(agent.state)) ?? 0) + 1);
  const aside = (
    <span class="toggle" role="group" aria-label="Measure">
      {MEASURES.map(([name, label]) => (
        <button key={name} type="button" aria-pressed={measure === name} onClick={() => choose(name)}>{label}</button>
      ))}
    </span>
  );
  return (
    <Panel title={`Agents ${number(agents.length)}`} aside={aside}>
      {agents.length === 0 ? <p class="empty">No agent has registered yet.</p> : <HeatMap agents={agents} measure={measure} />}
      <p class="node-states">
        {[...states].map(([state, count]) => (
          <a key={state} href={hashOf(["agents"], { q: `state=${state}` })}>
            <Mark look={memberLook(state)} /> {number(count)} {memberLook(state).word}
          </a>
        ))}
      </p>
    </Panel>
  );
}

function Feed() {
  const [paused, pause] = useState<readonly Row[] | null>(null);
  const latest = [...follow("events").rows.values()].slice(-EVENTS_SHOWN).reverse();
  const aside = (
    <span class="toggle">
      <button type="button" aria-pressed={paused !== null} onClick={() => pause(paused === null ? latest : null)}>
        {paused === null ? "Pause" : "Go on"}
      </button>
      <a href="#/events">all ›</a>
    </span>
  );
  const shown = paused ?? latest;
  return (
    <Panel title="Events" aside={aside}>
      {shown.length === 0 && <p class="empty">Nothing has happened yet.</p>}
      <ol class="feed">
        {shown.map((row, at) => (
          <li key={`${row.at}-${row.object}-${at}`}>
            <time>{clock(Number(row.at) * 1000)}</time>
            <span class="feed-text" title={String(row.text)}><EventText row={row} /></span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Leader({ row }: { row: Row }) {
  if (row.leader === undefined) return null;
  const up = typeof row.started === "number" ? shortDuration(nowS.value - row.started) : "–";
  return (
    <p class="leader muted">
      Leader {String(row.leader)} · up {up} · mesostw {String(row.version)} · term {String(row.epoch)} · {number(row.frameworks_active)} frameworks ·{" "}
      {number(row.offers)} offers · {number(row.live_clients)} live clients
    </p>
  );
}
