/** What browsers allow pages to reach, and what users are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh } from "../../dist/index.js";
import { Network } from "../../dist/network.js";
import { FakeClock } from "../support/clock.js";
import { FakePage } from "../support/page.js";

const LOCAL = ["http://192.168.0.5:4000", "http://10.1.2.3", "http://172.16.0.1", "http://172.31.9.9", "http://169.254.1.1", "http://127.0.0.1:4000", "http://localhost:4000", "http://mesh.local", "http://[::1]:4000", "http://[fd00::1]", "http://[fe80::1]"];
const PUBLIC = ["http://172.32.0.1", "http://192.169.0.1", "http://8.8.8.8", "http://mesh.example", "http://10.example", "http://[2001:db8::1]"];
const errorOf = (endpoint, page) => new Network(new URL(endpoint), page).errorOf(new TypeError("fetch failed"));

test("a page on https that cannot reach a local server is told to allow local network access", () => {
  for (const endpoint of LOCAL) {
    const error = errorOf(endpoint, "https://editor.example/");
    assert.equal(error.type, "LocalNetworkError", endpoint);
    assert.match(error.message, /allow local network access/);
    assert.equal(error.retryable, true);
  }
  // A name may belong to the local network; on https it could not be reached otherwise.
  for (const endpoint of PUBLIC) assert.match(errorOf(endpoint, "https://editor.example/").message, /allow local network access/, endpoint);
  assert.match(errorOf("https://192.168.0.5:4000", "https://editor.example/").message, /allow local network access/);
});

test("a public page on http is told that it needs https", () => {
  for (const endpoint of LOCAL) assert.match(errorOf(endpoint, "http://editor.example/").message, /only a page on https/, endpoint);
});

test("where the browser blocks nothing, the server did not answer, and that is all", () => {
  for (const page of [undefined, "file:///home/aoi/page.html", "http://192.168.0.5:4000/example/", "http://localhost:8000/"]) {
    for (const endpoint of [...LOCAL, ...PUBLIC]) {
      const error = errorOf(endpoint, page);
      assert.deepEqual([error.type, error.message], ["NetworkError", "The server did not answer"], `${page} ${endpoint}`);
    }
  }
  assert.equal(errorOf("https://mesh.example", "https://editor.example/").type, "NetworkError");
});

test("a server with a name is announced as local, since the browser cannot know that before", () => {
  const options = (endpoint, page) => new Network(new URL(endpoint), page).requestOptions;
  assert.deepEqual(options("http://mesh.example", "https://editor.example/"), { targetAddressSpace: "local" });
  assert.deepEqual(options("http://192.168.0.5:4000", "https://editor.example/"), {});
  assert.deepEqual(options("https://mesh.example", "https://editor.example/"), {});
  assert.deepEqual(options("http://mesh.example", undefined), {});
});

test("create and join reject with that after a few tries, instead of trying for ever", async () => {
  const clock = new FakeClock();
  const page = Object.assign(new FakePage(), { url: "https://editor.example/" });
  const fetch = async () => { throw new TypeError("Failed to fetch"); };
  const mesh = new Mesh({ endpoint: "http://192.168.0.5:4000/graphql", apiKey: "key", webSocket: class { constructor() { throw new Error("SecurityError"); } }, fetch, clock, page });
  await assert.rejects(clock.settled(mesh.groups(), 10_000), { type: "LocalNetworkError" });
  await assert.rejects(clock.settled(mesh.join({ id: "g", domain: "d" }), 10_000), { type: "LocalNetworkError" });
});
