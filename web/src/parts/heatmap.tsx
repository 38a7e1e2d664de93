import { useEffect, useRef, useState } from "preact/hooks";
import { number, percent } from "../format";
import type { Row } from "../live/frames";
import { agentName } from "../names";
import { go } from "../router";
import { theme } from "../theme";
import { memberLook } from "../states";

export type Measure = "cpus" | "mem" | "disk" | "tasks";

const CELL_PX = 18;
const GAP_PX = 2;
const STEPS = 5;

/** How full an agent is, 0 to 1. Tasks have no whole of their own: the busiest agent is the whole. */
export function fullness(row: Row, measure: Measure, tasksMost: number): number {
  if (measure === "tasks") return tasksMost > 0 ? Number(row.tasks) / tasksMost : 0;
  const total = Number(row[measure]);
  return total > 0 ? Math.min(1, Number(row[`${measure}_used`]) / total) : 0;
}

function words(row: Row, measure: Measure): string {
  const state = row.state === "active" ? "" : `${memberLook(row.state).word}, `;
  const used = measure === "tasks"
    ? `${number(row.tasks)} tasks`
    : `${measure} ${percent(row[`${measure}_used`], row[measure])}`;
  return `${agentName(row.id, row.hostname)}: ${state}${used}`;
}

interface Drawing {
  canvas: HTMLCanvasElement;
  agents: readonly Row[];
  measure: Measure;
  columns: number;
  focus: number;
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.save();
  context.beginPath();
  context.rect(x, y, CELL_PX, CELL_PX);
  context.clip();
  context.beginPath();
  for (let at = -CELL_PX; at < CELL_PX; at += 5) {
    context.moveTo(x + at, y + CELL_PX);
    context.lineTo(x + at + CELL_PX, y);
  }
  context.stroke();
  context.restore();
}

/** Cells are drawn on one canvas: ten thousand elements would cost more than they show. */
function draw({ canvas, agents, measure, columns, focus }: Drawing): void {
  const ratio = devicePixelRatio;
  const pitch = CELL_PX + GAP_PX;
  const rows = Math.max(1, Math.ceil(agents.length / columns));
  canvas.width = columns * pitch * ratio;
  canvas.height = rows * pitch * ratio;
  canvas.style.height = `${rows * pitch}px`;
  canvas.style.width = `${columns * pitch}px`;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(canvas);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const ramp = Array.from({ length: STEPS + 1 }, (_, step) => color(`--heat-${step}`));
  const most = Math.max(...agents.map((agent) => Number(agent.tasks)), 0);
  context.scale(ratio, ratio);
  context.lineWidth = 1.5;
  agents.forEach((agent, at) => {
    const x = (at % columns) * pitch;
    const y = Math.floor(at / columns) * pitch;
    const share = fullness(agent, measure, most);
    context.fillStyle = ramp[share === 0 ? 0 : Math.max(1, Math.ceil(share * STEPS))] as string;
    context.fillRect(x, y, CELL_PX, CELL_PX);
    if (agent.state !== "active") {
      context.strokeStyle = color(agent.state === "gone" ? "--idle" : "--warn");
      context.fillStyle = color("--bg");
      context.fillRect(x, y, CELL_PX, CELL_PX);
      hatch(context, x, y);
      context.strokeRect(x + 1, y + 1, CELL_PX - 2, CELL_PX - 2);
    }
    if (at === focus) {
      context.strokeStyle = color("--fg");
      context.strokeRect(x + 0.75, y + 0.75, CELL_PX - 1.5, CELL_PX - 1.5);
    }
  });
}

/** One cell an agent, darker the fuller; hatched and framed when it is not active. */
export function HeatMap({ agents, measure }: { agents: readonly Row[]; measure: Measure }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [columns, setColumns] = useState(20);
  const [focus, setFocus] = useState(-1);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      setColumns(Math.max(4, Math.floor(width / (CELL_PX + GAP_PX))));
    });
    observer.observe(box.current as HTMLDivElement);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current !== null) draw({ canvas: canvas.current, agents, measure, columns, focus });
  }, [agents, measure, columns, focus, theme.value]);

  const at = (event: PointerEvent): number => {
    const pitch = CELL_PX + GAP_PX;
    const column = Math.floor(event.offsetX / pitch);
    return column >= columns ? -1 : Math.floor(event.offsetY / pitch) * columns + column;
  };
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns,
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setFocus(Math.max(0, Math.min(agents.length - 1, focus + step)));
    }
    if (event.key === "Enter") open(focus);
  };
  const open = (index: number): void => {
    const agent = agents[index];
    if (agent !== undefined) go("agents", String(agent.id));
  };
  const focused = agents[focus];
  return (
    <div class="heat" ref={box}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${agents.length} agents by ${measure}. Arrow keys move, Enter opens. The agents page has the same as a table.`}
        onPointerMove={(event) => setFocus(at(event))}
        onPointerLeave={() => setFocus(-1)}
        onBlur={() => setFocus(-1)}
        onFocus={() => setFocus((old) => (old < 0 && canvas.current?.matches(":focus-visible") ? 0 : old))}
        onClick={() => open(focus)}
        onKeyDown={onKey}
      />
      <p class="heat-words" role="status">
        {focused === undefined ? (
          <>
            less <span class="ramp" aria-hidden="true">{[0, 1, 2, 3, 4, 5].map((step) => <i key={step} class={`heat-${step}`} />)}</span> more
          </>
        ) : words(focused, measure)}
      </p>
    </div>
  );
}
