import { useEffect, useState } from "preact/hooks";
import type { Framework } from "../home";
import { call, type Outcome } from "./api";

export interface Answer<T> {
  readonly value: T | null;
  readonly outcome: Outcome<T> | null;
}

export const useMarathon = <T>(path: string, turn: unknown = 0): Answer<T> => useAnswer<T>("marathon", path, turn);
export const useChronos = <T>(path: string, turn: unknown = 0): Answer<T> => useAnswer<T>("chronos", path, turn);

/** A question to a framework's API, asked anew whenever the path or `turn` changes; the old answer stays meanwhile. */
function useAnswer<T>(to: Framework, path: string, turn: unknown): Answer<T> {
  const [state, setState] = useState<{ path: string; value: T | null; outcome: Outcome<T> | null }>({ path, value: null, outcome: null });
  useEffect(() => {
    const ending = new AbortController();
    call<T>({ method: "GET", path, to }, ending.signal).then(
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
