/** What browsers allow pages to reach, and what users are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh } from "../../dist/index.js";
import { Network } from "../../dist/network.js";
import { FakeClock } from "../support/clock.js";
import { FakePage } from "../support/page.js";

const HTTP = ["http://192.168.0.5:4000", "http://127.0.0.1:4000", "http://localhost:4000", "http://mesh.local", "http://[::1]:4000", "http://[fd00::1]", "http://mesh.school.example"];
const errorOf = (endpoint, page) => new Network(new URL(endpoint), page).errorOf(new TypeError("fetch failed"));

test("a page on https that cannot reach a server on http is told to allow local network access", () => {
  for (const endpoint of HTTP) {
    const error = errorOf(endpoint, "https://editor.example/");
    assert.equal(error.type, "LocalNetworkError", endpoint);
    assert.match(error.message, /allow local network access/);
    assert.equal(error.retryable, true);
  }
});

test("where the browser blocks nothing, the server did not answer, and that is all", () => {
  for (const page of [undefined, "file:///home/aoi/page.html", "http://192.168.0.5:4000/example/", "http://localhost:8000/"]) {
    for (const endpoint of [...HTTP, "https://mesh.example"]) {
      const error = errorOf(endpoint, page);
      assert.deepEqual([error.type, error.message], ["NetworkError", "The server did not answer"], `${page} ${endpoint}`);
    }
  }
  assert.equal(errorOf("https://mesh.example", "https://editor.example/").type, "NetworkError");
});

test("a server with a name is announced as local, since the browser cannot know that before", () => {
  const options = (endpoint, page) => new Network(new URL(endpoint), page).requestOptions;
  assert.deepEqual(options("http://mesh.school.example", "https://editor.example/"), { targetAddressSpace: "local" });
  for (const endpoint of HTTP.slice(0, -1)) assert.deepEqual(options(endpoint, "https://editor.example/"), {}, endpoint);
  assert.deepEqual(options("https://mesh.example", "https://editor.example/"), {});
  assert.deepEqual(options("http://mesh.school.example", undefined), {});
});

test("create and join reject with that after a few tries, instead of trying for ever", async () => {
  const clock = new FakeClock();
  const page = Object.assign(new FakePage(), { url: "https://editor.example/" });
  const fetch = async () => { throw new TypeError("Failed to fetch"); };
  const mesh = new Mesh({ endpoint: "http://192.168.0.5:4000/graphql", apiKey: "key", webSocket: class { constructor() { throw new Error("SecurityError"); } }, fetch, clock, page });
  await assert.rejects(clock.settled(mesh.groups(), 10_000), { type: "LocalNetworkError" });
  await assert.rejects(clock.settled(mesh.join({ id: "g", domain: "d" }), 10_000), { type: "LocalNetworkError" });
});
