import { checkCell, choiceCell, type Json, numberCell, type Section, textCell } from "../framework/document";

/** The form of an app. */
export const SECTIONS: readonly Section[] = [
  {
    title: "General",
    fields: [
      { label: "Id", path: ["id"], kind: "text", hint: "Where it stands among the groups: /shop/db", fixed: true },
      { label: "Command", path: ["cmd"], kind: "area", hint: "Run by /bin/sh; its ports are in $PORT0, $PORT1 …" },
      { label: "Instances", path: ["instances"], kind: "count", hint: "A number, or * for one on every agent that matches" },
      { label: "CPUs", path: ["cpus"], kind: "number" },
      { label: "Memory, MiB", path: ["mem"], kind: "number" },
      { label: "Disk, MiB", path: ["disk"], kind: "number" },
      { label: "GPUs", path: ["gpus"], kind: "number" },
      { label: "Role", path: ["role"], kind: "text" },
      { label: "User", path: ["user"], kind: "text", hint: "Who the command runs as; Marathon’s own if empty" },
    ],
  },
  {
    title: "Ports",
    fields: [
      {
        label: "Ports", path: ["portDefinitions"], kind: "rows", fresh: { port: 0, protocol: "tcp" },
        hint: "Service ports; 0 has one assigned. An instance’s own are $PORT0 …",
        cells: [numberCell("Port", "port"), choiceCell("Protocol", "protocol", ["tcp", "udp", "udp,tcp"]), textCell("Name", "name")],
      },
      { label: "Use these very ports on the host", path: ["requirePorts"], kind: "check" },
    ],
  },
  {
    title: "Environment and labels",
    fields: [
      { label: "Environment", path: ["env"], kind: "pairs" },
      { label: "Labels", path: ["labels"], kind: "pairs" },
    ],
  },
  {
    title: "Files",
    fields: [
      {
        label: "Fetched into the sandbox", path: ["fetch"], kind: "rows", fresh: { uri: "" },
        cells: [textCell("Address", "uri", { wide: true }), textCell("Stored as", "destPath"), checkCell("Unpack", "extract"), checkCell("Executable", "executable"), checkCell("Cache", "cache")],
      },
    ],
  },
  {
    title: "Health",
    fields: [
      {
        label: "Health checks", path: ["healthChecks"], kind: "rows", fresh: { protocol: "MESOS_HTTP", path: "/", portIndex: 0 },
        hint: "MESOS_* and COMMAND are done by the agent beside the task, the others by Marathon.",
        cells: [
          choiceCell("Protocol", "protocol", ["MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP", "COMMAND", "HTTP", "HTTPS", "TCP"]),
          textCell("Path", "path"), { label: "Command", key: ["command", "value"], kind: "text" }, numberCell("Port index", "portIndex"), numberCell("Port", "port"),
          numberCell("Grace, s", "gracePeriodSeconds"), numberCell("Interval, s", "intervalSeconds"), numberCell("Timeout, s", "timeoutSeconds"),
          numberCell("Failures in a row", "maxConsecutiveFailures"), numberCell("Delay, s", "delaySeconds"),
        ],
      },
      {
        label: "Readiness check", path: ["readinessChecks"], kind: "rows", fresh: { name: "readinessCheck", protocol: "HTTP", path: "/", portName: "http-api" },
        hint: "One at most: when a started instance counts in a deployment.",
        cells: [textCell("Name", "name"), choiceCell("Protocol", "protocol", ["HTTP", "HTTPS"]), textCell("Path", "path"), textCell("Port name", "portName"), numberCell("Interval, s", "intervalSeconds"), numberCell("Timeout, s", "timeoutSeconds")],
      },
    ],
  },
  {
    title: "Where it may run",
    fields: [
      {
        label: "Constraints", path: ["constraints"], kind: "rows", fresh: ["hostname", "UNIQUE"],
        cells: [textCell("Field", 0), choiceCell("Operator", 1, ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"]), textCell("Value", 2)],
      },
      { label: "Roles of resources it may take", path: ["acceptedResourceRoles"], kind: "words", hint: "Separated by commas" },
      { label: "Runs after", path: ["dependencies"], kind: "words", hint: "Ids of apps or groups, separated by commas" },
    ],
  },
  {
    title: "Changing and failing",
    fields: [
      { label: "Kept healthy while it changes (0 to 1)", path: ["upgradeStrategy", "minimumHealthCapacity"], kind: "number" },
      { label: "More than wished while it changes (0 to 1)", path: ["upgradeStrategy", "maximumOverCapacity"], kind: "number" },
      { label: "Which go first", path: ["killSelection"], kind: "choice", choices: ["YOUNGEST_FIRST", "OLDEST_FIRST"] },
      { label: "Time to end by itself, s", path: ["taskKillGracePeriodSeconds"], kind: "number" },
      { label: "Out of service before it is killed, s", path: ["drainDelaySeconds"], kind: "number" },
      { label: "First delay after a failure, s", path: ["backoffSeconds"], kind: "number" },
      { label: "Each further delay is longer by", path: ["backoffFactor"], kind: "number" },
      { label: "Longest delay, s", path: ["maxLaunchDelaySeconds"], kind: "number" },
      { label: "Replaced when its agent is away for, s", path: ["unreachableStrategy", "inactiveAfterSeconds"], kind: "number" },
      { label: "Forgotten when its agent is away for, s", path: ["unreachableStrategy", "expungeAfterSeconds"], kind: "number" },
    ],
  },
];

/** Extensions stay as they are when a document leaves them out; what was taken away has to be said. */
export function withRemovals(before: Json, after: Json): Json {
  const gone = "drainDelaySeconds" in before && !("drainDelaySeconds" in after);
  return gone ? { ...after, drainDelaySeconds: 0 } : after;
}

/** A document for another app: its id has to be chosen, and its service ports are assigned anew. */
export function copyOf(document: Json): Json {
  const ports = document.portDefinitions;
  return {
    ...document,
    id: `${String(document.id)}-2`,
    ...(Array.isArray(ports) ? { portDefinitions: ports.map((port) => ({ ...(port as Json), port: 0 })) } : {}),
  };
}

/** A change with the seconds after which it takes itself back; nothing, or nonsense, waits for ever. */
export function withDeadline<R extends { readonly query?: Readonly<Record<string, string>> }>(request: R, seconds: string): R {
  const value = Number(seconds);
  if (seconds.trim() === "" || !(value > 0)) return request;
  return { ...request, query: { ...request.query, deadlineSeconds: String(value) } };
}
