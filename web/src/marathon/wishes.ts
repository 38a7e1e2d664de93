import * as diff from "../framework/diff";

/** Keys that say when and how much, not what; they differ between any two versions. */
export const SHOWN_ONLY: ReadonlySet<string> = new Set([
  "version", "versionInfo", "tasks", "tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy", "deployments",
  "lastTaskFailure", "readinessCheckResults", "taskStats", "tasksStats",
]);

type Json = Record<string, unknown>;

export const differences = (before: Json, after: Json): diff.Difference[] => diff.differences(before, after, SHOWN_ONLY);
export const wishOf = (document: Json): Json => diff.wishOf(document, SHOWN_ONLY);
