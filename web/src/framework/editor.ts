import { useEffect, useState } from "preact/hooks";
import type { Outcome } from "./api";
import { type Json, parseDocument } from "./document";

/** Documents here are those of a framework. */
const page = globalThis.document;

export interface Editor {
  readonly document: Json;
  /** The JSON as it was typed, which need not be JSON yet. */
  readonly source: string;
  /** What is wrong with it; empty for nothing. */
  readonly fault: string;
  readonly outcome: Outcome | null;
  setOutcome(outcome: Outcome | null): void;
  setDirty(dirty: boolean): void;
  fromForm(document: Json): void;
  fromJson(text: string): void;
}

/** A document as form and JSON: either may be typed in, and the other follows. */
export function useEditor(start: Json, settled: () => void = () => {}): Editor {
  const [document, setDocument] = useState<Json>(start);
  const [source, setSource] = useState(() => JSON.stringify(start, null, 2));
  const [fault, setFault] = useState("");
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [dirty, setDirty] = useState(false);
  useWarning(dirty);
  useEffect(() => {
    if (outcome?.kind === "refused") page.querySelector<HTMLElement>(".editor .wrong :is(input, textarea, select)")?.focus();
  }, [outcome]);
  const settle = (next: Json): void => {
    setDocument(next);
    setDirty(true);
    setOutcome(null);
    settled();
  };
  return {
    document, source, fault, outcome, setOutcome, setDirty,
    fromForm(next) {
      settle(next);
      setSource(JSON.stringify(next, null, 2));
      setFault("");
    },
    fromJson(text) {
      setSource(text);
      const parsed = parseDocument(text);
      if ("fault" in parsed) return setFault(parsed.fault);
      setFault("");
      settle(parsed.document);
    },
  };
}

/** A page that is closed by mistake takes what was typed with it. */
function useWarning(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [dirty]);
}
