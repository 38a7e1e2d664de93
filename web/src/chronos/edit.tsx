import { useEffect, useMemo, useState } from "preact/hooks";
import { moment } from "../format";
import { curlOf } from "../framework/actions";
import { call, type Fault } from "../framework/api";
import { useChronos } from "../framework/asking";
import { Trouble } from "../framework/dialog";
import { differences, wishOf } from "../framework/diff";
import { DiffTable } from "../framework/difftable";
import { faultWords, type Json, placeOf } from "../framework/document";
import { useEditor } from "../framework/editor";
import { Field } from "../framework/fields";
import type { PageProps } from "../pages/page";
import { Commands } from "../parts/bits";
import { say } from "../parts/said";
import { go, hashOf, place } from "../router";
import { chronos } from "../state";
import { pathOfJob, putJob } from "./actions";
import { COUNTERS, freshJob, JOB_SECTIONS, sent } from "./form";
import { ChronosFrame } from "./frame";
import { secondsOf } from "./run";
import "../framework/style.css";
import "./style.css";

interface Known {
  readonly version: string;
  readonly job: Json;
}

export function JobEditPage({ parts }: PageProps) {
  const [id = ""] = parts;
  const { like = "" } = place.value.query;
  return <ChronosFrame here="jobs">{id !== "" || like !== "" ? <Loaded key={id || like} id={id || like} copies={id === ""} /> : <Create />}</ChronosFrame>;
}

function Create() {
  const { after = "" } = place.value.query;
  const start = useMemo(() => freshJob(chronos.serverNow(), after === "" ? [] : [after]), [after]);
  return <JobEditor key={after} title="Create a job" known={null} start={start} />;
}

function Loaded({ id, copies }: { id: string; copies: boolean }) {
  const { value, outcome } = useChronos<Known>(pathOfJob(id));
  if (value === null) return <p class="empty" role="status">{outcome?.kind === "refused" ? `${id} cannot be read: ${outcome.message}.` : `Loading ${id}…`}</p>;
  const document = wishOf(value.job, COUNTERS);
  if (copies) return <JobEditor title={`Create a job like ${id}`} known={null} start={{ ...document, name: `${id}-2` }} />;
  return <JobEditor title={`Change ${id}`} known={{ ...value, job: document }} start={document} />;
}

const PREVIEW_AFTER_MS = 500;

/** When it would run can be told before it has a name and a command. */
function filled(document: Json): Json {
  return { name: document.name || "a-new-job", command: document.command || "true" };
}

interface Preview {
  readonly zone: string;
  readonly ignored: readonly string[];
  readonly instants: readonly { readonly utc: string; readonly local: string }[];
}

/** What Chronos would make of a document, asked for once nobody has typed for a moment. */
function usePreview(document: Json, fits: boolean): { preview: Preview | null; faults: readonly Fault[]; message: string } {
  const [state, setState] = useState<{ preview: Preview | null; faults: readonly Fault[]; message: string }>({ preview: null, faults: [], message: "" });
  useEffect(() => {
    if (!fits) return;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      call<Preview>({ method: "POST", path: "v1/chronos/validate", to: "chronos", body: { ...sent(document), ...filled(document) } }, ending.signal).then(
        (outcome) => {
          if (outcome.kind === "done") setState({ preview: outcome.value, faults: [], message: "" });
          else setState({ preview: null, faults: outcome.kind === "refused" ? outcome.faults : [], message: outcome.message });
        },
        () => {},
      );
    }, PREVIEW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [document, fits]);
  return state;
}

function JobEditor({ title, known, start }: { title: string; known: Known | null; start: Json }) {
  const { document, source, fault, outcome, setOutcome, setDirty, fromForm, fromJson } = useEditor(start);
  const [busy, setBusy] = useState(false);
  const { preview, faults: early, message } = usePreview(document, fault === "");
  const request = putJob(sent(document), known?.version ?? null);
  const faults = outcome?.kind === "refused" ? outcome.faults : early;
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const answer = await call(request);
    setBusy(false);
    if (answer.kind !== "done") return setOutcome(answer);
    setDirty(false);
    say(known === null ? `${document.name} is there.` : `${document.name} is changed.`);
    go("jobs", String(document.name));
  };
  const elsewhere = faults.filter((each) => placeOf(each.path, JOB_SECTIONS) === null);
  const leave = known === null ? hashOf(["jobs"]) : hashOf(["jobs", String(known.job.name)]);
  return (
    <form class="editor" onSubmit={send} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit(); }}>
      <nav class="crumbs" aria-label="Where this is"><a href="#/jobs">Jobs</a> › <span aria-current="page">{known === null ? "new" : String(known.job.name)}</span></nav>
      <h1>{title}</h1>
      <div class="editor-sides">
        <div class="editor-form">
          {JOB_SECTIONS.map((section, at) => (
            <details key={section.title} open={at < 2 || faults.some((each) => section.fields.includes(placeOf(each.path, JOB_SECTIONS)?.field as never))}>
              <summary>{section.title}</summary>
              <div class="fields">
                {section.fields.map((field) => (
                  <Field key={field.path.join("/")} sections={JOB_SECTIONS} field={field} document={document} faults={faults} change={fromForm} readOnly={known !== null && field.fixed === true} />
                ))}
              </div>
              {section.title === "When" && <Upcoming preview={preview} message={message} document={document} />}
            </details>
          ))}
        </div>
        <div class="editor-json">
          <label for="json">JSON <span class="muted">– keys that the form does not have are kept</span></label>
          <textarea id="json" class="mono" spellcheck={false} value={source} aria-invalid={fault !== ""} aria-describedby="json-fault" onInput={(event) => fromJson(event.currentTarget.value)} />
          <small id="json-fault" role="status" class="tone-bad">{fault}</small>
          {preview !== null && preview.ignored.length > 0 && <small class="tone-warn">Chronos leaves out of account: {preview.ignored.join(", ")}</small>}
        </div>
      </div>
      {outcome?.kind === "refused" && faults.length > elsewhere.length
        ? <Trouble outcome={{ ...outcome, message: `${outcome.message}. See the fields marked above.`, faults: elsewhere.map((each) => ({ ...each, errors: [faultWords(each.errors)] })) }} />
        : <Trouble outcome={outcome} />}
      {known !== null && (
        <section class="panel" aria-label="What changes">
          <header><h2>What changes</h2></header>
          <DiffTable differences={differences(known.job, sent(document))} before="now" after="then" />
        </section>
      )}
      <details class="more"><summary>As a command</summary><Commands commands={[curlOf(request)]} /></details>
      <footer class="editor-foot">
        <a class="button" href={leave}>Leave it</a>
        <button type="submit" class="primary" disabled={busy || fault !== ""}>{known === null ? "Create the job" : "Change the job"}</button>
      </footer>
    </form>
  );
}

function Upcoming({ preview, message, document }: { preview: Preview | null; message: string; document: Json }) {
  const parents = Array.isArray(document.parents) ? document.parents : [];
  return (
    <div class="upcoming">
      {preview === null ? <p class="muted">{message === "" ? "Asking when it would run…" : `Not yet a job: ${message}`}</p> : parents.length > 0 ? (
        <p class="muted">It runs whenever {parents.join(" and ")} {parents.length === 1 ? "has" : "have"} ended.</p>
      ) : preview.instants.length === 0 ? <p class="muted">It would never run.</p> : (
        <>
          <p>The next {preview.instants.length} runs, in this browser’s zone and in {preview.zone}:</p>
          <ol class="lines">{preview.instants.map(({ utc, local }) => <li key={utc}><time dateTime={utc}>{moment(secondsOf(utc))}</time> <span class="muted">{local.replace("T", " ").replace(".000", "")}</span></li>)}</ol>
        </>
      )}
    </div>
  );
}
