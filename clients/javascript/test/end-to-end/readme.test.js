/** The first example of the README, as it stands there. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { API_KEY, MeshServer } from "../support/server.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("the first example runs, and prints what the README shows", async (t) => {
  const server = await MeshServer.start();
  t.after(() => server.end());
  const readme = readFileSync(`${root}README.md`, "utf8");
  const [, example] = /<!-- test: first example -->\n```js\n(.*?)```/s.exec(readme);
  const [, output] = /It prints:\n\n```text\n(.*?)```/s.exec(readme);
  const program = example.replace("http://127.0.0.1:4000/graphql", server.endpoint).replace("da2-example", API_KEY);
  assert.ok(program.includes(server.endpoint) && program.includes(API_KEY));
  // Node 20 has no WebSocket of its own.
  const prelude = 'import WebSocket from "ws"; globalThis.WebSocket ??= WebSocket;\n';
  const options = { cwd: root, timeout: 20_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", prelude + program], options);
  assert.equal(stdout, output);
});
