import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { bytes } from "../format";
import { address } from "../live/browser";
import { memo } from "../table/memo";
import { placesOf, Tail } from "./tail";

const POLL_MS = 1_000;
const POLL_HIDDEN_MS = 5_000;

function filesAddress(agentId: string, what: string, query: Record<string, string>): string {
  return address(`api/v1/agents/${encodeURIComponent(agentId)}/files/${what}?${new URLSearchParams(query)}`);
}

async function readPart(agentId: string, path: string, offset: number, length: number) {
  const query = { path, offset: String(offset), ...(offset >= 0 ? { length: String(length) } : {}) };
  const response = await fetch(filesAddress(agentId, "read", query));
  if (response.status === 404) throw new Error("The agent has no such file (yet).");
  if (!response.ok) throw new Error(`The agent's files cannot be read now (${response.status}).`);
  return (await response.json()) as { data: string; offset: number };
}

/** Polls the file while it is shown; slower when the page is hidden or the agent does not answer. */
function useTail(agentId: string, path: string): { tail: Tail; fault: string; draw: () => void } {
  const [, turn] = useReducer((count: number) => count + 1, 0);
  const [fault, setFault] = useState("");
  const tail = useMemo(
    () => new Tail((offset, length) => readPart(agentId, path, offset, length)),
    [agentId, path],
  );
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let ended = false;
    const poll = async (): Promise<void> => {
      let wait = document.hidden ? POLL_HIDDEN_MS : POLL_MS;
      try {
        const changed = await tail.step();
        if (ended) return;
        if (tail.behind) wait = 0;
        setFault("");
        if (changed) turn(0);
      } catch (error) {
        if (ended) return;
        setFault(error instanceof Error ? error.message : String(error));
        wait = POLL_HIDDEN_MS;
      }
      timer = setTimeout(poll, wait);
    };
    void poll();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [tail]);
  return { tail, fault, draw: () => turn(0) };
}

export function LogView({ agentId, path, ended }: { agentId: string; path: string; ended: boolean }) {
  const { tail, fault, draw } = useTail(agentId, path);
  const [follows, follow] = useState(true);
  const [wraps, wrap] = useState(true);
  const [word, look] = useState("");
  const [found, setFound] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const end = tail.end;

  useLayoutEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [end, follows, wraps]);
  const marks = (): HTMLElement[] => [...(box.current?.querySelectorAll("mark") ?? [])];
  const step = (by: number): void => {
    const all = marks();
    if (all.length === 0) return;
    const next = (found + by + all.length) % all.length;
    for (const mark of all) mark.classList.toggle("here", mark === all[next]);
    follow(false);
    all[next]?.scrollIntoView({ block: "center" });
    setFound(next);
  };
  const onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = box.current as HTMLDivElement;
    follow(scrollHeight - scrollTop - clientHeight < 24);
  };
  const count = useMemo(
    () => tail.pieces.reduce((sum, piece) => sum + placesOf(piece, word).length, 0),
    [word, end, tail.begin],
  );
  return (
    <div class="log">
      <div class="log-bar">
        <label class="search">
          <span class="unseen">Search in the log</span>
          <input
            type="search"
            data-search
            placeholder="Search in what is loaded"
            value={word}
            onInput={(event) => {
              look(event.currentTarget.value);
              setFound(-1);
            }}
            onKeyDown={(event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1)}
          />
        </label>
        {word !== "" && <span class="muted" role="status">{count === 0 ? "not found" : `${found + 1} of ${count}`}</span>}
        {word !== "" && <button type="button" aria-label="Previous" onClick={() => step(-1)}>↑</button>}
        {word !== "" && <button type="button" aria-label="Next" onClick={() => step(1)}>↓</button>}
        <span class="spring" />
        <button type="button" aria-pressed={follows} onClick={() => follow(!follows)}>Follow</button>
        <button type="button" aria-pressed={wraps} onClick={() => wrap(!wraps)}>Wrap</button>
        <a class="button" href={filesAddress(agentId, "download", { path })} download>Download</a>
        <span class="muted">{bytes(tail.size)}</span>
      </div>
      {fault !== "" && <p class="fault" role="status">{fault} Trying again every 5 s.</p>}
      <div class={`log-text${wraps ? " wraps" : ""}`} ref={box} tabIndex={0} role="log" aria-live="off" aria-label={path} onScroll={onScroll}>
        {tail.begin > 0 && (
          <button type="button" class="earlier" onClick={() => tail.earlier().then(draw, draw)}>
            Load earlier output ({bytes(tail.begin)} more)
          </button>
        )}
        {tail.restarted && <p class="muted">The file was truncated or replaced; this is its new text.</p>}
        {tail.size === 0 && fault === "" && <p class="empty">{ended ? "Nothing was written." : "Nothing written yet."}</p>}
        {tail.pieces.map((piece, at) => (
          <Piece key={tail.pieces.length - at === 1 ? "last" : `${at}-${tail.begin}`} text={piece} word={word} />
        ))}
      </div>
    </div>
  );
}

/** Text nodes only: what a task writes is never taken for markup. */
const Piece = memo(
  ({ text, word }: { text: string; word: string }) => {
    const places = placesOf(text, word);
    if (places.length === 0) return <pre>{text}</pre>;
    const parts = [];
    let at = 0;
    for (const place of places) {
      parts.push(text.slice(at, place), <mark key={place}>{text.slice(place, place + word.length)}</mark>);
      at = place + word.length;
    }
    return <pre>{parts}{text.slice(at)}</pre>;
  },
  (old, next) => old.text === next.text && old.word === next.word,
);
