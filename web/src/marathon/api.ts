import { marathonBase } from "../home";
import { address } from "../live/browser";

/** Marathon's REST API, as this page uses it. */

export interface Request {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below Marathon's root, such as `v2/apps/shop/db`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
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
  401: "Marathon wants you to sign in",
  403: "you are not allowed to do that",
  502: "Marathon does not answer",
  503: "Marathon is not ready; try again in a moment",
  504: "Marathon did not answer in time",
};

/** An answer in terms of what a person can do about it. */
export function outcomeOf<T>(status: number, text: string): Outcome<T> {
  let value: unknown = null;
  try {
    value = text === "" ? null : JSON.parse(text);
  } catch {
    value = null;
  }
  if (status >= 200 && status < 300) return { kind: "done", value: value as T };
  const { message, deployments, details } = asObject(value);
  const words = typeof message === "string" ? message : (PLAIN[status] ?? (text.slice(0, 200) || `answer ${status}`));
  if (status === 409 && Array.isArray(deployments)) {
    const ids = deployments.map((each) => String(asObject(each).id ?? each));
    return { kind: "locked", message: words, deployments: ids };
  }
  return { kind: "refused", status, message: words, faults: faultsOf(details) };
}

export async function call<T = unknown>(request: Request, signal?: AbortSignal): Promise<Outcome<T>> {
  const body = request.body === undefined ? null : JSON.stringify(request.body);
  const headers: Record<string, string> = body === null ? {} : { "Content-Type": "application/json" };
  try {
    const answer = await fetch(address(marathonBase + pathOf(request)), {
      method: request.method, body, headers, ...(signal === undefined ? {} : { signal }),
    });
    return outcomeOf<T>(answer.status, await answer.text());
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    return { kind: "refused", status: 0, message: "no answer: the connection broke", faults: [] };
  }
}
