/**
 * A stand-in for a master: serves the built dashboard and a simulated cluster by the live protocol.
 *
 *   node dev/fake.mjs [--port 5055] [--tasks 10000] [--agents 240] [--quiet]
 *
 * Prints `listening PORT` once it is up. For work on the dashboard and for its tests; nothing ships it.
 * `POST /fake/drop` breaks every socket, `POST /fake/fail` fails one running task, `POST /fake/log` writes a
 * line into every log, `POST /fake/epoch` starts a new epoch.
 */
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Board } from "./board.mjs";
import { Cluster, ENUMS } from "./cluster.mjs";
import { Marathon, MARATHON_ENUMS } from "./marathon.mjs";
import { accept } from "./websocket.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../mesostw/webfiles");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

function argument(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const quiet = process.argv.includes("--quiet");
const sizes = { tasks: argument("tasks", 10_000), agents: argument("agents", 240) };
let epoch = 1;
let board = new Board(`e${epoch}`, ENUMS);
let cluster = new Cluster(board, sizes);
let marathonBoard = new Board(`m${epoch}`, MARATHON_ENUMS);
let marathon = new Marathon(marathonBoard, cluster);
const sockets = new Set();
let log = Array.from({ length: 900 }, (_, line) => `${new Date(1.79e12 + line * 700).toISOString()} ${line % 97 === 96 ? "ERROR heap is nearly full" : line % 9 ? "INFO  served request" : "WARN  slow answer"} #${line}\n`).join("");

function newEpoch() {
  epoch++;
  board = new Board(`e${epoch}`, ENUMS);
  cluster = new Cluster(board, { ...sizes, seed: 7 });
  marathonBoard = new Board(`m${epoch}`, MARATHON_ENUMS);
  marathon = new Marathon(marathonBoard, cluster);
  for (const socket of sockets) socket.destroy();
}

function json(response, value, status = 200) {
  const body = gzipSync(JSON.stringify(value), { level: 1 });
  response.writeHead(status, { "Content-Type": "application/json", "Content-Encoding": "gzip" });
  response.end(body);
}

function files(response, what, query) {
  const path = query.get("path") ?? "";
  if (what === "browse") {
    const entry = (name, size, mode) => ({ path: `${path}/${name}`, size, mode, nlink: 1, uid: "ops", gid: "ops", mtime: 1.79e9 });
    return json(response, [entry("stdout", log.length, "-rw-r--r--"), entry("stderr", 0, "-rw-r--r--"), entry("data", 4096, "drwxr-xr-x")]);
  }
  const text = path.endsWith("stdout") ? Buffer.from(log) : Buffer.alloc(0);
  const offset = Number(query.get("offset") ?? -1);
  if (what === "download") return void response.end(text);
  if (offset < 0) return json(response, { data: "", offset: text.length });
  const length = Math.min(65_536, Number(query.get("length") ?? 65_536));
  json(response, { data: text.subarray(offset, offset + length).toString(), offset });
}

function why(id) {
  const task = cluster.tasks.get(id);
  const sentence = task?.state === "TASK_STAGING" ? "The agent has been told to launch it and has not answered yet." : `The task is ${task?.state ?? "unknown here"}.`;
  return { sentence, facts: [`agent ${task?.hostname}`, `asked for ${task?.cpus} CPU and ${task?.mem} MB`], story: (cluster.statuses.get(id) ?? []).map((status) => `${new Date(status.timestamp * 1000).toISOString()} ${status.state} ${status.message}`) };
}

function api(request, response, url) {
  const parts = url.pathname.split("/").slice(3).map(decodeURIComponent);
  if (parts[0] === "snapshot") return json(response, board.snapshot(parts[1]));
  if (parts[0] === "tasks") {
    const task = cluster.tasks.get(parts[2]);
    return task ? json(response, { ...task, statuses: cluster.statuses.get(task.id) }) : json(response, {}, 404);
  }
  if (parts[0] === "agents" && parts[2] === "files") return files(response, parts[3], url.searchParams);
  if (parts[0] === "why") return json(response, why(parts.at(-1)));
  json(response, {}, 404);
}

/** Marathon as the master's door shows it (`/marathon/`), and with its own page (`/alone/ui/`). */
function marathonApi(request, response, path, query) {
  if (path.startsWith("api/v1/snapshot/")) return json(response, marathonBoard.snapshot(path.slice(16)));
  let text = "";
  request.on("data", (data) => { text += data; });
  request.on("end", () => {
    const { status, body } = marathon.answer(request.method, path, query, text === "" ? {} : JSON.parse(text));
    marathonBoard.flush();
    if (status === 204) return void response.writeHead(204).end();
    json(response, body, status);
  });
}

function command(name) {
  if (name === "drop") for (const socket of sockets) socket.destroy();
  else if (name === "epoch") newEpoch();
  else if (name === "log") log += `${new Date().toISOString()} INFO  a new line <b>not bold</b>\n`;
  else if (name === "fail") {
    const task = [...cluster.tasks.values()].find((one) => one.state === "TASK_RUNNING");
    cluster.move(task, "TASK_FAILED", Date.now() / 1000);
    cluster.publish();
    board.flush();
    return task;
  }
  return {};
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://fake");
  if (url.pathname.startsWith("/api/v1/")) return api(request, response, url);
  const door = /^\/(marathon|alone)\/(?!ui\/)(.*)$/.exec(url.pathname);
  if (door !== null) return marathonApi(request, response, door[2], url.searchParams);
  if (url.pathname.startsWith("/fake/")) return json(response, command(url.pathname.slice(6)));
  const name = url.pathname.replace(/^\/alone\/ui/, "");
  const path = join(ROOT, normalize(name === "/" ? "/index.html" : name));
  if (!path.startsWith(ROOT) || !existsSync(path)) return void response.writeHead(404).end();
  response.setHeader("Content-Security-Policy", "default-src 'self'; connect-src 'self'; frame-ancestors 'none'");
  response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
  response.end(readFileSync(path));
});

server.on("upgrade", (request, socket) => {
  const peer = accept(request, socket);
  sockets.add(socket);
  const ofMarathon = /^\/(marathon|alone)\//.test(request.url);
  peer.onText = (text) => (ofMarathon ? marathonBoard : board).hear(peer, JSON.parse(text));
  peer.onEnd = () => {
    sockets.delete(socket);
    board.peers.delete(peer);
    marathonBoard.peers.delete(peer);
  };
});

if (!quiet) setInterval(() => cluster.step(), 500);
setInterval(() => marathon.step(), 500);
setInterval(() => [board, marathonBoard].forEach((each) => each.flush()), 50);
setInterval(() => [board, marathonBoard].forEach((each) => each.bookmark()), 5000);
server.listen(argument("port", 5055), "127.0.0.1", () => console.log(`listening ${server.address().port}`));
