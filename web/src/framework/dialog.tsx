import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { middle } from "../format";
import { Commands } from "../parts/bits";
import { say } from "../parts/said";
import { go, hashOf, place } from "../router";
import { type Action, cliOf, curlOf } from "./actions";
import { call, forced, type Outcome } from "./api";

/** The one dialog of frameworks' pages: it names what will be done, and does it. */

interface Question {
  readonly action: Action;
  /** No two are the same dialog, also of the same deed. */
  readonly number: number;
}

const asked = signal<Question | null>(null);
let questions = 0;

export function ask(action: Action): void {
  questions += 1;
  asked.value = { action, number: questions };
}

export function ActionDialog() {
  const question = asked.value;
  return question === null ? null : <Asking key={question.number} question={question} />;
}

/** Why something was not done, for those who do not look at its dialog any more. */
export function inWords(outcome: Exclude<Outcome, { kind: "done" }>): string {
  return outcome.kind === "locked" ? "another deployment is working on this" : outcome.message.replace(/\.$/, "");
}

function Asking({ question }: { question: Question }) {
  const { action } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const [value, setValue] = useState(String(action.field?.value ?? 0));
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const leave = (): void => {
    if (asked.peek() === question) asked.value = null;
  };
  useEffect(() => {
    dialog.current?.showModal();
    // Whoever goes to another page takes no question along.
    return leave;
  }, []);
  const { field, text: asksText } = action;
  const number = Number(value);
  const textFault = asksText?.fault(text) ?? "";
  const fit = textFault === "" && (field === undefined || (value.trim() !== "" && number >= field.min && (field.step !== undefined || Number.isInteger(number))));
  const locked = outcome?.kind === "locked";
  const request = locked ? forced(action.request(number, text)) : action.request(number, text);
  const close = (): void => dialog.current?.close();
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!fit || busy) return;
    setBusy(true);
    const from = location.hash;
    const answer = await call(request);
    setBusy(false);
    if (answer.kind !== "done") return dialog.current === null ? say(`${action.title}: not done: ${inWords(answer)}.`) : setOutcome(answer);
    close();
    say(`${action.done}.`);
    // Only off the page of what is gone: whoever is elsewhere by now, or in a list, stays there.
    if (action.then !== undefined && location.hash === from && place.value.parts.length > 1) go(...action.then);
  };
  return (
    <dialog ref={dialog} class="action" aria-labelledby="action-title" onClose={leave}>
      <form onSubmit={run}>
        <header>
          <h2 id="action-title">{action.title}</h2>
          <button type="button" class="plain" aria-label="Close" onClick={close}>✕</button>
        </header>
        <p>{action.explain}</p>
        {field !== undefined && (
          <label class="field">
            <span>{field.label}</span>
            <input type="number" value={value} min={field.min} step={field.step ?? 1} autofocus required onInput={(event) => setValue(event.currentTarget.value)} />
          </label>
        )}
        {asksText !== undefined && (
          <label class="field">
            <span>{asksText.label}</span>
            <input type="text" value={text} autofocus required={asksText.optional !== true} spellcheck={false} aria-describedby="text-fault" onInput={(event) => setText(event.currentTarget.value)} />
            <small id="text-fault" class="muted">{text === "" ? "" : textFault}</small>
          </label>
        )}
        <Trouble outcome={outcome} />
        <details class="more">
          <summary>As a command</summary>
          <Commands commands={[cliOf(action, number, locked, text), curlOf(request)].filter((each) => each !== null)} />
        </details>
        <footer>
          <button type="button" onClick={close}>Keep things as they are</button>
          <button type="submit" class={action.danger || locked ? "danger" : "primary"} disabled={!fit || busy}>
            {locked ? `${action.button}, and cancel ${outcome.deployments.length === 1 ? "that deployment" : "those deployments"}` : action.button}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

/** Why something was not done, with a way on where there is one. */
export function Trouble({ outcome }: { outcome: Outcome | null }) {
  if (outcome === null || outcome.kind === "done") return null;
  if (outcome.kind === "locked") {
    return (
      <div class="trouble" role="alert">
        <p><b>Not done:</b> another deployment is working on this.</p>
        <ul>{outcome.deployments.map((id) => <li key={id}><a href={hashOf(["deployments"], { q: id })}>{middle(id, 20)}</a></li>)}</ul>
      </div>
    );
  }
  return (
    <div class="trouble" role="alert">
      <p><b>Not done:</b> {outcome.message}</p>
      {outcome.faults.length > 0 && (
        <ul>{outcome.faults.map((fault) => <li key={fault.path}><code>{fault.path}</code> {fault.errors.join("; ")}</li>)}</ul>
      )}
    </div>
  );
}
