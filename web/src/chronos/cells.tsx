import { moment, percent } from "../format";
import type { Row } from "../live/frames";
import { masterLink } from "../framework/masterpage";
import { Mark, State } from "../parts/glyph";
import { followChronos, nowS } from "../state";
import { becauseWords, historyWords, jobLook, nextWords, OUTCOMES, runLook, successRate } from "./words";

const BAR = 5;
const HEIGHTS: Readonly<Record<string, number>> = { s: 14, f: 14, r: 9, k: 6, "-": 3 };

/** The last results as bars: height and hatching tell them apart, not only colour; the words say it all. */
export function Bars({ row }: { row: Row }) {
  const history = String(row.history ?? "");
  const words = historyWords(history);
  if (history === "") return <span class="muted" title={words}>–</span>;
  return (
    <svg class="bars" width={history.length * BAR} height="14" role="img" aria-label={words}>
      <title>{words}</title>
      {[...history].map((letter, at) => {
        const height = HEIGHTS[letter] ?? 3;
        return letter === "f"
          ? <path key={at} class="fill-bad" d={`M${at * BAR} 0h4v6h-4zM${at * BAR} 8h4v6h-4z`} />
          : <rect key={at} class={`fill-${OUTCOMES[letter]?.tone ?? "idle"}`} x={at * BAR} y={14 - height} width="4" height={height} />;
      })}
    </svg>
  );
}

export function Rate({ row }: { row: Row }) {
  const rate = successRate(String(row.history ?? ""));
  return rate === null ? <span class="muted">–</span> : <>{percent(rate, 1)}</>;
}

export function JobState({ row }: { row: Row }) {
  return <span title={becauseWords(row)}><State look={jobLook(row, nowS.value)} /></span>;
}

export function Next({ row }: { row: Row }) {
  const words = nextWords(row, nowS.value);
  if (typeof row.next !== "number" || row.disabled === true) return <span class="muted">{words}</span>;
  const tone = words.startsWith("overdue") ? "tone-bad" : "";
  return <time class={tone} dateTime={new Date(row.next * 1000).toISOString()} title={`${moment(row.next)}; ${row.schedule} (${row.zone})`}>{words}</time>;
}

export function RunState({ row }: { row: Row }) {
  return <span title={String(row.message ?? "")}><State look={runLook(row)} /></span>;
}

export function RunMark({ row }: { row: Row }) {
  return <Mark look={runLook(row)} />;
}

/** The sandbox is the master's to show. */
export function taskLink(taskId: unknown, log = ""): string | null {
  const framework = followChronos("chronos").only?.framework_id;
  if (typeof framework !== "string" || typeof taskId !== "string") return null;
  return masterLink(["tasks", framework, taskId], log === "" ? {} : { log });
}

export function Logs({ row }: { row: Row }) {
  const [out, err] = [taskLink(row.task_id, "stdout"), taskLink(row.task_id, "stderr")];
  if (out === null || err === null) return <span class="muted" title={row.task_id === null ? "It has had no task" : "Where the master’s dashboard is, is not known"}>–</span>;
  return <><a href={out}>stdout</a> <a href={err}>stderr</a></>;
}
