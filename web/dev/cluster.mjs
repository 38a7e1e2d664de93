/** A made-up cluster that lives: tasks start, run, fail and end; an agent is lost now and then. */

export const TASK_STATES = [
  "TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FINISHED", "TASK_FAILED",
  "TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED", "TASK_UNREACHABLE", "TASK_GONE",
  "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN",
];
const AGENT_STATES = ["active", "inactive", "disconnected", "unreachable", "recovered", "gone"];
const FRAMEWORK_STATES = ["active", "inactive", "disconnected", "recovered", "completed"];

export const ENUMS = {
  tasks: { state: TASK_STATES },
  agents: { state: AGENT_STATES },
  frameworks: { state: FRAMEWORK_STATES },
};
const MASTER = "6f1d0c1e-7f8a-4f3c-9f6e-2b1f6a0d9c11";
const ENDED = new Set(["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR"]);

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export class Cluster {
  constructor(board, { tasks = 10_000, agents = 240, seed = 7 } = {}) {
    this.board = board;
    this.random = seeded(seed);
    this.agents = new Map();
    this.frameworks = new Map();
    this.tasks = new Map();
    this.statuses = new Map();
    this.eventNumber = 0;
    this.taskNumber = 0;
    const now = Date.now() / 1000;
    for (let index = 1; index <= agents; index++) this.addAgent(index, now - 86_400 * 3);
    const names = ["marathon", "chronos", "wordcount", "spark-etl", "run-3f2a"];
    names.forEach((name, index) => this.addFramework(name, index, now - 86_400 * 2));
    for (let index = 0; index < tasks; index++) this.addTask(now - this.random() * 40_000, true);
    this.scenery(now);
    this.publish();
  }

  addAgent(index, now) {
    const id = `${MASTER}-S${index}`;
    const cpus = index % 3 === 0 ? 96 : 48;
    this.agents.set(id, {
      id, hostname: `n-${String(index).padStart(3, "0")}.dc1`, address: `10.0.${index >> 8}.${index & 255}:5051`,
      state: "active", version: "1.11.0", attributes: `rack:r${index % 12};zone:${"abc"[index % 3]}`,
      cpus, cpus_used: 0, cpus_offered: 0, mem: cpus * 4096, mem_used: 0, mem_offered: 0,
      disk: 900_000, disk_used: 0, disk_offered: 0, gpus: index % 12 === 0 ? 4 : 0, gpus_used: 0, gpus_offered: 0,
      ports: "[31000-32000]", tasks: 0, registered: now + index, reregistered: null,
    });
  }

  addFramework(name, index, now) {
    const id = `${MASTER}-${String(index).padStart(4, "0")}`;
    this.frameworks.set(id, {
      id, name, user: "ops", hostname: `ctl-${index + 1}.dc1`, principal: `${name}-principal`,
      roles: index === 0 ? "web, *" : name, state: "active", connection: index % 2 ? "http" : "bus",
      webui_url: index < 2 ? `http://ctl-${index + 1}.dc1:8080` : null, cpus: 0, mem: 0, disk: 0, gpus: 0,
      offers: 0, tasks: 0, registered: now, reregistered: null, unregistered: null,
    });
  }

  pick(map) {
    const keys = [...map.keys()];
    return map.get(keys[Math.floor(this.random() * keys.length)]);
  }

  addTask(now, settled = false) {
    const framework = this.pick(this.frameworks);
    const agent = this.pick(this.agents);
    const number = ++this.taskNumber;
    const name = ["web.api", "web.front", "etl.load", "count", "cache"][number % 5];
    const id = `${name}.${number.toString(36)}${Math.floor(this.random() * 1e9).toString(36)}`;
    const dice = this.random();
    const settledState = dice < 0.965 ? "TASK_RUNNING" : dice < 0.985 ? "TASK_FINISHED" : dice < 0.99
      ? "TASK_FAILED" : dice < 0.9905 ? "TASK_STAGING" : "TASK_KILLED";
    const task = {
      id, name, framework_id: framework.id, agent_id: agent.id, hostname: agent.hostname, executor_id: "",
      role: "*", user: "ops", state: "TASK_STAGING", healthy: null, cpus: [0.1, 0.25, 0.5, 1, 2][number % 5],
      mem: [64, 512, 1024, 2048, 8192][number % 5], disk: 512 * (number % 9), gpus: 0, started: null, updated: now, ended: null,
      reason: "", message: "", source: "", container_id: `c-${number}`,
      sandbox: `/var/lib/mesostw/slaves/${agent.id}/frameworks/${framework.id}/executors/${id}/runs/latest`,
      active: true, command: `./serve --port $PORT0 --shard ${number}`,
    };
    this.tasks.set(id, task);
    this.statuses.set(id, []);
    this.move(task, "TASK_STAGING", now);
    if (settled && settledState !== "TASK_STAGING") {
      this.move(task, "TASK_STARTING", now + 0.4);
      this.move(task, "TASK_RUNNING", now + 0.9);
      task.healthy = number % 5 === 0 ? this.random() > 0.004 : null;
      if (settledState !== "TASK_RUNNING") this.move(task, settledState, now + 60 + this.random() * 600);
    }
    return task;
  }

  move(task, state, now) {
    const failed = state === "TASK_FAILED";
    Object.assign(task, {
      state, updated: now, reason: failed ? "REASON_COMMAND_EXECUTOR_FAILED" : "",
      message: failed ? "Command exited with status 137 (killed: out of memory)" : "",
      source: state === "TASK_STAGING" ? "SOURCE_MASTER" : "SOURCE_EXECUTOR",
      active: !ENDED.has(state),
    });
    if (state === "TASK_RUNNING") task.started = now;
    if (ENDED.has(state)) task.ended = now;
    const { reason, message, source, healthy } = task;
    this.statuses.get(task.id)?.push({ state, timestamp: now, reason, source, message, healthy });
  }

  scenery(now) {
    const agents = [...this.agents.values()];
    if (agents.length > 40) {
      Object.assign(agents[40], { state: "unreachable" });
      Object.assign(agents[76 % agents.length], { state: "disconnected" });
    }
    const staging = [...this.tasks.values()].filter((task) => task.state === "TASK_STAGING");
    for (const task of staging.slice(0, 2)) task.updated = now - 190;
    for (const task of [...this.tasks.values()].filter((one) => one.state === "TASK_FAILED").slice(0, 3)) {
      task.updated = task.ended = now - 100 * this.random();
    }
    const offered = agents.slice(2, 9);
    offered.forEach((agent, index) => {
      const framework = [...this.frameworks.values()][index % 5];
      this.board.put("offers", `O${index}`, {
        id: `${MASTER}-O${index + 900}`, framework_id: framework.id, agent_id: agent.id, hostname: agent.hostname,
        role: "*", cpus: 12, mem: 40_960, disk: 700_000, gpus: 0, ports: "[31000-32000]", made: now - index * 9,
      });
      Object.assign(agent, { cpus_offered: 12, mem_offered: 40_960, disk_offered: 700_000 });
      framework.offers++;
    });
    for (let index = 0; index < 30; index++) {
      const task = this.pick(this.tasks);
      this.event("task", `${task.framework_id}/${task.id}`, task.state + (task.message && `: ${task.message}`), now - 60 + index * 2);
    }
  }

  event(kind, object, text, at = Date.now() / 1000) {
    this.board.put("events", ++this.eventNumber, { at, kind, object, text });
    this.board.put("events", this.eventNumber - 1000, null);
  }

  /** One step: some tasks move on. */
  step(moves = 20) {
    const now = Date.now() / 1000;
    const tasks = [...this.tasks.values()];
    for (let count = 0; count < moves; count++) {
      const task = tasks[Math.floor(this.random() * tasks.length)];
      if (task === undefined) continue;
      if (task.state === "TASK_STAGING" && now - task.updated < 100) this.move(task, "TASK_STARTING", now);
      else if (task.state === "TASK_STARTING") this.move(task, "TASK_RUNNING", now);
      else if (task.state === "TASK_RUNNING" && this.random() < 0.3) {
        this.move(task, this.random() < 0.97 ? "TASK_FINISHED" : "TASK_FAILED", now);
        this.addTask(now);
      } else continue;
      this.event("task", `${task.framework_id}/${task.id}`, task.state + (task.message && `: ${task.message}`), now);
      if (this.tasks.size > 12_000 && task.ended !== null) this.drop(task);
    }
    for (const task of tasks) {
      if (task.state === "TASK_STAGING" && now - task.updated > 1 && now - task.updated < 60) this.move(task, "TASK_STARTING", now);
      else if (task.state === "TASK_STARTING" && now - task.updated > 1) this.move(task, "TASK_RUNNING", now);
    }
    this.publish();
  }

  drop(task) {
    this.tasks.delete(task.id);
    this.statuses.delete(task.id);
    this.board.put("tasks", task.id, null);
  }

  publish() {
    const counts = Object.fromEntries(TASK_STATES.map((state) => [state, 0]));
    for (const agent of this.agents.values()) Object.assign(agent, { cpus_used: 0, mem_used: 0, disk_used: 0, gpus_used: 0, tasks: 0 });
    for (const framework of this.frameworks.values()) Object.assign(framework, { cpus: 0, mem: 0, disk: 0, tasks: 0 });
    for (const task of this.tasks.values()) {
      counts[task.state]++;
      this.board.put("tasks", task.id, { ...task });
      if (!task.active) continue;
      const agent = this.agents.get(task.agent_id);
      const framework = this.frameworks.get(task.framework_id);
      agent.cpus_used += task.cpus;
      agent.mem_used += task.mem;
      agent.disk_used += task.disk;
      agent.tasks++;
      framework.cpus += task.cpus;
      framework.mem += task.mem;
      framework.disk += task.disk;
      framework.tasks++;
    }
    for (const [id, agent] of this.agents) this.board.put("agents", id, { ...agent });
    for (const [id, framework] of this.frameworks) this.board.put("frameworks", id, { ...framework });
    this.board.put("cluster", "cluster", this.summary(counts));
  }

  summary(counts) {
    const agents = [...this.agents.values()];
    const sum = (column) => agents.reduce((total, agent) => total + agent[column], 0);
    const row = {
      name: "simulated", leader: "127.0.0.1:5050", master_id: MASTER, version: "0.1.0", started: Math.floor(Date.now() / 86_400_000) * 86_400, epoch: 3,
      agents_active: agents.filter((agent) => agent.state === "active").length, agents_inactive: 0,
      agents_unreachable: agents.filter((agent) => agent.state === "unreachable").length,
      frameworks_active: this.frameworks.size, offers: 7, live_clients: this.board.peers.size,
    };
    for (const kind of ["cpus", "mem", "disk", "gpus"]) {
      for (const [suffix, column] of [["total", kind], ["used", `${kind}_used`], ["offered", `${kind}_offered`]]) row[`${kind}_${suffix}`] = sum(column);
    }
    for (const state of ["staging", "starting", "running", "killing", "finished", "failed", "killed", "lost", "unreachable"]) {
      row[`tasks_${state}`] = counts[`TASK_${state.toUpperCase()}`];
    }
    return row;
  }
}
