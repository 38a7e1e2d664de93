import { address } from "../live/browser";
import type { Command } from "../parts/bits";
import { placeOf, type Request } from "./api";

/** What can be done, as values: the words of its dialog and the request that does it. */
export interface Action {
  readonly title: string;
  /** Names the deed: never "OK". */
  readonly button: string;
  readonly explain: string;
  readonly danger?: boolean;
  /** A number that is asked for. */
  readonly field?: { readonly label: string; readonly value: number; readonly min: number; readonly step?: number };
  /** A text that is asked for, and what is wrong with it (empty: nothing). */
  readonly text?: { readonly label: string; readonly optional?: boolean; fault(text: string): string };
  request(value: number, text: string): Request;
  /** What comes after `mesostw app`, or another noun; the few deeds without it have a request only. */
  cli?(value: number, text: string): readonly string[];
  readonly noun?: string;
  /** What is said when it is done. */
  readonly done: string;
  /** Where to go then. */
  readonly then?: readonly string[];
}

/** A word for a shell, quoted when it needs to be. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The same by the command line, ready to be copied. */
export function cliOf(action: Action, value: number, force: boolean, text = ""): Command | null {
  const words = action.cli?.(value, text);
  if (words === undefined) return null;
  return { label: "The same by the command line", text: ["mesostw", action.noun ?? "app", ...words.map(quoted), ...(force ? ["--force"] : [])].join(" ") };
}

/** The same by a shell. */
export function curlOf(request: Request): Command {
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`).join("");
  const body = request.body === undefined ? "" : ` -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(request.body))}`;
  const method = request.method === "GET" ? "" : ` -X ${request.method}`;
  return { label: "The same by a shell", text: `curl -s${method}${headers} ${quoted(address(placeOf(request)))}${body}` };
}
