/** Everything of Marathon that is loaded only when somebody opens one of its pages. */
import "../framework/style.css";

export { AppPage } from "./app";
export { AppsPage } from "./apps";
export { DeploymentsPage } from "./deployments";
export { MarathonEventsPage } from "./events";
export { QueuePage } from "./queuepage";
