import { signal } from "@preact/signals";
import { home, standalone } from "../home";
import { hashOf } from "../router";
import { call } from "./api";

/** Where the master's dashboard is: here, or where Marathon says; null while it is not known. */
const masterPage = signal<string | null>(standalone ? null : "");

interface Info {
  readonly marathon_config?: { readonly mesos_leader_ui_url?: string };
}

/** An address that may be linked to; anything else would be a script's. */
export function webAddress(text: unknown): string | null {
  if (typeof text !== "string" || !/^https?:\/\//.test(text)) return null;
  return text.replace(/\/*$/, "/");
}

if (home === "marathon") {
  void call<Info>({ method: "GET", path: "v2/info" }).then((outcome) => {
    if (outcome.kind === "done") masterPage.value = webAddress(outcome.value.marathon_config?.mesos_leader_ui_url);
  });
}

/** A place of the master's dashboard; null while nobody knows where that is. */
export function masterLink(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string | null {
  return masterPage.value === null ? null : masterPage.value + hashOf(parts, query);
}
