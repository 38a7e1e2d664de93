import { useMemo } from "preact/hooks";
import { number, plural, size } from "../format";
import type { Row } from "../live/frames";
import { hashOf, place, setQuery } from "../router";
import { marathon, nowS } from "../state";
import { toggled } from "../query/query";
import { Age } from "../parts/bits";
import { column, type Source, type TableSpec } from "../table/columns";
import { Grid } from "../table/grid";
import { actionsOf, createGroup, groupActionsOf } from "./actions";
import { AppStatus, HealthBar, Stepper } from "./cells";
import { ask } from "../framework/dialog";
import { MarathonFrame } from "./frame";
import { Buttons, Menu } from "../framework/menu";
import { healthWeight, statusOf } from "./status";
import { demand, groupsAbove, isBelow, parentOf, Tree, within } from "./tree";

let tree: Tree | null = null;

/** One tree for all pages: it follows the feed as long as the page lives. */
function source(): Source {
  tree ??= new Tree(marathon.table("apps"), marathon.table("groups"), (topic, listener) => marathon.listen(topic, listener));
  const found = tree;
  return { table: found, listen: (listener) => found.listen(listener), nowS: () => marathon.serverNow() / 1000 };
}

function flat(): boolean {
  return (place.value.query.q ?? "") !== "";
}

function Name({ row }: { row: Row }) {
  const id = String(row.id);
  const group = place.value.query.group ?? "/";
  if (row.folder === true) return <span class="folder"><Folder />{within(id, group)}/</span>;
  if (!flat()) return <>{within(id, group)}</>;
  return <>{id.slice(id.lastIndexOf("/") + 1)} <span class="muted">in {parentOf(id)}</span></>;
}

function Folder() {
  return <svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><path d="M1 2.5h3.5l1 1.5H11v6H1z" fill="currentColor" /></svg>;
}

function Labels({ row }: { row: Row }) {
  const labels = (row.labels ?? []) as readonly string[];
  return (
    <span class="labels">
      {labels.map((label) => (
        <button key={label} type="button" class="label" title={`Only apps with ${label}`} onClick={() => setQuery({ q: toggled(place.value.query.q ?? "", `label:${label.includes(" ") ? `"${label}"` : label}`) })}>{label}</button>
      ))}
    </span>
  );
}

const extraCount = (name: string, label: string) => column(name, label, "number", "9ch", { extra: true });

export const APPS: TableSpec = {
  topic: "apps",
  noun: "apps",
  source,
  first: (row) => row.folder === true,
  sort: "id",
  example: "status:waiting label:team:core unhealthy>0 cpu>2",
  empty: "Nothing is here yet. “Create app” makes the first one.",
  link: (row) => (row.folder === true ? ["apps"] : ["apps", String(row.id)]),
  query: (row) => (row.folder === true ? { group: String(row.id) } : {}),
  actions: (row) => <Buttons actions={row.folder === true ? groupActionsOf(row) : actionsOf(row, nowS.peek())} />,
  facets: [
    { label: "Running", term: "status:running" },
    { label: "Deploying", term: "status:deploying" },
    { label: "Waiting", term: "status:waiting,delayed" },
    { label: "Suspended", term: "status:suspended" },
    { label: "Unhealthy", term: "unhealthy>0" },
  ],
  columns: [
    column("id", "Name", "text", "minmax(20ch, 2fr)", { aliases: ["name", "app", "group"], narrow: true, cell: (row) => <Name row={row} /> }),
    column("status", "Status", "text", "15ch", {
      narrow: true,
      read: (row) => (row.folder === true ? (Number(row.deploying) > 0 ? "Deploying" : "") : statusOf(row, marathon.serverNow() / 1000)),
      cell: (row) => (row.folder === true ? <span class="muted">{Number(row.deploying) > 0 ? `${number(row.deploying)} deploying` : plural(Number(row.apps), "app")}</span> : <AppStatus row={row} />),
    }),
    column("health", "Health", "number", "minmax(12ch, 1fr)", { right: false, read: (row) => healthWeight(row), cell: (row) => <HealthBar row={row} /> }),
    column("running", "Running", "number", "16ch", {
      cell: (row) => (row.folder === true ? <>{number(row.running)}/{number(row.instances)}</> : <Stepper row={row} />),
    }),
    column("cpus", "CPU", "number", "8ch", { aliases: ["cpu"], read: (row) => demand(row, "cpus"), cell: (row) => number(demand(row, "cpus")) }),
    column("mem", "Memory", "size", "10ch", { read: (row) => demand(row, "mem"), cell: (row) => size(demand(row, "mem")) }),
    column("labels", "Labels", "text", "minmax(12ch, 1.5fr)", {
      aliases: ["label"], read: (row) => ((row.labels ?? []) as readonly string[]).join("\n"), cell: (row) => <Labels row={row} />,
    }),
    column("changed", "Changed", "age", "10ch", {
      read: (row) => seconds(row.version), cell: (row) => <Age at={seconds(row.version)} />,
    }),
    extraCount("instances", "Wished"), extraCount("healthy", "Healthy"), extraCount("unhealthy", "Unhealthy"),
    extraCount("unknown", "Unknown"), extraCount("staged", "Staged"), extraCount("waiting", "Waiting"),
    column("role", "Role", "text", "10ch", { extra: true }),
    column("ports", "Ports", "text", "12ch", { extra: true, read: (row) => ((row.ports ?? []) as readonly number[]).join(", ") }),
    column("failure", "Last failure", "text", "minmax(16ch, 1fr)", { extra: true }),
    column("menu", "Do", "text", "6ch", { tableOnly: true,
      narrow: true, read: () => null,
      cell: (row) => <Menu label={`Actions on ${row.id}`} actions={() => (row.folder === true ? groupActionsOf(row) : actionsOf(row, nowS.peek()))} />,
    }),
  ],
};

/** A version's moment in seconds; null for what has none. */
export function seconds(version: unknown): number | null {
  const at = typeof version === "string" ? Date.parse(version) : Number.NaN;
  return Number.isNaN(at) ? null : at / 1000;
}

/** Inside a group its groups count as rows, too. */
const TREE: TableSpec = { ...APPS, noun: "apps and groups" };

export function Crumbs({ group }: { group: string }) {
  const above = group === "/" ? [] : groupsAbove(group);
  return (
    <nav class="crumbs" aria-label="Groups">
      {above.map((each) => <span key={each}><a href={hashOf(["apps"], each === "/" ? {} : { group: each })}>{each === "/" ? "Apps" : each.slice(each.lastIndexOf("/") + 1)}</a> › </span>)}
      {group !== "/" && <span aria-current="page">{group.slice(group.lastIndexOf("/") + 1)}</span>}
    </nav>
  );
}

/** What a new group may be called, and what is wrong with a name that it may not. */
export function groupFault(name: string): string {
  if (name === "") return "A name is needed.";
  return /^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])$/.test(name)
    ? "" : "Lower-case letters, digits, dots and dashes, and no dash at an end.";
}

function newGroup(group: string): void {
  ask({
    title: `Create a group in ${group}`, button: "Create group", done: "The group is there",
    explain: "Groups are made by their apps, too: an app /shop/db makes the group /shop.",
    text: { label: "Name", fault: groupFault },
    request: (_number, name) => createGroup(`${group === "/" ? "" : group}/${name}`),
  });
}

export function AppsPage() {
  const { group = "/" } = place.value.query;
  const all = flat();
  const scope = useMemo(
    () => (row: Row) => (all ? row.folder !== true && isBelow(String(row.id), group) : String(row.group) === group && row.id !== "/"),
    [group, all],
  );
  return (
    <MarathonFrame here="apps">
      <div class="object-head">
        <h1>{group === "/" ? "Apps" : group}</h1>
        <span class="spring" />
        <button type="button" onClick={() => newGroup(group)}>Create group</button>
        <a class="button primary" href={hashOf(["edit"], group === "/" ? {} : { group })}>Create app</a>
      </div>
      <Crumbs group={group} />
      <Grid key="apps" spec={all ? APPS : TREE} scope={scope} />
    </MarathonFrame>
  );
}
