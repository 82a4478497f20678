/** The published package: its files, its size, its dependencies. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { measureOwn } from "../../scripts/size.js";

const root = new URL("../../", import.meta.url);
const read = (name) => readFileSync(new URL(name, root), "utf8");
const manifest = JSON.parse(read("package.json"));

test("a page loads less than 12 kB for it, and the README names the size", async () => {
  const { minified, gzipped } = await measureOwn();
  assert.ok(gzipped < 12_000, `${gzipped} bytes`);
  const said = /\| mesh-v2-client \| ([\d.]+) kB \| ([\d.]+) kB \|/.exec(read("README.md"));
  // Versions of zlib differ by some bytes.
  for (const [index, bytes] of [minified, gzipped].entries()) {
    assert.ok(Math.abs(said[index + 1] * 1_000 - bytes) < 200, `${said[0]} is ${bytes} bytes`);
  }
});

test("the archive holds the modules, their types, the bundle and the documents, and nothing else", () => {
  const options = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const packed = JSON.parse(execFileSync("npm", options, { cwd: fileURLToPath(root), stdio: ["ignore", "pipe", "ignore"] }));
  // An object by names in newer versions of npm.
  const [{ files }] = Object.values(packed);
  const modules = readdirSync(new URL("src/", root)).map((name) => name.replace(/\.ts$/, ""));
  const expected = [
    "LICENSE",
    "README.md",
    "package.json",
    "docs/moving.md",
    "dist/bundle.js",
    "dist/global.js",
    ...modules.flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]),
  ];
  assert.deepEqual(files.map(({ path }) => path).sort(), expected.sort());
});

test("all files that the manifest names exist", async () => {
  for (const entry of ["mesh-v2-client", "mesh-v2-client/bundle"]) {
    const { Mesh, MeshError, Session } = await import(entry);
    assert.ok([Mesh, MeshError, Session].every((one) => typeof one === "function"), entry);
  }
  for (const entry of Object.values(manifest.exports)) for (const file of Object.values(entry.default ? entry : { entry })) read(file);
});

test("a plain script makes the class Mesh global, and nothing else", () => {
  const before = new Set(Object.keys(globalThis));
  runInThisContext(read("dist/global.js"));
  assert.deepEqual(Object.keys(globalThis).filter((name) => !before.has(name)), ["Mesh"]);
  new globalThis.Mesh({ endpoint: "http://mesh.test/graphql", apiKey: "key", webSocket: class {} });
  delete globalThis.Mesh;
});

test("the licence is the project's", () => {
  assert.equal(read("LICENSE"), read("../../LICENSE"));
});

test("it depends on nothing, and its tools are pinned", () => {
  assert.deepEqual(Object.keys(manifest).filter((key) => /dependencies/i.test(key)), ["devDependencies"]);
  for (const [name, version] of Object.entries(manifest.devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  assert.ok(!read("../../package-lock.json").includes('"resolved": "http'), "the lock names no registry");
});

test("it uses nothing that is missing on pages with plain http, and nothing of Node", () => {
  for (const name of readdirSync(new URL("dist/", root)).filter((name) => name.endsWith(".js"))) {
    const code = read(`dist/${name}`);
    assert.doesNotMatch(code, /crypto\s*\.\s*(subtle|randomUUID)|clipboard|\bprocess\b|\bBuffer\b|node:|require\(/, name);
  }
});

test("modules stay small", () => {
  for (const name of readdirSync(new URL("src/", root))) {
    const lines = read(`src/${name}`).split("\n").length;
    assert.ok(lines <= 300, `${name}: ${lines} lines`);
  }
});
