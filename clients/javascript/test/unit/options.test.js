/** The options of `Mesh`: what is wrong is refused in words. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Mesh, MeshError } from "../../dist/index.js";

const options = { endpoint: "http://mesh.test/graphql", apiKey: "key" };

function refuses(wrong, words) {
  assert.throws(
    () => new Mesh({ ...options, ...wrong }),
    (error) => {
      assert.ok(error instanceof MeshError, `${error}`);
      assert.equal(error.type, "InvalidOption");
      assert.match(error.message, words);
      return true;
    },
  );
}

test("an endpoint that is missing or has no scheme is refused, and the message shows a right one", () => {
  refuses({ endpoint: undefined }, /endpoint is missing.*http:\/\/192\.168\.0\.5:4000\/graphql/);
  refuses({ endpoint: "" }, /endpoint is missing/);
  for (const endpoint of ["mesh.test", "192.168.0.5:4000/graphql", "localhost:4000/graphql", "/graphql", "ws://mesh.test/graphql"]) {
    refuses({ endpoint }, /^endpoint ".*" must begin with http:\/\/ or https:\/\//);
  }
  refuses({ endpoint: "http://" }, /is not a URL/);
  refuses({ endpoint: 4000 }, /a number/);
  refuses({ endpoint: ["http://mesh.test"] }, /an array/);
});

test("a wrong realtime endpoint is refused", () => {
  refuses({ realtimeEndpoint: "http://mesh.test/graphql/realtime" }, /realtimeEndpoint .* must begin with ws:\/\/ or wss:\/\//);
  new Mesh({ ...options, realtimeEndpoint: "wss://mesh.test/graphql/realtime" });
});

test("a key that is missing, or fits into no header, is refused", () => {
  refuses({ apiKey: undefined }, /apiKey is missing/);
  refuses({ apiKey: "" }, /apiKey is missing/);
  for (const apiKey of ["da2 key", "ｄａ２", "da2-key\n", 7, null]) refuses({ apiKey }, /apiKey must be/);
});

test("intervals have bounds", () => {
  for (const name of ["eventInterval", "dataInterval"]) {
    for (const wrong of [0, 9, 10_001, NaN]) refuses({ [name]: wrong }, new RegExp(`${name} must be 10 to 10000 milliseconds`));
    for (const right of [10, 10_000]) new Mesh({ ...options, [name]: right });
  }
});

test("a missing WebSocket is reported once, and only where none is given", () => {
  const program = `
    delete globalThis.WebSocket;
    let warnings = [];
    console.warn = (text) => warnings.push(text);
    const { Mesh } = await import("./dist/index.js");
    const options = { endpoint: "http://mesh.test/graphql", apiKey: "key" };
    new Mesh({ ...options, webSocket: class {} });
    const before = warnings.length;
    new Mesh(options);
    new Mesh(options);
    console.log(JSON.stringify([before, warnings]));`;
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const [before, warnings] = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd }));
  assert.deepEqual([before, warnings.length], [0, 1]);
  assert.match(warnings[0], /no WebSocket.*npm install ws/s);
});
