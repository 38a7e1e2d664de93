import { type Signal, signal } from "@preact/signals";
import type { Row } from "./live/frames";
import { middle } from "./format";
import { live } from "./state";

/** Names of agents and frameworks by id, kept while the tables change. */

const frameworks = signal<ReadonlyMap<string, string>>(new Map());
const agents = signal<ReadonlyMap<string, string>>(new Map());

/** Several agents on one host are told apart by their ports. */
export function agentNames(rows: Iterable<Row>): Map<string, string> {
  const all = [...rows];
  const hosts = new Map<string, number>();
  for (const row of all) hosts.set(String(row.hostname), (hosts.get(String(row.hostname)) ?? 0) + 1);
  return new Map(
    all.map((row) => {
      const host = String(row.hostname);
      const port = /:\d+$/.exec(String(row.address ?? ""))?.[0] ?? "";
      return [String(row.id), (hosts.get(host) ?? 0) > 1 ? host + port : host];
    }),
  );
}

/** Replaces the names only if one differs: use of resources changes far more often. */
function renew(names: Signal<ReadonlyMap<string, string>>, next: ReadonlyMap<string, string>): void {
  const old = names.peek();
  if (old.size === next.size && [...next].every(([id, name]) => old.get(id) === name)) return;
  names.value = next;
}

export function startNames(): void {
  live.listen("agents", () => renew(agents, agentNames(live.table("agents").rows.values())));
  live.listen("frameworks", () => {
    const rows = [...live.table("frameworks").rows.values()];
    renew(frameworks, new Map(rows.map((row) => [String(row.id), String(row.name)])));
  });
}

export function frameworkName(id: unknown): string {
  return frameworks.value.get(String(id)) ?? middle(String(id ?? ""), 14);
}

export function agentName(id: unknown, hostname?: unknown): string {
  return agents.value.get(String(id)) ?? String(hostname || middle(String(id ?? ""), 14));
}
