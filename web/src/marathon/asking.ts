import { useEffect, useState } from "preact/hooks";
import { call, type Outcome } from "./api";

/** A question to Marathon's API, asked anew whenever the path or `turn` changes; the old answer stays meanwhile. */
export function useMarathon<T>(path: string, turn: unknown = 0): { value: T | null; outcome: Outcome<T> | null } {
  const [state, setState] = useState<{ path: string; value: T | null; outcome: Outcome<T> | null }>({ path, value: null, outcome: null });
  useEffect(() => {
    const ending = new AbortController();
    call<T>({ method: "GET", path }, ending.signal).then(
      (outcome) => setState((old) => ({
        path, outcome, value: outcome.kind === "done" ? outcome.value : old.path === path ? old.value : null,
      })),
      () => {},
    );
    return () => ending.abort();
  }, [path, turn]);
  return state.path === path ? state : { value: null, outcome: null };
}

/** Counts up every so many milliseconds while the page can be seen: for what only the API can tell. */
export function useTurns(everyMs: number): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setTurn((old) => old + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return turn;
}
