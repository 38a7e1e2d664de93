/** A made-up Marathon that lives beside the made-up cluster: apps, deployments that go on, launches that wait. */

const CONDITIONS = [
  "Provisioned", "Staging", "Starting", "Running", "Killing", "Unreachable", "UnreachableInactive",
  "Finished", "Failed", "Killed", "Error", "Gone", "Dropped", "Unknown",
];
export const MARATHON_ENUMS = { instances: { condition: CONDITIONS } };
const COUNTED = ["running", "healthy", "unhealthy", "unknown", "staged", "unreachable", "staying", "doomed"];

const APPS = [
  ["/shop/web/front", 12, { team: "shop", env: "prod" }, true], ["/shop/web/api", 8, { team: "shop", env: "prod", tier: "gold" }, true],
  ["/shop/db", 3, { team: "data", env: "prod" }, true], ["/shop/batch/mailer", 0, { team: "shop" }, false],
  ["/base/registry", 1, { team: "core" }, true], ["/base/metrics", 5, { team: "core", env: "prod" }, false],
  ["/etl/loader", 6, { team: "data" }, false], ["/etl/cleaner", 2, { team: "data", env: "dev" }, false],
  ["/ml/trainer", 4, { team: "ml" }, false], ["/proxy", 40, { team: "core", env: "prod" }, true],
];

const stamp = (seconds) => new Date(seconds * 1000).toISOString();
const parent = (id) => id.slice(0, Math.max(1, id.lastIndexOf("/")));
const error = (status, message, more = {}) => ({ status, body: { message, ...more } });

export class Marathon {
  constructor(board, cluster) {
    this.board = board;
    this.cluster = cluster;
    this.apps = new Map();
    this.instances = new Map();
    this.deployments = new Map();
    this.ends = new Map();
    this.versions = new Map();
    this.waiting = new Map();
    this.number = 0;
    this.events = 0;
    this.framework = [...cluster.frameworks.values()].find((one) => one.name === "marathon");
    const now = Date.now() / 1000;
    for (const [id, instances, labels, checked] of APPS) this.found(id, instances, labels, checked, now);
    this.scenery(now);
    this.publish();
  }

  found(id, instances, labels, checked, now) {
    const document = {
      id, cmd: `./serve --name ${id.slice(1)} --port $PORT0`, instances, cpus: 0.5, mem: 512, disk: 0, gpus: 0, labels,
      env: { LEVEL: "info" }, role: "*", portDefinitions: [{ port: 10_000 + this.apps.size, protocol: "tcp", name: "http" }],
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0.5 }, killSelection: "YOUNGEST_FIRST",
      ...(checked ? { healthChecks: [{ protocol: "MESOS_HTTP", path: "/health", portIndex: 0 }] } : {}),
    };
    const older = { ...document, mem: 256, env: { LEVEL: "debug", TRACE: "1" } };
    this.keep(id, older, now - 86_400 * 3);
    this.keep(id, document, now - 3_600 * (1 + this.apps.size));
    for (let at = 0; at < instances; at++) this.start(id, "Running", now - 3_000 - at);
  }

  keep(id, document, at) {
    const version = stamp(at);
    this.apps.set(id, { document, version, config: version, scaled: version });
    this.versions.set(id, [...(this.versions.get(id) ?? []), { version, document }]);
  }

  start(id, condition, now) {
    const agent = this.cluster.pick(this.cluster.agents);
    const name = `${id.slice(1).replaceAll("/", "_")}.instance-${(++this.number).toString(16).padStart(8, "0")}-6f1d-4c1e`;
    const app = this.apps.get(id);
    this.instances.set(name, {
      id: name, app_id: id, task_id: `${name}._app.1`, agent_id: agent.id, hostname: agent.hostname, ports: [31_000 + (this.number % 900)],
      addresses: [], condition, healthy: condition === "Running" && app.document.healthChecks ? true : null, ready: condition === "Running",
      failures: 0, cause: "", version: app.version, config: app.config, role: "*", since: now, staged_at: now - 2,
      started_at: condition === "Running" ? now : null, doom: "", region: "", zone: "",
    });
    return name;
  }

  scenery(now) {
    const of = (id) => [...this.instances.values()].filter((one) => one.app_id === id);
    of("/shop/web/api").slice(0, 2).forEach((one) => Object.assign(one, { healthy: false, failures: 4, cause: "HTTP 503 Service Unavailable" }));
    of("/ml/trainer").slice(0, 2).forEach((one) => this.instances.delete(one.id));
    this.waiting.set("/ml/trainer", { since: now - 240, delay_until: null });
    of("/etl/cleaner").forEach((one) => this.instances.delete(one.id));
    this.waiting.set("/etl/cleaner", { since: now - 90, delay_until: now + 3_600 });
    for (let at = 1; at <= 4; at++) {
      this.ended("/etl/cleaner", now - 90 * at, "TASK_FAILED", `Command exited with status ${at === 2 ? 137 : 1}`, at === 2 ? 137 : 1);
    }
    this.deploy("/proxy", "RestartApplication", 40, now - 620, { slow: true });
    const restarted = this.apps.get("/proxy");
    restarted.config = restarted.version = stamp(now - 620);
    this.versions.get("/proxy").push({ version: restarted.version, document: restarted.document });
    of("/proxy").slice(0, 14).forEach((one) => Object.assign(one, { config: restarted.config, version: restarted.version, since: now - 200 }));
    of("/proxy").slice(14, 17).forEach((one) => Object.assign(one, { doom: "upgrading" }));
  }

  ended(id, at, state, message, exit_status) {
    const taskId = `${id.slice(1).replaceAll("/", "_")}.instance-${Math.floor(at).toString(16)}._app.1`;
    const list = this.ends.get(id) ?? [];
    list.unshift({ taskId, appId: id, host: "n-017.dc1", state, message, reason: "REASON_COMMAND_EXECUTOR_FAILED", timestamp: stamp(at), startedAt: stamp(at - 14), exitStatus: exit_status, failure: true, version: this.apps.get(id)?.version });
    this.ends.set(id, list);
    this.event("instance_ended", [id], "", `${taskId} ended ${state}, exit status ${exit_status}: ${message}`, at);
  }

  deploy(id, action, target, now = Date.now() / 1000, more = {}) {
    const deployment = { id: crypto.randomUUID(), version: stamp(now), started: now, step: 0, plan: [[[action, id, target]]], apps: [id], done: [], paused: false, deadline: null, reverts: null, ...more };
    this.deployments.set(deployment.id, deployment);
    this.event("deployment_info", [id], deployment.id, `step 1 of 1 begins: ${action} ${id}`, now);
    return deployment;
  }

  lockOf(id) {
    return [...this.deployments.values()].find((one) => one.apps.includes(id));
  }

  event(kind, apps, deployment, text, at = Date.now() / 1000) {
    this.board.put("mevents", ++this.events, { at, kind, apps, deployment, text });
  }

  /** One step: what is staged runs, what is doomed goes, deployments get on. */
  step() {
    const now = Date.now() / 1000;
    for (const one of [...this.instances.values()]) {
      const slow = this.lockOf(one.app_id)?.slow;
      if (one.doom && !slow && now - one.since > 1) this.instances.delete(one.id);
      else if (one.condition === "Staging" && now - one.since > 1) {
        Object.assign(one, { condition: "Running", since: now, started_at: now, ready: true, healthy: this.apps.get(one.app_id)?.document.healthChecks ? true : null });
        this.event("instance_changed_event", [one.app_id], "", `${one.id} is Running on ${one.hostname}`, now);
      }
    }
    for (const deployment of [...this.deployments.values()]) if (!deployment.paused && !deployment.slow) this.advance(deployment, now);
    this.publish();
  }

  advance(deployment, now) {
    const [kind, id, target] = deployment.plan[0][0];
    const mine = [...this.instances.values()].filter((one) => one.app_id === id);
    const app = this.apps.get(id);
    const fresh = mine.filter((one) => !one.doom && (kind !== "RestartApplication" || one.config === app?.config));
    if (kind !== "StopApplication" && fresh.length < target && !this.waiting.has(id)) this.start(id, "Staging", now);
    const surplus = kind === "StopApplication" ? mine : fresh.length > target ? fresh.slice(target) : kind === "RestartApplication" && fresh.length >= target ? mine.filter((one) => one.config !== app?.config) : [];
    for (const one of surplus.slice(0, 2)) if (!one.doom) Object.assign(one, { doom: "scaled down", since: now });
    const settled = kind === "StopApplication" ? mine.length === 0 : fresh.length === target && mine.length === target && mine.every((one) => one.condition === "Running");
    if (settled) this.finish(deployment, "deployment_success", "the deployment is done");
  }

  finish(deployment, kind, text) {
    this.deployments.delete(deployment.id);
    this.board.put("deployments", deployment.id, null);
    this.event(kind, deployment.apps, deployment.id, text);
  }

  publish() {
    const seen = new Set();
    const total = Object.fromEntries(COUNTED.map((name) => [name, 0]));
    const counts = new Map([...this.apps.keys()].map((id) => [id, Object.fromEntries(COUNTED.map((name) => [name, 0]))]));
    for (const one of this.instances.values()) {
      this.board.put("instances", one.id, { ...one });
      seen.add(one.id);
      const places = [one.doom ? "doomed" : "staying", ...(one.condition === "Running" ? ["running", one.healthy === null ? "unknown" : one.healthy ? "healthy" : "unhealthy"] : ["staged"])];
      for (const place of places) {
        total[place]++;
        const mine = counts.get(one.app_id);
        if (mine) mine[place]++;
      }
    }
    for (const key of [...this.board.topic("instances").keys.keys()]) if (!seen.has(key)) this.board.put("instances", key, null);
    for (const one of this.deployments.values()) {
      const { slow, ...row } = one;
      this.board.put("deployments", one.id, { ...row, steps: one.plan.length });
    }
    for (const [id, app] of this.apps) this.board.put("apps", id, this.row(id, app, counts.get(id)));
    for (const key of [...this.board.topic("apps").keys.keys()]) if (!this.apps.has(key)) this.board.put("apps", key, null);
    for (const [id, wait] of this.waiting) {
      const count = this.missing(id);
      if (count <= 0) this.waiting.delete(id);
      else this.board.put("queue", id, { id, version: this.apps.get(id).version, role: "*", count, since: wait.since, delay_until: wait.delay_until });
    }
    for (const key of [...this.board.topic("queue").keys.keys()]) if (!this.waiting.has(key)) this.board.put("queue", key, null);
    this.board.put("marathon", "marathon", {
      name: "marathon", leader: "127.0.0.1:8080", version: "0.1.0", started: Math.floor(Date.now() / 86_400_000) * 86_400, framework_id: this.framework.id,
      apps: this.apps.size, groups: 0, instances: this.instances.size, ...total, deployments: this.deployments.size, waiting: this.waiting.size, live_clients: 1,
    });
  }

  fresh(id, app) {
    const mine = [...this.instances.values()].filter((one) => one.app_id === id && !one.doom && one.config === app.config);
    return { fresh: mine.length, ready: mine.filter((one) => one.ready).length };
  }

  missing(id) {
    const wished = this.apps.get(id)?.document.instances ?? 0;
    return wished - [...this.instances.values()].filter((one) => one.app_id === id && !one.doom).length;
  }

  row(id, app, counts) {
    const { document } = app;
    const wait = this.waiting.get(id);
    const failure = this.ends.get(id)?.[0];
    return {
      id, group: parent(id), instances: document.instances === "*" ? 3 : document.instances, every_agent: document.instances === "*", ...counts,
      cpus: document.cpus, mem: document.mem, disk: 0, gpus: 0, role: "*", ...this.fresh(id, app),
      labels: Object.entries(document.labels ?? {}).map(([name, value]) => `${name}:${value}`), ports: (document.portDefinitions ?? []).map((one) => one.port),
      checked: document.healthChecks !== undefined, version: app.version, config: app.config, scaled: app.scaled, deployment: this.lockOf(id)?.id ?? null,
      waiting: wait ? this.missing(id) : 0, waiting_since: wait?.since ?? null, delay_until: wait?.delay_until ?? null,
      failed_at: failure ? Date.parse(failure.timestamp) / 1000 : null, failure: failure?.message ?? "",
    };
  }

  // --- the API --------------------------------------------------------------

  /** Status and body of a call; what the dashboard uses, and nothing else. */
  answer(method, path, query, body) {
    const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
    if (parts[0] === "why") return this.why(parts);
    if (parts[1] === "queue") return this.queue(method, parts);
    if (parts[1] === "deployments") return this.ofDeployment(method, parts, query);
    if (parts[1] === "groups") return this.ofGroup(method, parts, query, body);
    if (parts[1] === "tasks") return this.kill(query, body);
    const rest = parts.slice(2);
    const tail = rest.indexOf("versions");
    const id = `/${rest.slice(0, tail < 0 ? rest.length : tail).filter((part) => part !== "restart").join("/")}`;
    if (tail >= 0) return this.ofVersions(id, rest.slice(tail + 1));
    if (method === "POST" && rest.length === 0) return this.create(body, query);
    const app = this.apps.get(id);
    if (app === undefined) return error(404, `App '${id}' does not exist`);
    if (method === "GET") return { status: 200, body: { app: { ...app.document, version: app.version, tasksRunning: 1 } } };
    return this.changed(method, id, rest, query, body);
  }

  changed(method, id, rest, query, body) {
    const locked = this.lockOf(id);
    if (locked && query.get("force") !== "true" && method !== "DELETE") return error(409, "App is locked by one or more deployments. Override with the option '?force=true'.", { deployments: [{ id: locked.id }] });
    if (locked) this.finish(locked, "deployment_failed", "the deployment was cancelled: another one was forced");
    const app = this.apps.get(id);
    if (method === "DELETE") {
      this.apps.delete(id);
      return this.planned(this.deploy(id, "StopApplication", 0));
    }
    if (rest.at(-1) === "restart") {
      Object.assign(app, { version: stamp(Date.now() / 1000), config: stamp(Date.now() / 1000) });
      return this.planned(this.deploy(id, "RestartApplication", app.document.instances));
    }
    const old = body.version === undefined ? null : this.versions.get(id).find((one) => one.version === body.version)?.document;
    const document = old ?? (query.get("partialUpdate") === "false" ? body : { ...app.document, ...body });
    const fault = this.fault(document);
    if (fault) return fault;
    const scaling = Object.keys(body).every((key) => key === "instances");
    const config = app.config;
    this.keep(id, document, Date.now() / 1000);
    if (scaling) this.apps.get(id).config = config;
    return this.planned(this.deploy(id, scaling ? "ScaleApplication" : "RestartApplication", document.instances));
  }

  create(body, query) {
    const fault = this.fault(body);
    if (fault) return fault;
    if (this.apps.has(body.id)) return error(409, `An app with id [${body.id}] already exists.`);
    this.keep(body.id, body, Date.now() / 1000);
    return { status: 201, body: { ...body, deployments: [{ id: this.deploy(body.id, "StartApplication", body.instances ?? 1).id }] } };
  }

  fault(document) {
    const details = [];
    if (!/^\/?([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\/[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(document.id ?? "")) details.push({ path: "/id", errors: ["must fully match regular expression '^(([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])\\.)*([a-z0-9]|[a-z0-9][a-z0-9\\-]*[a-z0-9])|(\\.|\\.\\.)$'"] });
    if (typeof document.cpus === "string") details.push({ path: "/cpus", errors: ["error.expected.jsnumber"] });
    if (!document.cmd && !document.args) details.push({ path: "/cmd", errors: ["AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."] });
    (document.constraints ?? []).forEach((one, at) => {
      if (one[1] === "MAX_PER" && !/^\d+$/.test(one[2] ?? "")) details.push({ path: `/constraints(${at})`, errors: ["MAX_PER needs a number as its value"] });
    });
    return details.length === 0 ? null : error(422, "Object is not valid", { details });
  }

  planned(deployment) {
    this.publish();
    return { status: 200, body: { version: deployment.version, deploymentId: deployment.id } };
  }

  ofVersions(id, [version]) {
    const list = this.versions.get(id) ?? [];
    if (version === undefined) return { status: 200, body: { versions: list.map((one) => one.version).reverse() } };
    const found = list.find((one) => one.version === version);
    return found ? { status: 200, body: { ...found.document, version } } : error(404, `App '${id}' does not exist in version ${version}`);
  }

  kill(query, body) {
    for (const one of this.instances.values()) {
      if (!body.ids.includes(one.task_id)) continue;
      Object.assign(one, { doom: "asked for", since: Date.now() / 1000 });
      if (query.get("scale") === "true") return this.changed("PUT", one.app_id, [], query, { instances: this.apps.get(one.app_id).document.instances - 1 });
      this.deploy(one.app_id, "ScaleApplication", this.apps.get(one.app_id).document.instances);
    }
    this.publish();
    return { status: 200, body: { tasks: [] } };
  }

  queue(method, parts) {
    if (method === "DELETE") {
      const wait = this.waiting.get(`/${parts.slice(2, -1).join("/")}`);
      if (wait) wait.delay_until = null;
      this.publish();
      return { status: 204, body: "" };
    }
    const queue = [...this.waiting].map(([id, wait]) => ({
      app: { id }, count: this.missing(id), role: "*", since: stamp(wait.since),
      delay: { timeLeftSeconds: 0, overdue: !(wait.delay_until > Date.now() / 1000) },
      processedOffersSummary: { processedOffersCount: 240, unusedOffersCount: 238, rejectSummaryLastOffers: this.funnel(), rejectSummaryLaunchAttempt: this.funnel() },
    }));
    return { status: 200, body: { queue } };
  }

  funnel() {
    const agents = this.cluster.agents.size;
    let left = agents;
    return [["UnfulfilledRole", 0], ["UnfulfilledConstraint", Math.floor(agents * 0.7)], ["AgentMaintenance", 0], ["InsufficientCpus", Math.floor(agents * 0.05)], ["InsufficientMemory", 0], ["InsufficientGpus", agents - Math.floor(agents * 0.7) - Math.floor(agents * 0.05)], ["InsufficientPorts", 0]].map(([reason, declined]) => {
      const processed = left;
      left -= declined;
      return { reason, declined, processed };
    });
  }

  ofDeployment(method, parts, query) {
    const deployment = this.deployments.get(parts[2]);
    if (deployment === undefined) return error(404, `DeploymentPlan ${parts[2]} does not exist`);
    if (method === "DELETE") this.finish(deployment, "deployment_failed", "the deployment was cancelled: somebody asked for that");
    else deployment.paused = parts[3] === "pause";
    this.publish();
    return query.get("force") === "true" ? { status: 202, body: "" } : { status: 200, body: { version: deployment.version, deploymentId: crypto.randomUUID() } };
  }

  ofGroup(method, parts, query, body) {
    const id = `/${parts.slice(2).join("/")}`;
    const inside = [...this.apps].filter(([app]) => parent(app) === id).map(([, app]) => ({ ...app.document, version: app.version }));
    if (method === "GET") return inside.length === 0 && id !== "/" ? error(404, `Group '${id}' does not exist`) : { status: 200, body: { id, apps: inside } };
    if (query.get("dryRun") === "true") {
      for (const [at, document] of body.apps.entries()) {
        const fault = this.fault(document);
        if (fault) return { ...fault, body: { ...fault.body, details: fault.body.details.map((one) => ({ ...one, path: `/apps(${at})${one.path}` })) } };
      }
      const actions = body.apps.filter((one) => JSON.stringify(one) !== JSON.stringify(this.apps.get(one.id)?.document)).map((one) => ({ action: this.apps.has(one.id) ? "RestartApplication" : "StartApplication", app: one.id }));
      return { status: 200, body: { steps: actions.length ? [{ actions }] : [] } };
    }
    if (method === "POST") this.board.put("groups", body.id, { id: body.id, version: stamp(Date.now() / 1000), dependencies: [], enforce_role: null });
    return { status: 200, body: { version: stamp(Date.now() / 1000), deploymentId: crypto.randomUUID() } };
  }

  why(parts) {
    const id = `/${parts.slice(2).join("/")}`;
    if (parts[1] === "terminations") return { status: 200, body: { terminations: this.ends.get(id) ?? [] } };
    if (!this.apps.has(id)) return error(404, `App '${id}' does not exist`);
    const wait = this.waiting.get(id);
    const missing = this.missing(id);
    const wished = this.apps.get(id).document.instances;
    if (!wait) return { status: 200, body: { app: id, sentence: `${wished - missing} of ${wished} are placed; nothing waits.`, facts: [`placed ${wished - missing}`], funnel: [], shortfalls: [], story: [] } };
    const agents = [...this.cluster.agents.values()].slice(0, 12);
    const shortfalls = agents.map((one, at) => ({ agentId: one.id, hostname: one.hostname, reason: at % 3 ? "UnfulfilledConstraint" : "InsufficientGpus", missing: [at % 3 ? `rack ${one.attributes.slice(5, 7)} is not r9` : "0 of 1 GPUs free"] }));
    return { status: 200, body: { app: id, sentence: `${wished - missing} of ${wished} placed; ${missing} wait: no agent in rack r9 has 1 GPU free; the most is 0 on n-008.dc1.`, facts: ["looked at 240 offers since it waits", "the last offer came 2 s ago"], funnel: this.funnel(), shortfalls, story: [`${stamp(wait.since)} ${missing} launches wait`] } };
  }
}
