import { duration, middle, number } from "../format";
import type { Row } from "../live/frames";
import { Age } from "../parts/bits";
import { Mark, State } from "../parts/glyph";
import { hashOf } from "../router";
import { followMarathon, marathon, nowS } from "../state";
import type { Look } from "../states";
import { column, type TableSpec, topicOf } from "../table/columns";
import { Grid } from "../table/grid";
import { cancel, pauseOrContinue, stop } from "./actions";
import { MarathonFrame } from "./frame";
import { Buttons, Menu } from "../framework/menu";
import { actionWord, type Plan, progressOf, stepShare, stepState, targetWords } from "./progress";

function look(row: Row): Look {
  return row.paused ? { glyph: "square", tone: "warn", word: "paused" } : { glyph: "half", tone: "progress", word: row.reverts ? "rolling back" : "deploying" };
}

export const deploymentActions = (row: Row) => [pauseOrContinue(row), cancel(row), stop(row)];

function appLinks(ids: readonly string[]) {
  return ids.map((id, at) => <span key={id}>{at > 0 && ", "}<a href={hashOf(["apps", id], { tab: "Deploys" })}>{id}</a></span>);
}

function StepBar({ row }: { row: Row }) {
  const [done, total] = progressOf(row);
  const apps = followMarathon("apps").rows;
  const share = stepShare(row, (id) => [...apps.values()].find((app) => app.id === id));
  const words = `step ${Math.min(done + 1, total)} of ${total}, ${Math.round(share * 100)} % of it done`;
  return (
    <span class="share">
      <span class="bar" role="img" aria-label={words} title={words}><span class="bar-used" style={{ width: `${total === 0 ? 100 : ((done + share) / total) * 100}%` }} /></span>
      <span>{number(Math.min(done + 1, total))}/{number(total)}</span>
    </span>
  );
}

const DEPLOYMENTS: TableSpec = {
  topic: "deployments",
  noun: "deployments",
  source: () => topicOf(marathon, "deployments"),
  sort: "-started",
  example: "app:/shop state:paused",
  empty: "Nothing is being deployed.",
  facets: [{ label: "Paused", term: "state:paused" }],
  actions: (row) => <><Buttons actions={deploymentActions(row)} /><PlanList row={row} /></>,
  columns: [
    column("id", "Deployment", "text", "minmax(14ch, 1fr)", { cell: (row) => <span class="mono" title={String(row.id)}>{middle(String(row.id), 14)}</span> }),
    column("state", "State", "text", "15ch", { narrow: true, read: (row) => look(row).word, cell: (row) => <State look={look(row)} /> }),
    column("apps", "Apps", "text", "minmax(16ch, 2fr)", { aliases: ["app"], narrow: true, read: (row) => ((row.apps ?? []) as readonly string[]).join("\n"), cell: (row) => <>{appLinks((row.apps ?? []) as readonly string[])}</> }),
    column("action", "Doing now", "text", "minmax(18ch, 2fr)", {
      read: (row) => (((row.plan ?? []) as Plan)[Number(row.step)] ?? []).map(([kind, app]) => `${actionWord(kind)} ${app}`).join(", "),
    }),
    column("step", "Step", "number", "minmax(14ch, 1fr)", { right: false, read: (row) => progressOf(row)[0], cell: (row) => <StepBar row={row} /> }),
    column("started", "Started", "age", "9ch", { cell: (row) => <Age at={row.started} /> }),
    column("deadline", "Rolls back in", "age", "13ch", { extra: true, cell: (row) => (typeof row.deadline === "number" ? <Until at={row.deadline} /> : "never") }),
    column("menu", "Do", "text", "6ch", { tableOnly: true, narrow: true, read: () => null, cell: (row) => <Menu label={`Actions on deployment ${row.id}`} actions={() => deploymentActions(row)} /> }),
  ],
};

function Until({ at }: { at: number }) {
  return <>{duration(at - nowS.value)}</>;
}

export function DeploymentsPage() {
  return (
    <MarathonFrame here="deployments">
      <h1>Deployments</h1>
      <Grid key="deployments" spec={DEPLOYMENTS} />
    </MarathonFrame>
  );
}

/** Every step of a deployment; of the present one, how far each app is. */
export function PlanList({ row }: { row: Row }) {
  const apps = new Map([...followMarathon("apps").rows.values()].map((app) => [String(app.id), app]));
  const plan = (row.plan ?? []) as Plan;
  return (
    <ol class="plan">
      {plan.map((actions, at) => {
        const state = stepState(at, Number(row.step));
        return (
          <li key={at} aria-current={state === "now" ? "step" : undefined} class={state}>
            <Mark look={state === "done" ? { glyph: "check", tone: "ok", word: "" } : state === "now" ? look(row) : { glyph: "ring", tone: "idle", word: "" }} />
            <div>
              <b>Step {at + 1}</b> <span class="unseen">{state === "done" ? "done" : state === "now" ? "under way" : "to come"}</span>
              {actions.map(([kind, id, target]) => (
                <ActionLine key={id} kind={kind} id={id} target={target} app={state === "now" ? apps.get(id) : undefined} done={((row.done ?? []) as readonly string[]).includes(id) || state === "done"} />
              ))}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function ActionLine({ kind, id, target, app, done }: { kind: string; id: string; target: number; app: Row | undefined; done: boolean }) {
  return (
    <div>
      {actionWord(kind)} <a href={hashOf(["apps", id])}>{id}</a>{targetWords(kind, target)}{done && <span class="muted"> · done</span>}
      {app !== undefined && !done && (
        <p class="muted">
          {number(app.ready)} ready of {number(app.fresh)} new · {number(Number(app.staying) - Number(app.fresh))} old left · {number(app.doomed)} being ended
        </p>
      )}
    </div>
  );
}
