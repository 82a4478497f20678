/** Secrets and names of nodes, against the real server. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Mesh } from "../../dist/index.js";
import * as wire from "../../dist/wire.js";
import { API_KEY, MeshServer } from "../support/server.js";
import { collect, until } from "../support/wait.js";

let server;

before(async () => (server = await MeshServer.start()));
after(() => server?.end());

const mesh = (options) =>
  new Mesh({ endpoint: server.endpoint, apiKey: API_KEY, webSocket: WebSocket, domain: "d", eventInterval: 50, dataInterval: 50, syncInterval: 300, ...options });

/** What the server answers to somebody who has the key and knows the ids, but not the secret. */
async function impostor(operation, variables) {
  const { errors } = await server.query(wire.documentOf(operation, variables), variables);
  return errors?.[0].errorType;
}

test("nobody else can act as a node of this client, and its session goes on", async () => {
  const host = await mesh().create({ name: "A" });
  const member = await mesh().join(host.group);
  const received = collect(host, "event", ({ name }) => name);
  const groupRef = { groupId: host.group.id, domain: "d" };
  const asMember = { ...groupRef, nodeId: member.nodeId };
  const events = [{ eventName: "forged", payload: null, firedAt: new Date().toISOString(), orderKey: "1" }];
  for (const secret of [undefined, "another secret of 16 characters"]) {
    for (const [operation, variables] of [
      [wire.CREATE_GROUP, { name: "A", hostId: host.nodeId, domain: "d", useWebSocket: true }],
      [wire.RENEW_HEARTBEAT, { ...groupRef, hostId: host.nodeId }],
      [wire.DISSOLVE_GROUP, { ...groupRef, hostId: host.nodeId }],
      [wire.JOIN_GROUP, { ...asMember, useWebSocket: true }],
      [wire.MEMBER_HEARTBEAT, asMember],
      [wire.REPORT_DATA, { ...asMember, data: [{ key: "x", value: "forged" }] }],
      [wire.FIRE_EVENTS, { ...asMember, events }],
      [wire.RECORD_EVENTS, { ...asMember, events }],
      [wire.LEAVE_GROUP, asMember],
    ]) {
      assert.equal(await impostor(operation, { ...variables, secret }), "Unauthorized", Object.keys(operation.fields)[0]);
    }
  }
  member.set("x", "mine");
  member.fire("mine");
  await until(() => received.length);
  assert.deepEqual([received, host.value("x")], [["mine"], "mine"]);
  await member.leave();
  await host.leave();
});

test("a second session with the same id is refused, until the first one has left", async () => {
  const host = await mesh().create({ name: "A" });
  const first = await mesh().join(host.group, { nodeId: "bob" });
  await assert.rejects(mesh().join(host.group, { nodeId: "bob" }), { type: "Unauthorized", message: "This node is protected by a secret" });
  await first.leave();
  const second = await mesh().join(host.group, { nodeId: "bob" });
  await second.leave();
  await host.leave();
});

test("a program that continues in another process brings its secret", async () => {
  const secret = "a secret of sixteen characters";
  const first = await mesh().create({ name: "A", hostId: "teacher", secret });
  const again = await mesh().create({ name: "A", hostId: "teacher", secret });
  assert.equal(again.group.id, first.group.id);
  await again.leave();
});

test("nodes have names for all others", async () => {
  const host = await mesh().create({ name: "A" });
  const aoi = await mesh().join(host.group, { name: "あおい" });
  assert.equal(aoi.nodes.get(aoi.nodeId).name, "あおい");
  await until(() => host.nodes.get(aoi.nodeId)?.name, (name) => name === "あおい");
  await assert.rejects(mesh().join(host.group, { name: "x".repeat(41) }), { type: "ValidationError" });
  const again = await mesh().join(host.group, { nodeId: "ren", name: "Ren" });
  await until(() => host.nodes.get("ren")?.name, (name) => name === "Ren");
  await Promise.all([again.leave(), aoi.leave()]);
  await host.leave();
});
