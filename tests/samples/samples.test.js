/**
 * The samples of docs/clients.md and examples/, each as its own process beside a host on mesh-v2-client: the host
 * receives their value and event, and they print the host's.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Mesh } from "mesh-v2-client";
import WebSocket from "ws";
import { newFolder } from "../clients/support/folders.js";
import { startServer } from "../clients/support/server.js";
import { until } from "../../clients/javascript/test/support/wait.js";

const folder = (path) => fileURLToPath(new URL(path, import.meta.url));
const documentation = readFileSync(folder("../../docs/clients.md"), "utf8");
/** The code block after `<!-- sample: name -->` in docs/clients.md. */
const block = (name) => new RegExp(`<!-- sample: ${name} -->\n\`\`\`\\w+\n(.*?)\`\`\``, "s").exec(documentation)[1];

// Node 20 has no WebSocket of its own.
const prelude = 'import WebSocket from "ws"; globalThis.WebSocket ??= WebSocket;\n';
const javascript = (code) => [process.execPath, ["--input-type=module", "-e", prelude + code]];
/** The sample for Apollo with the other links in the place of its own. */
const apolloLinks = () => block("apollo links") + block("apollo").split(/^const link = .*$/m)[1];
const MICROPYTHON = process.env.MICROPYTHON ?? "micropython";
const hasMicroPython = !spawnSync(MICROPYTHON, ["-c", ""]).error;

const SAMPLES = [
  { name: "Python", command: [process.env.PYTHON ?? "python3", [folder("../../examples/python/node.py")]] },
  { name: "Ruby", command: ["ruby", [folder("../../examples/ruby/node.rb")]] },
  { name: "MicroPython", command: [MICROPYTHON, [folder("../../examples/micropython/node.py")]], skip: !hasMicroPython && "there is no micropython" },
  { name: "Apollo", command: javascript(block("apollo")) },
  { name: "Apollo", title: "Apollo with its own links", command: javascript(apolloLinks()) },
  { name: "urql", command: javascript(block("urql")) },
  { name: "graphql-ws", command: javascript(block("graphql-ws")) },
  { name: "curl", command: ["sh", ["-eu", "-c", block("curl")]] },
];

let server;

before(async () => (server = await startServer(newFolder(), "--in-memory")));
after(() => server?.stop());

for (const { name, title = name, command, skip } of SAMPLES) {
  test(`${title}: a value and an event each way`, { skip }, async () => {
    const { endpoint, apiKey } = server;
    const host = await new Mesh({ endpoint, apiKey, webSocket: WebSocket }).create({ name: "Class 3" });
    const received = [];
    host.on("value", ({ key, value }) => received.push(`${key} is ${value}`));
    host.on("event", ({ name, payload }) => received.push(`${name} ${payload}`));
    const send = () => {
      host.set("score", Math.random());
      host.fire("jump", "high");
      return host.flush();
    };
    await send();
    // A sample that subscribes receives nothing older, so the host goes on.
    const sending = setInterval(send, 500);
    const sample = run(command, { ...process.env, MESH_ENDPOINT: endpoint, MESH_API_KEY: apiKey });
    const isDone = () => received.length >= 2 && sample.printed.includes("score") && sample.printed.includes("jump");
    try {
      await until(() => sample.failure ?? isDone());
      assert.equal(sample.failure, undefined);
    } catch (error) {
      throw new Error(`${error.message}\nreceived: ${received}\nprinted: ${sample.printed}`);
    } finally {
      clearInterval(sending);
      sample.stop();
      await host.leave();
    }
    assert.deepEqual(received.slice(0, 2), ["temperature is 21", `hello from ${name}`]);
  });
}

test("samples stay short", () => {
  for (const [path, most] of [["python/node.py", 40], ["ruby/node.rb", 40], ["micropython/node.py", 60]]) {
    const lines = readFileSync(folder(`../../examples/${path}`), "utf8").split("\n").length - 1;
    assert.ok(lines <= most, `${path}: ${lines} lines`);
  }
});

/** A running sample: all that it printed, and how it failed, if it did. */
function run([program, args], env) {
  const child = spawn(program, args, { cwd: folder("."), env });
  const sample = { printed: "", failure: undefined, stop: () => child.kill() };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (sample.printed += text));
  child.on("error", (error) => (sample.failure = error.message));
  child.on("exit", (code) => (sample.failure = code ? `exit status ${code}` : sample.failure));
  return sample;
}
