import { home, standalone } from "../home";
import { lazy } from "../shell/lazy";
import { AgentPage } from "./agent";
import { AGENTS } from "./agents";
import { EVENTS } from "./events";
import { FrameworkPage } from "./framework";
import { FRAMEWORKS } from "./frameworks";
import { ListPage } from "./list";
import { OFFERS } from "./offers";
import { Overview } from "./overview";
import type { Page } from "./page";
import { TaskPage } from "./task";
import { TASKS } from "./tasks";

const pages = () => import("../marathon/chunk");
const APPS_ICON = "M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM14 11v6M11 14h6";

/** Marathon's pages; a Marathon that serves this page itself has only these. */
const MARATHON_PAGES: readonly Page[] = [
  { path: "apps", label: "Apps", key: "a", icon: APPS_ICON, list: lazy(async () => (await pages()).AppsPage), detail: lazy(async () => (await pages()).AppPage) },
  { path: "deployments", label: "Deployments", key: "d", icon: "M4 10h9M9 5l5 5-5 5M17 4v12", list: lazy(async () => (await pages()).DeploymentsPage), hidden: !standalone },
  { path: "queue", label: "Queue", key: "q", icon: "M10 3a7 7 0 1 0 .1 0M10 6v4l3 2", list: lazy(async () => (await pages()).QueuePage), hidden: !standalone },
  { path: "mevents", label: "Events", key: standalone ? "e" : "m", icon: "M2 10h4l2-6 4 12 2-6h4", list: lazy(async () => (await pages()).MarathonEventsPage), hidden: !standalone },
  { path: "edit", label: "Create an app", key: "c", icon: "", list: lazy(async () => (await import("../marathon/edit")).EditPage), detail: lazy(async () => (await import("../marathon/edit")).EditPage), hidden: true },
];

const jobPages = () => import("../chronos/chunk");

/** Chronos' pages, likewise. */
const CHRONOS_PAGES: readonly Page[] = [
  { path: "jobs", label: "Jobs", key: "j", icon: "M10 3a7 7 0 1 0 .1 0M10 6v4l3 2M3 2 1.5 4M17 2l1.5 2", list: lazy(async () => (await jobPages()).JobsPage), detail: lazy(async () => (await jobPages()).JobPage) },
  { path: "runs", label: "Runs", key: "u", icon: "M5 3l11 7-11 7z", list: lazy(async () => (await jobPages()).RunsPage), hidden: !standalone },
  { path: "schedule", label: "Schedule", key: "s", icon: "M3 4h14v13H3zM3 8h14M7 2v4M13 2v4M6 11h3M11 14h3", list: lazy(async () => (await jobPages()).SchedulePage), hidden: !standalone },
  { path: "jevents", label: "Events", key: standalone ? "e" : "h", icon: "M2 10h4l2-6 4 12 2-6h4", list: lazy(async () => (await jobPages()).ChronosEventsPage), hidden: !standalone },
  { path: "job-edit", label: "Create a job", key: standalone ? "c" : "b", icon: "", list: lazy(async () => (await import("../chronos/edit")).JobEditPage), detail: lazy(async () => (await import("../chronos/edit")).JobEditPage), hidden: true },
];

/** The navigation of a master, in its order. A new page is a new line here. */
const MASTER_PAGES: readonly Page[] = [
  { path: "", label: "Overview", key: "o", icon: "M3 3h6v8H3zM11 3h6v5h-6zM11 10h6v7h-6zM3 13h6v4H3z", list: Overview },
  ...MARATHON_PAGES,
  ...CHRONOS_PAGES,
  { path: "tasks", label: "Tasks", key: "t", icon: "M3 5h2M8 5h9M3 10h2M8 10h9M3 15h2M8 15h9", list: () => <ListPage spec={TASKS} title="Tasks" />, detail: TaskPage },
  { path: "agents", label: "Agents", key: "n", icon: "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.1M6 13.5h.1", list: () => <ListPage spec={AGENTS} title="Agents" />, detail: AgentPage },
  { path: "frameworks", label: "Frameworks", key: "f", icon: "M10 2.5 17 6v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8", list: () => <ListPage spec={FRAMEWORKS} title="Frameworks" />, detail: FrameworkPage },
  { path: "offers", label: "Offers", key: "r", icon: "M3 10 10 3h7v7l-7 7zM13.5 6.5h.1", list: () => <ListPage spec={OFFERS} title="Offers" /> },
  { path: "events", label: "Events", key: "e", icon: "M2 10h4l2-6 4 12 2-6h4", list: () => <ListPage spec={EVENTS} title="Events" /> },
];

export const PAGES: readonly Page[] = { master: MASTER_PAGES, marathon: MARATHON_PAGES, chronos: CHRONOS_PAGES }[home];

export function pageAt(path: string): Page | undefined {
  return PAGES.find((page) => page.path === (path === "" && standalone ? PAGES[0]?.path : path));
}
