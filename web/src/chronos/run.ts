import type { Row } from "../live/frames";
import type { Changes, Rows } from "../live/table";

/** Runs as the API tells them, in the form of the feed's rows. */

export interface ApiRun {
  readonly id: string;
  readonly job: string;
  readonly instant: string;
  readonly cause: string;
  readonly attempt: number;
  readonly state: string;
  readonly made: string;
  readonly since: string;
  readonly notBefore?: string;
  readonly launchedAt?: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly latenessSeconds?: number;
  readonly tookSeconds?: number;
  readonly exitStatus?: number;
  readonly message?: string;
  readonly skip?: string;
  readonly skipped?: number;
  readonly taskId?: string;
  readonly agentId?: string;
  readonly hostname?: string;
  readonly by?: string;
  readonly doom?: string;
  readonly unreachableSince?: string;
  readonly parents?: readonly { readonly job: string; readonly runId: string }[];
}

/** A moment of the API in seconds; null for none. */
export function secondsOf(text: string | null | undefined): number | null {
  const at = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at / 1000;
}

export function rowOf(run: ApiRun): Row {
  return {
    id: run.id, job: run.job, instant: secondsOf(run.instant), attempt: run.attempt, cause: run.cause, state: run.state,
    since: secondsOf(run.since), made: secondsOf(run.made), not_before: secondsOf(run.notBefore), launched: secondsOf(run.launchedAt),
    started: secondsOf(run.startedAt), ended: secondsOf(run.endedAt), late: run.latenessSeconds ?? null, took: run.tookSeconds ?? null,
    exit: run.exitStatus ?? null, message: run.message ?? "", skip: run.skip ?? null, skipped: run.skipped ?? 1,
    task_id: run.taskId ?? null, agent_id: run.agentId ?? null, hostname: run.hostname ?? "", by: run.by ?? "", doom: run.doom ?? "",
    unreachable_since: secondsOf(run.unreachableSince), parents: run.parents ?? [],
  };
}

/** Rows of an answer, for the table kit: a new answer replaces them all. */
export class Answered implements Rows {
  rows: ReadonlyMap<number, Row> = new Map();
  loaded = false;
  private readonly listeners = new Set<(changes: Changes) => void>();

  put(rows: readonly Row[]): void {
    this.rows = new Map(rows.map((row, at) => [at + 1, row]));
    this.loaded = true;
    for (const listener of this.listeners) listener({ all: true, handles: new Set() });
  }

  listen(listener: (changes: Changes) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** One row of the grid: a job, and its run in each column; undefined where it had none. */
export interface Lane {
  readonly job: string;
  readonly cells: readonly (Row | undefined)[];
  /** Runs that followed none of the columns: asked for by hand, or older. */
  readonly others: number;
}

/**
 * A job's instants as columns, the newest last, and below each what its dependents did with it. Attempts at one instant
 * share a cell, which shows the last; a dependent's run stands where the newest run that it followed stands.
 */
export function lanesOf(jobs: readonly string[], runs: ReadonlyMap<string, readonly Row[]>, most: number): { columns: readonly number[]; lanes: readonly Lane[] } {
  const columnOf = new Map<string, number>();
  const root = [...(runs.get(jobs[0] as string) ?? [])].sort(byInstant);
  const columns = [...new Set(root.map((row) => Number(row.instant)))].slice(-most);
  const lanes = jobs.map((job, index): Lane => {
    const cells: (Row | undefined)[] = Array.from({ length: columns.length });
    let others = 0;
    for (const row of [...(runs.get(job) ?? [])].sort(byInstant)) {
      const column = index === 0 ? columns.indexOf(Number(row.instant)) : parentColumn(row, columnOf);
      if (column < 0) {
        others++;
        continue;
      }
      columnOf.set(String(row.id), column);
      cells[column] = row;
    }
    return { job, cells, others };
  });
  return { columns, lanes };
}

function parentColumn(row: Row, columnOf: ReadonlyMap<string, number>): number {
  const parents = (row.parents ?? []) as readonly { readonly runId: string }[];
  return Math.max(-1, ...parents.map(({ runId }) => columnOf.get(runId) ?? -1));
}

function byInstant(a: Row, b: Row): number {
  return Number(a.instant) - Number(b.instant) || Number(a.attempt) - Number(b.attempt);
}
