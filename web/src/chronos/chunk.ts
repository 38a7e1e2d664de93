/** Everything of Chronos that is loaded only when somebody opens one of its pages. */

export { ChronosEventsPage } from "./events";
export { JobPage } from "./job";
export { JobsPage } from "./jobs";
export { RunsPage } from "./runs";
export { SchedulePage } from "./schedule";
