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
  for (const endpoint of [undefined, "", "mesh.test", "192.168.0.5:4000/graphql", "localhost:4000/graphql", "/graphql", "ws://mesh.test/graphql", "http://", 4000, null, {}]) {
    refuses({ endpoint }, /^endpoint must begin with http:\/\/ or https:\/\/, as in http:\/\/192\.168\.0\.5:4000\/graphql\. It is /);
  }
  for (const endpoint of ["http://localhost:4000/graphql", "HTTPS://mesh.test/graphql"]) new Mesh({ ...options, endpoint });
});

test("a key that is missing, or fits into no header, is refused", () => {
  for (const apiKey of [undefined, "", "da2 key", "ｄａ２", "da2-key\n", 7, null]) refuses({ apiKey }, /^apiKey must be the key that the server shows/);
});

test("no options, and no group, are refused in words", async () => {
  assert.throws(() => new Mesh(), { type: "InvalidOption", message: /endpoint/ });
  const mesh = new Mesh({ ...options, webSocket: class {} });
  for (const wrong of [undefined, null, {}, { id: "g" }, "g"]) {
    await assert.rejects(mesh.join(wrong), { type: "InvalidOption", message: /mesh\.groups\(\)/ });
  }
});

test("intervals have bounds", () => {
  for (const name of ["eventInterval", "dataInterval"]) {
    for (const wrong of [0, 9, 10_001, NaN]) refuses({ [name]: wrong }, new RegExp(`${name} must be 10 to 10000 milliseconds`));
    for (const right of [10, 10_000]) new Mesh({ ...options, [name]: right });
  }
  for (const wrong of [-1, 9, 3_600_001, NaN]) refuses({ syncInterval: wrong }, /syncInterval must be 10 to 3600000 milliseconds/);
  for (const right of [0, 10, 3_600_000]) new Mesh({ ...options, syncInterval: right });
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
  assert.match(warnings[0], /no WebSocket.*npm install ws/);
});
