import { plural } from "../format";
import type { Action } from "../framework/actions";
import { idPath, type Request } from "../framework/api";
import type { Row } from "../live/frames";

const app = (id: unknown): string => `v2/apps/${idPath(String(id))}`;
const group = (id: unknown): string => `v2/groups/${idPath(String(id))}`;

export function scaleTo(id: string, instances: number): Request {
  return { method: "PUT", path: app(id), body: { instances } };
}

export function scale(row: Row): Action {
  return {
    title: `Scale ${row.id}`, button: "Scale", done: `${row.id} is being scaled`,
    explain: row.every_agent
      ? "It runs one instance on every agent now; a number ends that."
      : `It has ${row.running} running of ${row.instances} wished.`,
    field: { label: "Instances", value: Number(row.instances), min: 0 },
    request: (value) => scaleTo(String(row.id), value),
    cli: (value) => ["scale", String(row.id), String(value)],
  };
}

export function restart(row: Row): Action {
  return {
    title: `Restart ${row.id}`, button: "Restart", done: `${row.id} is being restarted`,
    explain: `${plural(Number(row.instances), "instance")} will be replaced by new ones, as its upgrade strategy says.`,
    request: () => ({ method: "POST", path: `${app(row.id)}/restart` }),
    cli: () => ["restart", String(row.id)],
  };
}

export function suspend(row: Row): Action {
  return {
    title: `Suspend ${row.id}`, button: "Suspend", done: `${row.id} is being suspended`,
    explain: `What runs of it (${plural(Number(row.running), "instance")}) is ended; the app and its versions stay.`,
    request: () => scaleTo(String(row.id), 0),
    cli: () => ["scale", String(row.id), "0"],
  };
}

export function destroy(row: Row): Action {
  return {
    title: `Destroy ${row.id}`, button: "Destroy", danger: true, done: `${row.id} is being destroyed`,
    explain: `What runs of it (${plural(Number(row.running), "instance")}) is ended, and the app is gone with all its versions. Deployments in its way are cancelled.`,
    request: () => ({ method: "DELETE", path: app(row.id) }), then: ["apps"],
    cli: () => ["delete", String(row.id)],
  };
}

export function resetDelay(row: Row): Action {
  return {
    title: `Reset the delay of ${row.id}`, button: "Reset delay", done: `${row.id} is launched without further delay`,
    explain: "After failures new starts wait longer and longer. This lets it start at once.",
    request: () => ({ method: "DELETE", path: `v2/queue/${idPath(String(row.id))}/delay` }),
  };
}

/** What an app's menu has; those that make no sense now are left out. */
export function actionsOf(row: Row, nowS: number): Action[] {
  const delayed = typeof row.delay_until === "number" && row.delay_until > nowS;
  const none = Number(row.instances) === 0;
  return [
    scale(row), ...(none ? [] : [restart(row), suspend(row)]), ...(delayed ? [resetDelay(row)] : []), destroy(row),
  ];
}

export function groupActionsOf(row: Row): Action[] {
  const id = String(row.id);
  return [
    {
      title: `Scale group ${id}`, button: "Scale by", done: `${id} is being scaled`,
      explain: `The instances of its ${plural(Number(row.apps), "app")} are multiplied; what is not whole is rounded up.`,
      field: { label: "Factor", value: 1, min: 0, step: 0.1 },
      request: (value) => ({ method: "PUT", path: group(id), body: { scaleBy: value } }),
    },
    {
      title: `Suspend group ${id}`, button: "Suspend", done: `${id} is being suspended`,
      explain: `${plural(Number(row.running), "running instance")} of ${plural(Number(row.apps), "app")} will be ended; the apps stay.`,
      request: () => ({ method: "PUT", path: group(id), body: { scaleBy: 0 } }),
    },
    {
      title: `Destroy group ${id}`, button: "Destroy", danger: true, done: `${id} is being destroyed`,
      explain: `${plural(Number(row.apps), "app")} with ${plural(Number(row.running), "running instance")} will be ended and gone, with every group below.`,
      request: () => ({ method: "DELETE", path: group(id) }), then: ["apps"],
    },
  ];
}

export function kill(row: Row): Action {
  return {
    title: `Kill ${row.task_id}`, button: "Kill", done: "It is being killed; another one takes its place",
    explain: `The instance on ${row.hostname} is ended and replaced by a new one.`,
    request: () => ({ method: "POST", path: "v2/tasks/delete", body: { ids: [row.task_id] } }),
    cli: () => ["kill", String(row.app_id), String(row.task_id)],
  };
}

export function killAndScale(row: Row): Action {
  return {
    title: `Kill ${row.task_id} and scale down`, button: "Kill and scale", done: "It is being killed, and the app wants one instance less",
    explain: `The instance on ${row.hostname} is ended, and the app is scaled down by one.`,
    request: () => ({ method: "POST", path: "v2/tasks/delete", query: { scale: "true" }, body: { ids: [row.task_id] } }),
    cli: () => ["kill", String(row.app_id), String(row.task_id), "--scale"],
  };
}

export function cancel(row: Row): Action {
  return {
    title: `Cancel deployment ${row.id}`, button: "Cancel and roll back", done: "A deployment takes it back",
    explain: "Another deployment brings its apps back to what they were before.",
    request: () => ({ method: "DELETE", path: `v2/deployments/${row.id}` }),
    cli: () => ["deployments", "--cancel", String(row.id)],
  };
}

export function stop(row: Row): Action {
  return {
    title: `Stop deployment ${row.id}`, button: "Stop where it is", danger: true, done: "The deployment is stopped",
    explain: "It ends at once, with its apps between the old and the new. Nothing is taken back.",
    request: () => ({ method: "DELETE", path: `v2/deployments/${row.id}`, query: { force: "true" } }),
    cli: () => ["deployments", "--stop", String(row.id)],
  };
}

export function pauseOrContinue(row: Row): Action {
  const word = row.paused ? "continue" : "pause";
  return {
    title: `${row.paused ? "Continue" : "Pause"} deployment ${row.id}`, button: row.paused ? "Continue" : "Pause",
    done: row.paused ? "It goes on" : "It replaces nothing more until it is continued",
    explain: row.paused ? "It goes on where it was." : "Instances that die are replaced; nothing else is ended or started until you continue it.",
    request: () => ({ method: "POST", path: `v2/deployments/${row.id}/${word}` }),
    cli: () => ["deployments", `--${word}`, String(row.id)],
  };
}

export function rollBack(id: string, version: string): Action {
  return {
    title: `Roll ${id} back`, button: "Roll back", done: `${id} is being rolled back`,
    explain: `It becomes again what it was at ${version}, as a new version. Instances are replaced as its upgrade strategy says.`,
    request: () => ({ method: "PUT", path: app(id), body: { version } }),
    cli: () => ["rollback", id, version],
  };
}

export function createGroup(id: string): Request {
  return { method: "POST", path: "v2/groups", body: { id } };
}
