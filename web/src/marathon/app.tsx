import { useMemo, useState } from "preact/hooks";
import { duration, moment, number, size } from "../format";
import type { Row } from "../live/frames";
import type { PageProps } from "../pages/page";
import { Age, Commands, Copy, Facts, Tabs } from "../parts/bits";
import { hashOf, place } from "../router";
import { follow, followMarathon, nowS } from "../state";
import { standalone } from "../home";
import { Grid } from "../table/grid";
import { curlOf } from "../framework/actions";
import { actionsOf, rollBack } from "./actions";
import { idPath } from "../framework/api";
import { Crumbs, seconds } from "./apps";
import { useMarathon, useTurns } from "../framework/asking";
import { AppStatus, HealthBar, HealthLegend, Stepper } from "./cells";
import { deploymentActions, PlanList } from "./deployments";
import { shown } from "../framework/diff";
import { differences, wishOf } from "./wishes";
import { DiffTable } from "../framework/difftable";
import { ask } from "../framework/dialog";
import { MEVENTS } from "./events";
import { MarathonFrame } from "./frame";
import { type End, Ends, Instances } from "./instances";
import { Buttons } from "../framework/menu";
import { type Reason, WhyView } from "../framework/why";

const TABS = ["Instances", "Deploys", "Config", "Why", "Events", "Ends"] as const;
type Document = Record<string, unknown>;

export function AppPage({ parts }: PageProps) {
  const id = parts[0] as string;
  if (!standalone) follow("agents");
  const table = followMarathon("apps");
  let row: Row | undefined;
  for (const each of table.rows.values()) if (each.id === id) row = each;
  return (
    <MarathonFrame here="apps">
      {row === undefined ? <Gone id={id} loaded={table.loaded} /> : <Shown row={row} />}
    </MarathonFrame>
  );
}

function Gone({ id, loaded }: { id: string; loaded: boolean }) {
  if (!loaded) return <p class="empty" role="status">Loading {id}…</p>;
  return (
    <div class="empty">
      <h1>No app {id}</h1>
      <p>It may have been destroyed. <a href="#/apps">All apps</a></p>
    </div>
  );
}

function Shown({ row }: { row: Row }) {
  const id = String(row.id);
  const tab = place.value.query.tab ?? "Instances";
  return (
    <>
      <Crumbs group={id} />
      <div class="object-head">
        <h1>{id}</h1>
        <AppStatus row={row} />
        <Stepper row={row} />
        <span class="spring" />
        <a class="button" href={hashOf(["edit", id])}>Edit</a>
        <Buttons actions={actionsOf(row, nowS.peek())} />
      </div>
      <div class="app-health"><HealthBar row={row} /><HealthLegend row={row} /></div>
      <p class="summary">
        {number(row.cpus)} CPU and {size(row.mem)} each · role {String(row.role)} · changed <Age at={seconds(row.version)} exact /> ago
        {row.failed_at ? <> · last failure <Age at={row.failed_at} exact /> ago: {String(row.failure)}</> : null}
      </p>
      <Tabs label="Views of this app" names={TABS} chosen={tab} href={(name) => hashOf(["apps", id], { tab: name })} />
      {tab === "Instances" && <><WaitsBecause row={row} /><Instances app={row} /></>}
      {tab === "Deploys" && <Deploys row={row} />}
      {tab === "Config" && <Config row={row} />}
      {tab === "Why" && <Why row={row} />}
      {tab === "Events" && <AppEvents id={id} />}
      {tab === "Ends" && <Ended row={row} />}
    </>
  );
}

const WHY_EVERY_MS = 5_000;

function useWhy(row: Row, every = WHY_EVERY_MS) {
  const turn = useTurns(every);
  return useMarathon<Reason>(`why/apps/${idPath(String(row.id))}`, `${turn} ${row.waiting} ${row.deployment} ${row.running}`);
}

/** One line above the instances while some are missing: nobody should have to look for the reason. */
function WaitsBecause({ row }: { row: Row }) {
  return Number(row.waiting) > 0 ? <Because row={row} /> : null;
}

function Because({ row }: { row: Row }) {
  const { value } = useWhy(row);
  return (
    <p class="old-data">
      <span><b>{number(row.waiting)} wait.</b> {value?.sentence ?? "Asking why…"}</span>
      <a href={hashOf(["apps", String(row.id)], { tab: "Why" })}>Why ›</a>
    </p>
  );
}

function Why({ row }: { row: Row }) {
  const { value, outcome } = useWhy(row);
  if (value === null) return <p class="empty">{outcome?.kind === "refused" ? `No answer: ${outcome.message}.` : "Asking…"}</p>;
  return <WhyView reason={value} />;
}

function Deploys({ row }: { row: Row }) {
  const deployment = [...followMarathon("deployments").rows.values()].find((each) => each.id === row.deployment);
  const id = String(row.id);
  const scope = useMemo(() => (event: Row) => ((event.apps ?? []) as string[]).includes(id) && event.deployment !== "", [id]);
  return (
    <>
      {deployment === undefined ? <p class="empty">Nothing is being deployed.</p> : (
        <section class="panel" aria-label="The deployment under way">
          <header>
            <h2>{deployment.paused ? "Paused" : "Under way"} for <Age at={deployment.started} exact /></h2>
            <Buttons actions={deploymentActions(deployment)} />
          </header>
          {typeof deployment.deadline === "number" && <p class="muted">Rolled back by itself in {duration(deployment.deadline - nowS.value)}.</p>}
          <PlanList row={deployment} />
        </section>
      )}
      <h2>Before</h2>
      <Grid key={`deploys ${id}`} spec={MEVENTS} scope={scope} />
    </>
  );
}

function AppEvents({ id }: { id: string }) {
  const scope = useMemo(() => (event: Row) => ((event.apps ?? []) as string[]).includes(id), [id]);
  return <Grid key={`events ${id}`} spec={MEVENTS} scope={scope} />;
}

function Ended({ row }: { row: Row }) {
  const { value, outcome } = useMarathon<{ terminations: End[] }>(`why/terminations/${idPath(String(row.id))}`, `${row.failed_at} ${row.running}`);
  if (value === null) return <p class="empty">{outcome?.kind === "refused" ? `No answer: ${outcome.message}.` : "Loading…"}</p>;
  return <Ends ends={value.terminations} />;
}

function Config({ row }: { row: Row }) {
  const id = String(row.id);
  const base = `v2/apps/${idPath(id)}`;
  const { value: list, outcome } = useMarathon<{ versions: string[] }>(`${base}/versions`, row.version);
  const versions = list?.versions ?? [];
  const [left, chooseLeft] = useState("");
  const [right, chooseRight] = useState("");
  const after = right || String(row.version);
  const before = left || versions.find((each) => each < after) || after;
  const old = useMarathon<Document>(`${base}/versions/${before}?extensions=true`, row.version).value;
  const next = useMarathon<Document>(`${base}/versions/${after}?extensions=true`, row.version).value;
  if (list === null) return <p class="empty">{outcome?.kind === "refused" ? `The versions cannot be read: ${outcome.message}.` : "Loading…"}</p>;
  return (
    <>
      <div class="versions">
        <Choice label="From" value={before} all={versions} choose={chooseLeft} />
        <Choice label="to" value={after} all={versions} choose={chooseRight} />
        {before !== row.version && <button type="button" onClick={() => ask(rollBack(id, before))}>Roll back to {stampWords(before)}</button>}
        {before !== row.version && <a class="button" href={hashOf(["edit", id], { version: before })}>Edit from it</a>}
        <a class="button" href={hashOf(["edit"], { like: id })}>Make another like it</a>
      </div>
      {versions.length < 2 ? <p class="muted">It has had this one version only.</p> : old !== null && next !== null && (
        <DiffTable differences={differences(old, next)} before={stampWords(before)} after={`${stampWords(after)}${after === row.version ? " (present)" : ""}`} />
      )}
      <h2>{after === row.version ? "Present" : stampWords(after)}</h2>
      {next !== null && <Whole document={next} id={id} />}
    </>
  );
}

function Choice({ label, value, all, choose }: { label: string; value: string; all: readonly string[]; choose: (version: string) => void }) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {all.map((each) => <option key={each} value={each}>{stampWords(each)}</option>)}
      </select>
    </label>
  );
}

function stampWords(version: string): string {
  return moment(seconds(version));
}

function Whole({ document, id }: { document: Document; id: string }) {
  const text = JSON.stringify(wishOf(document), null, 2);
  return (
    <>
      <div class="long-names"><Facts facts={Object.entries(wishOf(document)).filter(([key]) => key !== "id").map(([key, value]) => [key, <span class="mono">{shown(value)}</span>])} /></div>
      <details class="more">
        <summary>As JSON and as a command</summary>
        <p><Copy text={text} label="Copy the JSON" /></p>
        <pre class="raw" tabIndex={0}>{text}</pre>
        <Commands commands={[curlOf({ method: "GET", path: `v2/apps/${idPath(id)}` })]} />
      </details>
    </>
  );
}
