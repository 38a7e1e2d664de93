import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Glyph, Look } from "../states";

/** Drawn, not typed: fonts differ. Each on a 12 by 12 field in the colour of the text. */
const SHAPES: Readonly<Record<Glyph, ComponentChildren>> = {
  full: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  ring: <circle cx="6" cy="6" r="3.8" fill="none" stroke="currentColor" stroke-width="1.8" />,
  up: <path d="M6 1.2 11.2 10.6H.8Z" fill="currentColor" />,
  quarter: <Clock part="M6 6V1.5A4.5 4.5 0 0 1 10.5 6Z" />,
  half: <Clock part="M6 1.5a4.5 4.5 0 0 1 0 9Z" />,
  lower: <Clock part="M1.5 6a4.5 4.5 0 0 0 9 0Z" />,
  check: <path d="M1.8 6.4 4.8 9.3 10.3 2.9" {...stroke(1.9)} />,
  square: <rect x="2" y="2" width="8" height="8" rx="1" fill="currentColor" />,
  cross: <path d="m2.2 2.2 7.6 7.6m0-7.6-7.6 7.6" {...stroke(2.1)} />,
  alarm: <path d="M3.7 1.5v5.6m0 2.1v1.5M8.3 1.5v5.6m0 2.1v1.5" {...stroke(2)} />,
  question: <path d="M3.3 3.9a2.7 2.5 0 1 1 4.3 2.1C6.5 6.8 6 7.2 6 8.1m0 1.7v1.1" {...stroke(1.7)} />,
  drop: <path d="M6 1v6.3M3 4.6l3 3 3-3M2 10.6h8" {...stroke(1.7)} />,
  wave: <path d="M.8 7.5c1.3-4.2 3.4-4.2 5.2-1.5s3.9 2.7 5.2-1.5" {...stroke(1.9)} />,
  empty: <path d="M6 1.7a4.3 4.3 0 1 0 0 8.6 4.3 4.3 0 0 0 0-8.6ZM2 10 10 2" {...stroke(1.5)} />,
};

function stroke(width: number) {
  return { fill: "none", stroke: "currentColor", "stroke-width": width, "stroke-linecap": "round" as const };
}

function Clock({ part }: { part: string }) {
  return (
    <g>
      <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.3" />
      <path d={part} fill="currentColor" />
    </g>
  );
}

export function Mark({ look }: { look: Look }) {
  return (
    <svg class={`mark tone-${look.tone}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {SHAPES[look.glyph]}
    </svg>
  );
}

/** Glyph, tone and word together: never colour alone. */
export function State({ look }: { look: Look }) {
  const before = useRef(look.word);
  const changed = before.current !== look.word;
  useEffect(() => {
    before.current = look.word;
  });
  // A new element for a new word: its short flash begins anew.
  return (
    <span
      key={look.word}
      class={`state tone-${look.tone}${look.hatched ? " hatched" : ""}${changed ? " flash" : ""}`}
    >
      <Mark look={look} />
      <span class="word">{look.word}</span>
    </span>
  );
}
