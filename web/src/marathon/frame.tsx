import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { clock, number } from "../format";
import { standalone } from "../home";
import { Tabs } from "../parts/bits";
import { hashOf } from "../router";
import { followMarathon } from "../state";
import { ActionDialog, Said } from "./dialog";
import { presence, startMarathon } from "./presence";

const PLACES: Readonly<Record<string, string>> = { Apps: "apps", Deployments: "deployments", Queue: "queue", Events: "mevents" };

/** What all pages of Marathon have: the ways between them, the one dialog, and what to say when there is none. */
export function MarathonFrame({ here, children }: { here: string; children: ComponentChildren }) {
  useEffect(startMarathon, []);
  const now = presence.value;
  if (now.kind === "absent") return <Absent name={now.name} />;
  return (
    <>
      {!standalone && <Ways here={here} />}
      {now.kind === "lost" && (
        <p class="old-data">
          <span>Marathon does not answer{now.dataAsOf === null ? "." : `: this is as of ${clock(now.dataAsOf)}.`} Its apps go on running; nothing can be changed until it is back.</span>
        </p>
      )}
      <Said />
      {children}
      <ActionDialog />
    </>
  );
}

function Ways({ here }: { here: string }) {
  const row = followMarathon("marathon").only ?? {};
  const counts: Readonly<Record<string, unknown>> = { Deployments: row.deployments, Queue: row.waiting };
  const words = Object.keys(PLACES).map((name) => (Number(counts[name]) > 0 ? `${name} ${number(counts[name])}` : name));
  const nameOf = (word: string): string => Object.keys(PLACES).find((name) => word.startsWith(name)) as string;
  return (
    <Tabs
      label="Marathon" names={words} chosen={words.find((word) => PLACES[nameOf(word)] === here) ?? ""}
      href={(word) => hashOf([PLACES[nameOf(word)] as string])}
    />
  );
}

function Absent({ name }: { name: string }) {
  if (name === "") {
    return (
      <div class="empty">
        <h1>Apps are not shown here</h1>
        <p>This master was started with <code>--framework_door=</code> and leads to no framework. Marathon shows its apps at its own <code>/ui/</code>.</p>
      </div>
    );
  }
  return (
    <div class="empty">
      <h1>No Marathon here</h1>
      <p>
        Apps are run by Marathon, and no framework named <code>{name}</code> is connected to this master. Start one with{" "}
        <code>twistd marathon --work_dir=DIR --master=HOST:5050</code>; this page shows it as soon as it has registered.
      </p>
      <p><a href="#/frameworks">All frameworks</a></p>
    </div>
  );
}
