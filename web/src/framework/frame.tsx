import type { ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { clock } from "../format";
import { standalone } from "../home";
import { Tabs } from "../parts/bits";
import { hashOf } from "../router";
import { ActionDialog } from "./dialog";
import type { Presence } from "./presence";

/** One of a framework's pages, as the line of ways to them names it. */
export interface Way {
  readonly word: string;
  readonly path: string;
}

export interface FrameProps {
  /** As people call it: `Marathon`. */
  readonly name: string;
  /** What goes on while it does not answer. */
  readonly things: string;
  readonly ways: readonly Way[];
  readonly here: string;
  readonly presence: ReadonlySignal<Presence>;
  start(): void;
  absent(name: string): ComponentChildren;
  readonly children: ComponentChildren;
}

/** What all pages of a framework have: the ways between them, the one dialog, and what to say when there is none. */
export function Frame({ name, things, ways, here, presence, start, absent, children }: FrameProps) {
  useEffect(start, []);
  const now = presence.value;
  if (now.kind === "absent") return <div class="empty">{absent(now.name)}</div>;
  return (
    <>
      {!standalone && (
        <Tabs
          label={name} names={ways.map(({ word }) => word)} chosen={ways.find(({ path }) => path === here)?.word ?? ""}
          href={(word) => hashOf([ways.find((way) => way.word === word)?.path ?? ""])}
        />
      )}
      {now.kind === "lost" && (
        <p class="old-data">
          <span>{name} does not answer{now.dataAsOf === null ? "." : `: this is as of ${clock(now.dataAsOf)}.`} {things} go on running; nothing can be changed until it is back.</span>
        </p>
      )}
      {children}
      <ActionDialog />
    </>
  );
}
