import { useEffect, useState } from "preact/hooks";
import { clock, duration, number } from "../format";
import { call } from "../framework/api";
import type { Row } from "../live/frames";
import { DAY_S, dueToday } from "./due";
import { hashOf } from "../router";
import { followChronos, nowS } from "../state";
import { pathOfJob } from "./actions";
import { ChronosFrame } from "./frame";
import { secondsOf } from "./run";
import "../framework/style.css";
import "./style.css";

const LANES = 40;
/** As many instants as the API tells at once. */
const INSTANTS = 100;

/** The next 24 hours, one lane a job. */
export function SchedulePage() {
  const table = followChronos("jobs");
  // Whole minutes: lanes need not move with each second.
  const now = Math.floor(nowS.value / 60) * 60;
  const due = dueToday(table.rows.values(), now);
  const [most, setMost] = useState(LANES);
  return (
    <ChronosFrame here="schedule">
      <h1>The next 24 hours</h1>
      {!table.loaded ? <p class="empty" role="status">Loading…</p> : due.length === 0 ? <p class="empty">No job is due within a day.</p> : (
        <>
          <div class="sideways" tabIndex={0} role="region" aria-label="What runs when">
            <table class="lanes">
              <thead><tr><th scope="col">Job</th><th scope="col"><span class="unseen">When</span><Hours now={now} /></th></tr></thead>
              <tbody>{due.slice(0, most).map((row) => <Lane key={String(row.id)} row={row} now={now} />)}</tbody>
            </table>
          </div>
          {due.length > most && <p><button type="button" onClick={() => setMost(most + LANES)}>Show more of {number(due.length)} jobs</button></p>}
          <p class="muted">Times of this browser’s zone; a mark is as wide as a run usually takes. Dependents run after their parents and have no time of their own.</p>
        </>
      )}
    </ChronosFrame>
  );
}

function Hours({ now }: { now: number }) {
  const first = Math.ceil(now / 7_200) * 7_200;
  const marks = Array.from({ length: 12 }, (_, at) => first + at * 7_200);
  return (
    <span class="hours" aria-hidden="true">
      {marks.map((at) => <span key={at} style={{ left: `${((at - now) / DAY_S) * 100}%` }}>{clock(at * 1000).slice(0, 5)}</span>)}
    </span>
  );
}

function Lane({ row, now }: { row: Row; now: number }) {
  const name = String(row.id);
  const [instants, setInstants] = useState<readonly number[] | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    call<{ instants: { utc: string }[] }>({ method: "GET", path: pathOfJob(name, `/next?n=${INSTANTS}`), to: "chronos" }, ending.signal).then(
      (outcome) => { if (outcome.kind === "done") setInstants(outcome.value.instants.map(({ utc }) => secondsOf(utc) ?? 0)); },
      () => {},
    );
    return () => ending.abort();
  }, [name, row.next, row.version]);
  const shown = (instants ?? [Number(row.next)]).filter((at) => at < now + DAY_S);
  const cut = shown.length === INSTANTS;
  const width = Math.max(0.25, (Number(row.median_ms) / 1000 / DAY_S) * 100);
  const times = shown.slice(0, 24).map((at) => clock(at * 1000).slice(0, 5)).join(", ");
  const end = shown.at(-1) ?? now;
  const words = `${number(shown.length)}${cut ? " or more" : ""} times: ${times}${shown.length > 24 ? " …" : ""}`;
  return (
    <tr>
      <th scope="row" title={name}><a href={hashOf(["jobs", name])}>{name}</a></th>
      <td>
        <span class="lane" role="img" aria-label={words} title={words}>
          {shown.map((at) => <i key={at} style={{ left: `${Math.max(0, ((at - now) / DAY_S) * 100)}%`, width: `${width}%` }} />)}
          {cut && <span class="lane-more" style={{ left: `${((end - now) / DAY_S) * 100}%` }}>… goes on after {duration(end - now)}</span>}
        </span>
      </td>
    </tr>
  );
}
