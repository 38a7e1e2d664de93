import { baseOf, type Framework } from "../home";
import { address } from "../live/browser";

/** The REST APIs of frameworks, as this page uses them. */

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Marathon, if nobody else is named. */
  readonly to?: Framework;
  /** Below the framework's root, such as `v2/apps/shop/db`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is wrong at one place of a document: `/constraints(0)`; `/` is all of it. */
export interface Fault {
  readonly path: string;
  readonly errors: readonly string[];
}

export type Outcome<T = unknown> =
  | { kind: "done"; value: T }
  /** Deployments are in the way; the same with force cancels them. */
  | { kind: "locked"; message: string; deployments: readonly string[] }
  | { kind: "refused"; status: number; message: string; faults: readonly Fault[] };

export function pathOf(request: Request): string {
  const query = new URLSearchParams(request.query ?? {}).toString();
  return request.path + (query === "" ? "" : `?${query}`);
}

/** Where a request goes, relative to the page. */
export function placeOf(request: Request): string {
  return baseOf(request.to ?? "marathon") + pathOf(request);
}

export function forced(request: Request): Request {
  return { ...request, query: { ...request.query, force: "true" } };
}

/** An app's or group's id in a path: its slashes stay, all else is escaped. */
export function idPath(id: string): string {
  return id.split("/").filter(Boolean).map(encodeURIComponent).join("/");
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function faultsOf(details: unknown): Fault[] {
  if (typeof details === "string") return [{ path: "/", errors: [details] }];
  if (!Array.isArray(details)) return [];
  return details.map(asObject).map((each) => ({
    path: String(each.path ?? "/"),
    errors: Array.isArray(each.errors) ? each.errors.map(String) : [],
  }));
}

const PLAIN: Readonly<Record<number, string>> = {
  401: "wants you to sign in",
  502: "does not answer",
  503: "is not ready; try again in a moment",
  504: "did not answer in time",
};
const NAMES: Readonly<Record<Framework, string>> = { marathon: "Marathon", chronos: "Chronos" };

function plainWords(status: number, text: string, to: Framework): string {
  if (status === 403) return "you are not allowed to do that";
  const words = PLAIN[status];
  return words === undefined ? text.slice(0, 200) || `answer ${status}` : `${NAMES[to]} ${words}`;
}

/** An answer in terms of what a person can do about it. */
export function outcomeOf<T>(status: number, text: string, to: Framework = "marathon"): Outcome<T> {
  let value: unknown = null;
  try {
    value = text === "" ? null : JSON.parse(text);
  } catch {
    value = null;
  }
  if (status >= 200 && status < 300) return { kind: "done", value: value as T };
  const { message, deployments, details, faults } = asObject(value);
  const words = typeof message === "string" ? message : plainWords(status, text, to);
  if (status === 409 && Array.isArray(deployments)) {
    const ids = deployments.map((each) => String(asObject(each).id ?? each));
    return { kind: "locked", message: words, deployments: ids };
  }
  return { kind: "refused", status, message: words, faults: faultsOf(details ?? faults) };
}

export async function call<T = unknown>(request: Request, signal?: AbortSignal): Promise<Outcome<T>> {
  const body = request.body === undefined ? null : JSON.stringify(request.body);
  const headers: Record<string, string> = { ...(body === null ? {} : { "Content-Type": "application/json" }), ...request.headers };
  try {
    const answer = await fetch(address(placeOf(request)), {
      method: request.method, body, headers, ...(signal === undefined ? {} : { signal }),
    });
    return outcomeOf<T>(answer.status, await answer.text(), request.to);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    return { kind: "refused", status: 0, message: "no answer: the connection broke", faults: [] };
  }
}
