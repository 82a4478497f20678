/** A node that the real server asks to wait: HTTP 429 with `retry-after`. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Mesh } from "../../dist/index.js";
import { API_KEY, MeshServer } from "../support/server.js";
import { collect, nextEvent, until } from "../support/wait.js";

let server;

// Four calls a second of one address, and eight at once.
before(async () => (server = await MeshServer.start("--trust-proxy", "1", "--rate-limit", "0.002")));
after(() => server?.end());

/** A mesh whose calls come from this address, as a proxy says: limits of an address do not count loopback. */
function meshFrom(address, calls = []) {
  const from = { "x-forwarded-for": address };
  return new Mesh({
    endpoint: server.endpoint,
    apiKey: API_KEY,
    domain: "limits",
    eventInterval: 50,
    dataInterval: 50,
    webSocket: class extends WebSocket {
      constructor(url, protocols) {
        super(url, protocols, { headers: from });
      }
    },
    fetch: async (url, init) => {
      const [, operation] = /\b(\w+)\(groupId/.exec(JSON.parse(init.body).query) ?? [];
      const call = { operation, startedAt: performance.now() };
      calls.push(call);
      const response = await fetch(url, { ...init, headers: { ...init.headers, ...from } });
      if (response.status === 429) call.notBefore = performance.now() + 1_000 * response.headers.get("retry-after");
      return response;
    },
  });
}

test("what is refused by 429 is sent again, not before retry-after: all of it arrives once and in order", async () => {
  const calls = [];
  const host = await meshFrom("127.0.0.1").create({ name: "Class 3" });
  const member = await meshFrom("192.0.2.1", calls).join(host.group);
  const heard = collect(host, "event", ({ payload }) => payload);
  const errors = collect(member, "error");
  const states = collect(member, "state");
  const last = nextEvent(host, "event", ({ payload }) => payload === "60");
  const expected = Array.from({ length: 60 }, (_, index) => String(index + 1));
  for (const round of expected) {
    member.set("round", round);
    member.fire("go", round);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await last;
  assert.deepEqual([heard, errors, states], [expected, [], []]);
  await until(() => host.value("round"), (value) => value === "60");

  for (const operation of ["reportDataByNode", "fireEventsByNode"]) {
    const own = calls.filter((call) => call.operation === operation);
    assert.ok(own.length > 1);
    for (const [index, { startedAt }] of own.entries()) {
      // Timers may end a moment early.
      assert.ok(!index || startedAt > (own[index - 1].notBefore ?? 0) - 5, `${operation}, try ${index}`);
    }
  }
  assert.ok(calls.some(({ operation, notBefore }) => operation && notBefore), "the limit was passed");
  await Promise.all([member.leave(), host.leave()]);
});
