import { useMemo, useState } from "preact/hooks";
import { moment, number, shortTime } from "../format";
import { curlOf } from "../framework/actions";
import { useChronos, useTurns } from "../framework/asking";
import { ask } from "../framework/dialog";
import { differences, shown, wishOf } from "../framework/diff";
import { DiffTable } from "../framework/difftable";
import type { Json } from "../framework/document";
import { Buttons } from "../framework/menu";
import { type Reason, WhyView } from "../framework/why";
import { standalone } from "../home";
import type { Row } from "../live/frames";
import type { PageProps } from "../pages/page";
import { Commands, Copy, Facts, Tabs } from "../parts/bits";
import { hashOf, place } from "../router";
import { follow, followChronos, nowS } from "../state";
import { Grid } from "../table/grid";
import { goBack, jobActions, pathOfJob } from "./actions";
import { Bars, JobState, Next, Rate } from "./cells";
import { JEVENTS } from "./events";
import { COUNTERS } from "./form";
import { ChronosFrame } from "./frame";
import { secondsOf } from "./run";
import { RunsOf } from "./runs";
import { Calendar, DependencyGraph, RunGrid } from "./views";
import { becauseWords, jobWord, successRate } from "./words";
import "../framework/style.css";
import "./style.css";

const TABS = ["Grid", "Graph", "Calendar", "Runs", "Config", "Why", "Events"] as const;

export function JobPage({ parts }: PageProps) {
  const id = parts[0] as string;
  if (!standalone) follow("agents");
  const table = followChronos("jobs");
  let row: Row | undefined;
  for (const each of table.rows.values()) if (each.id === id) row = each;
  return <ChronosFrame here="jobs">{row === undefined ? <Gone id={id} loaded={table.loaded} /> : <Shown row={row} />}</ChronosFrame>;
}

function Gone({ id, loaded }: { id: string; loaded: boolean }) {
  if (!loaded) return <p class="empty" role="status">Loading {id}…</p>;
  return (
    <div class="empty">
      <h1>No job {id}</h1>
      <p>It may have been deleted. <a href="#/jobs">All jobs</a></p>
    </div>
  );
}

function Shown({ row }: { row: Row }) {
  const id = String(row.id);
  const tab = place.value.query.tab ?? "Grid";
  return (
    <>
      <nav class="crumbs" aria-label="Where this is"><a href="#/jobs">Jobs</a> › <span aria-current="page">{id}</span></nav>
      <div class="object-head">
        <h1>{id}</h1>
        <JobState row={row} />
        <Bars row={row} />
        <span class="spring" />
        <a class="button" href={hashOf(["job-edit", id])}>Edit</a>
        <Buttons actions={jobActions(row)} />
      </div>
      <p class="summary"><When row={row} /> · {number(row.success_count)} succeeded, {number(row.error_count)} failed{successRate(String(row.history)) !== null && <> · <Rate row={row} /> of the last runs succeeded</>}{Number(row.median_ms) > 0 && <> · done {shortTime(Number(row.median_ms) / 1000)} after its instant (median)</>}</p>
      {row.description ? <p>{String(row.description)}</p> : null}
      <Tabs label="Views of this job" names={TABS} chosen={tab} href={(name) => hashOf(["jobs", id], { tab: name })} />
      {tab === "Grid" && <RunGrid name={id} />}
      {tab === "Graph" && <DependencyGraph name={id} />}
      {tab === "Calendar" && <Calendar row={row} />}
      {tab === "Runs" && <RunsOf name={id} />}
      {tab === "Config" && <Config row={row} />}
      {tab === "Why" && <Why row={row} />}
      {tab === "Events" && <JobEvents id={id} />}
    </>
  );
}

function When({ row }: { row: Row }) {
  const parents = (row.parents ?? []) as readonly string[];
  const because = becauseWords(row);
  if (row.disabled === true) return <>{jobWord(row, nowS.value)}{because && `: ${because}`}</>;
  if (row.kind === "dependent") {
    return <>runs after {parents.map((name, at) => <span key={name} class="in-text">{at > 0 && ", "}<a href={hashOf(["jobs", name])}>{name}</a></span>)}{because && ` (${because})`}</>;
  }
  return <>next run <Next row={row} /> ({moment(row.next)}; <code>{String(row.schedule)}</code>, {String(row.zone)})</>;
}

function JobEvents({ id }: { id: string }) {
  const scope = useMemo(() => (event: Row) => event.job === id, [id]);
  return <Grid key={`events ${id}`} spec={JEVENTS} scope={scope} />;
}

interface ApiCause {
  readonly kind: string;
  readonly text: string;
}

interface JobWhy {
  readonly sentence: string;
  readonly causes: readonly ApiCause[];
  readonly waiting: readonly { readonly sentence: string; readonly run: { readonly instant: string } }[];
  /** What each reason turned away of the last offers. */
  readonly funnel: readonly string[];
  readonly story: readonly string[];
}

const WHY_EVERY_MS = 5_000;

function Why({ row }: { row: Row }) {
  const turn = useTurns(WHY_EVERY_MS);
  const { value, outcome } = useChronos<JobWhy>(`v1/chronos/why/${encodeURIComponent(String(row.id))}`, `${turn} ${row.running} ${row.queued} ${row.disabled}`);
  if (value === null) return <p class="empty" role="status">{outcome?.kind === "refused" ? `No answer: ${outcome.message}.` : "Asking…"}</p>;
  const waiting = value.waiting.map(({ run, sentence }) => `The run for ${moment(secondsOf(run.instant))}: ${sentence}`);
  const reason: Reason = { sentence: value.sentence, facts: [...value.causes.map(({ text }) => text), ...waiting, ...value.funnel], story: value.story };
  return <WhyView reason={reason} />;
}

interface Version {
  readonly version: string;
  readonly by: string;
  readonly current: boolean;
}

function versionWords(version: string): string {
  return moment(secondsOf(version));
}

function Config({ row }: { row: Row }) {
  const id = String(row.id);
  const { value: list, outcome } = useChronos<{ versions: Version[] }>(pathOfJob(id, "/versions"), row.version);
  const versions = list?.versions.map(({ version }) => version) ?? [];
  const [left, chooseLeft] = useState("");
  const [right, chooseRight] = useState("");
  const after = right || String(row.version);
  const before = left || versions.find((each) => each < after) || after;
  const of = (version: string): string => pathOfJob(id, `/versions/${encodeURIComponent(version)}`);
  const old = useChronos<{ job: Json }>(of(before), row.version).value;
  const next = useChronos<{ job: Json }>(of(after), row.version).value;
  if (list === null) return <p class="empty" role="status">{outcome?.kind === "refused" ? `The versions cannot be read: ${outcome.message}.` : "Loading…"}</p>;
  return (
    <>
      <div class="versions">
        <Choice label="From" value={before} all={list.versions} choose={chooseLeft} />
        <Choice label="to" value={after} all={list.versions} choose={chooseRight} />
        {before !== row.version && old !== null && <button type="button" onClick={() => ask(goBack(id, String(row.version), versionWords(before), wishOf(old.job, COUNTERS)))}>Go back to {versionWords(before)}</button>}
        <a class="button" href={hashOf(["job-edit"], { like: id })}>Make another like it</a>
      </div>
      {versions.length < 2 ? <p class="muted">It has had this one version only.</p> : old !== null && next !== null && (
        <DiffTable differences={differences(old.job, next.job, COUNTERS)} before={versionWords(before)} after={`${versionWords(after)}${after === row.version ? " (present)" : ""}`} />
      )}
      <h2>{after === row.version ? "Present" : versionWords(after)}</h2>
      {next !== null && <Whole document={wishOf(next.job, COUNTERS)} id={id} />}
    </>
  );
}

function Choice({ label, value, all, choose }: { label: string; value: string; all: readonly Version[]; choose: (version: string) => void }) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {all.map(({ version, by }) => <option key={version} value={version}>{versionWords(version)}{by && `, by ${by}`}</option>)}
      </select>
    </label>
  );
}

function Whole({ document, id }: { document: Json; id: string }) {
  const text = JSON.stringify(document, null, 2);
  const said = Object.entries(document).filter(([key, value]) => key !== "name" && value !== null && value !== "" && JSON.stringify(value) !== "[]" && JSON.stringify(value) !== "{}");
  return (
    <>
      <div class="long-names"><Facts facts={said.map(([key, value]) => [key, <span class="mono">{shown(value)}</span>])} /></div>
      <details class="more">
        <summary>As JSON and as a command</summary>
        <p><Copy text={text} label="Copy the JSON" /></p>
        <pre class="raw" tabIndex={0}>{text}</pre>
        <Commands commands={[curlOf({ method: "GET", path: pathOfJob(id), to: "chronos" })]} />
      </details>
    </>
  );
}
