import { call, idPath, type Outcome, type Request } from "../framework/api";
import { wishOf } from "./wishes";
import type { Json } from "../framework/document";
import { actionWord } from "./progress";
import { parentOf } from "./tree";

/** The steps that a change would have. */
export interface DryRun {
  readonly steps: readonly { readonly actions: readonly { readonly action: string; readonly app?: string }[] }[];
}

interface Group {
  readonly apps?: readonly Json[];
}

/**
 * Only groups can be asked what they would do. The app's group is asked with its other apps as they
 * are; groups below are left out of the question and stay out of the plan.
 */
export function previewRequest(group: string, siblings: readonly Json[], document: Json): Request {
  const others = siblings.filter((each) => each.id !== document.id).map(wishOf);
  const path = group === "/" ? "v2/groups" : `v2/groups/${idPath(group)}`;
  return { method: "PUT", path, query: { dryRun: "true" }, body: { apps: [...others, document] } };
}

function absolute(id: string): string {
  return id.startsWith("/") ? id : `/${id}`;
}

export async function dryRunOf(group: string, document: Json, before: Json | null): Promise<{ plan: DryRun } | { outcome: Outcome }> {
  const id = absolute(String((before ?? document).id ?? ""));
  const parent = id.length > 1 && !id.endsWith("/") ? parentOf(id) : group;
  const path = parent === "/" ? "v2/groups" : `v2/groups/${idPath(parent)}`;
  const there = await call<Group>({ method: "GET", path, query: { embed: "group.apps", extensions: "true" } });
  const missing = there.kind === "refused" && there.status === 404;
  if (there.kind !== "done" && !missing) return { outcome: there };
  const siblings = there.kind === "done" ? (there.value.apps ?? []) : [];
  const answer = await call<DryRun>(previewRequest(parent, siblings, { ...document, id }));
  return answer.kind === "done" ? { plan: answer.value } : { outcome: answer };
}

/** Each step as a sentence. */
export function planWords(plan: DryRun): string[] {
  return plan.steps
    .map(({ actions }) => actions.map(({ action, app }) => `${actionWord(action)} ${app ?? ""}`).join(", "))
    .filter((words) => words !== "");
}
