import { useEffect, useRef, useState } from "preact/hooks";
import { duration, number } from "../format";
import type { Row } from "../live/frames";
import { State } from "../parts/glyph";
import { say } from "../parts/said";
import { nowS } from "../state";
import { scale, scaleTo } from "./actions";
import { call } from "../framework/api";
import { ask, inWords } from "../framework/dialog";
import { healthWords, segments, type Segment, statusLook, statusOf } from "./status";

const SEGMENT_CLASS: Readonly<Record<Segment["name"], string>> = {
  healthy: "seg-healthy", unhealthy: "seg-unhealthy", unknown: "seg-unknown",
  staged: "seg-staged", "over capacity": "seg-over", unscheduled: "seg-none",
};

/** Six parts of a whole; each has its own pattern, and the words say it all. */
export function HealthBar({ row }: { row: Row }) {
  const words = healthWords(row);
  return (
    <span class={`health${row.deployment ? " moving" : ""}`} role="img" aria-label={words} title={words}>
      {segments(row).map(({ name, share }) => <span key={name} class={SEGMENT_CLASS[name]} style={{ width: `${share * 100}%` }} />)}
    </span>
  );
}

/** The bar with its breakdown beside it, for pages of one app. */
export function HealthLegend({ row }: { row: Row }) {
  return (
    <ul class="health-legend">
      {segments(row).map(({ name, count }) => <li key={name}><i class={SEGMENT_CLASS[name]} /> {number(count)} {name}</li>)}
    </ul>
  );
}

/** The word of an app; it depends on the time as long as a delay runs. */
export function AppStatus({ row }: { row: Row }) {
  const word = statusOf(row, typeof row.delay_until === "number" ? nowS.value : 0);
  const title = word === "Delayed"
    ? `starts again in ${duration(Number(row.delay_until) - nowS.value)}`
    : word === "Waiting" ? `${row.waiting} wait for an offer` : "";
  return <span title={title}><State look={statusLook(word)} /></span>;
}

const SETTLE_MS = 900;

/** Fewer and more, in place. Clicks are gathered for a moment, so that three of them are one deployment. */
export function Stepper({ row }: { row: Row }) {
  const [wanted, setWanted] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const id = String(row.id);
  useEffect(() => setWanted(null), [row.instances]);
  const gone = useRef(false);
  useEffect(() => () => {
    clearTimeout(timer.current);
    gone.current = true;
  }, []);
  const step = (by: number): void => {
    const next = Math.max(0, (wanted ?? Number(row.instances)) + by);
    setWanted(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(async () => {
      if (next === Number(row.instances)) return setWanted(null);
      const outcome = await call(scaleTo(id, next));
      if (outcome.kind === "done") return say(`${id} is being scaled to ${next}.`);
      const action = scale(row);
      // Whoever is elsewhere by now is not asked there.
      if (gone.current) return say(`${action.title}: not done: ${inWords(outcome)}.`);
      setWanted(null);
      ask({ ...action, field: { label: "Instances", value: next, min: 0 } });
    }, SETTLE_MS);
  };
  if (row.every_agent) return <span title="One on every agent that matches">every agent</span>;
  return (
    <span class="stepper">
      <button type="button" aria-label={`One instance of ${id} less`} disabled={(wanted ?? Number(row.instances)) === 0} onClick={() => step(-1)}>−</button>
      <span class={wanted === null ? "" : "wanted"} aria-live="off">{number(row.running)}/{number(wanted ?? row.instances)}</span>
      <button type="button" aria-label={`One instance of ${id} more`} onClick={() => step(1)}>+</button>
    </span>
  );
}
