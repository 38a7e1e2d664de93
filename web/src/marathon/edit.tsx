import { useMemo, useState } from "preact/hooks";
import type { PageProps } from "../pages/page";
import { Commands } from "../parts/bits";
import { say } from "../parts/said";
import { go, hashOf, place } from "../router";
import { curlOf } from "../framework/actions";
import { call, type Fault, forced, idPath, type Request } from "../framework/api";
import { Crumbs } from "./apps";
import { useMarathon } from "../framework/asking";
import { Trouble } from "../framework/dialog";
import { differences, wishOf } from "./wishes";
import { DiffTable } from "../framework/difftable";
import { Field } from "../framework/fields";
import { faultWords, type Json, placeOf } from "../framework/document";
import { useEditor } from "../framework/editor";
import { copyOf, SECTIONS, withDeadline, withRemovals } from "./form";
import { MarathonFrame } from "./frame";
import { type DryRun, dryRunOf, planWords } from "./preview";
import { parentOf } from "./tree";
import "../framework/style.css";

export function EditPage({ parts }: PageProps) {
  const [id = ""] = parts;
  const { like = "" } = place.value.query;
  return <MarathonFrame here="apps">{id !== "" ? <Change id={id} /> : like !== "" ? <Another like={like} /> : <Create />}</MarathonFrame>;
}

function Create() {
  const { group = "/" } = place.value.query;
  const document = useMemo(() => ({ id: `${group === "/" ? "" : group}/`, cmd: "", instances: 1, cpus: 0.5, mem: 128 }), [group]);
  return <Editor title="Create an app" group={group} before={null} start={document} />;
}

/** A new app with another's wishes; its service ports stay with the other. */
function Another({ like }: { like: string }) {
  const { value, outcome } = useMarathon<{ app: Json }>(`v2/apps/${idPath(like)}?extensions=true`);
  if (value === null) return <p class="empty" role="status">{outcome?.kind === "refused" ? `${like} cannot be read: ${outcome.message}.` : `Loading ${like}…`}</p>;
  return <Editor key={like} title={`Create an app like ${like}`} group={parentOf(like)} before={null} start={copyOf(wishOf(value.app))} />;
}

function Change({ id }: { id: string }) {
  const { version = "" } = place.value.query;
  const present = useMarathon<{ app: Json }>(`v2/apps/${idPath(id)}?extensions=true`);
  const older = useMarathon<Json>(version === "" ? `v2/apps/${idPath(id)}/versions?extensions=true` : `v2/apps/${idPath(id)}/versions/${version}?extensions=true`);
  if (present.value === null || (version !== "" && older.value === null)) {
    const outcome = present.outcome?.kind === "refused" ? present.outcome : older.outcome;
    return <p class="empty" role="status">{outcome?.kind === "refused" ? `${id} cannot be read: ${outcome.message}.` : `Loading ${id}…`}</p>;
  }
  const before = wishOf(present.value.app);
  const start = version === "" ? before : wishOf(older.value as Json);
  return <Editor key={`${id} ${version}`} title={`Change ${id}`} group={parentOf(id)} before={before} start={start} />;
}

interface EditorProps {
  title: string;
  group: string;
  /** What it is now; null for a new app. */
  before: Json | null;
  start: Json;
}

function requestOf(before: Json | null, document: Json): Request {
  if (before === null) return { method: "POST", path: "v2/apps", body: document };
  const id = String(before.id);
  return { method: "PUT", path: `v2/apps/${idPath(id)}`, query: { partialUpdate: "false" }, body: withRemovals(before, { ...document, id }) };
}

/** Form and JSON beside each other: either may be typed in, and the other follows. */
function Editor({ title, group, before, start }: EditorProps) {
  const [plan, setPlan] = useState<DryRun | null>(null);
  const [busy, setBusy] = useState(false);
  const [deadline, setDeadline] = useState("");
  const { document, source, fault, outcome, setOutcome, setDirty, fromForm, fromJson } = useEditor(start, () => setPlan(null));
  const locked = outcome?.kind === "locked";
  const request = withDeadline(requestOf(before, document), deadline);
  const faults: readonly Fault[] = outcome?.kind === "refused" ? outcome.faults : [];
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const answer = await call(locked ? forced(request) : request);
    setBusy(false);
    if (answer.kind !== "done") return setOutcome(answer);
    setDirty(false);
    say(before === null ? `${document.id} is being started.` : `${document.id} is being changed.`);
    const id = String(document.id);
    go("apps", id.startsWith("/") ? id : `/${id}`);
  };
  const preview = async (): Promise<void> => {
    setBusy(true);
    const answer = await dryRunOf(group, document, before);
    setBusy(false);
    if ("plan" in answer) {
      setPlan(answer.plan);
      setOutcome(null);
    } else setOutcome(answer.outcome);
  };
  const elsewhere = faults.filter((each) => placeOf(each.path, SECTIONS) === null);
  return (
    <form class="editor" onSubmit={send} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit(); }}>
      <Crumbs group={before === null ? `${group === "/" ? "" : group}/new` : String(before.id)} />
      <h1>{title}</h1>
      <div class="editor-sides">
        <div class="editor-form">
          {SECTIONS.map((section, at) => (
            <details key={section.title} open={at === 0 || faults.some((each) => section.fields.includes(placeOf(each.path, SECTIONS)?.field as never))}>
              <summary>{section.title}</summary>
              <div class="fields">
                {section.fields.map((field) => (
                  <Field key={field.path.join("/")} sections={SECTIONS} field={field} document={document} faults={faults} change={fromForm} readOnly={before !== null && field.fixed === true} />
                ))}
              </div>
            </details>
          ))}
        </div>
        <div class="editor-json">
          <label for="json">JSON <span class="muted">– keys that the form does not have are kept</span></label>
          <textarea id="json" class="mono" spellcheck={false} value={source} aria-invalid={fault !== ""} aria-describedby="json-fault" onInput={(event) => fromJson(event.currentTarget.value)} />
          <small id="json-fault" role="status" class="tone-bad">{fault}</small>
        </div>
      </div>
      {outcome?.kind === "refused" && faults.length > elsewhere.length
        ? <Trouble outcome={{ ...outcome, message: `${outcome.message}. See the fields marked above.`, faults: elsewhere.map((each) => ({ ...each, errors: [faultWords(each.errors)] })) }} />
        : <Trouble outcome={outcome} />}
      {before !== null && (
        <section class="panel" aria-label="What changes">
          <header><h2>What changes</h2></header>
          <DiffTable differences={differences(before, document)} before="now" after="then" />
        </section>
      )}
      {plan !== null && (
        <section class="panel" aria-label="The plan">
          <header><h2>What Marathon would do</h2></header>
          {planWords(plan).length === 0 ? <p class="empty">Nothing: it is already so.</p> : (
            <ol class="lines">{planWords(plan).map((words, at) => <li key={at}>{at + 1}. {words}</li>)}</ol>
          )}
        </section>
      )}
      <label class="deadline">
        <span>Roll back by itself if it is not done after</span>
        <input type="number" min={1} value={deadline} placeholder="never" onInput={(event) => setDeadline(event.currentTarget.value)} /> seconds
      </label>
      <details class="more"><summary>As a command</summary><Commands commands={[curlOf(request)]} /></details>
      <footer class="editor-foot">
        <a class="button" href={before === null ? hashOf(["apps"]) : hashOf(["apps", String(before.id)])}>Leave it</a>
        <button type="button" disabled={busy || fault !== ""} onClick={preview}>Show the plan</button>
        <button type="submit" class={locked ? "danger" : "primary"} disabled={busy || fault !== ""}>
          {locked ? "Cancel the other deployment and deploy" : before === null ? "Create and deploy" : "Change and deploy"}
        </button>
      </footer>
    </form>
  );
}
