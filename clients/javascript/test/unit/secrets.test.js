/** Secrets and names of nodes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Mesh } from "../../dist/index.js";
import { FakeClock } from "../support/clock.js";
import { ModelServer } from "../support/model.js";
import { FakePage } from "../support/page.js";

const MUTATIONS = [
  "createGroup", "joinGroup", "leaveGroup", "dissolveGroup", "renewHeartbeat",
  "sendMemberHeartbeat", "reportDataByNode", "fireEventsByNode", "recordEventsByNode",
];

function world(settings) {
  const clock = new FakeClock();
  const server = new ModelServer(clock, settings);
  const mesh = (options) => new Mesh({ ...server.options, ...options });
  return { clock, server, mesh, secretsOf: (field) => server.requests.filter((one) => one.field === field).map(({ variables }) => variables.secret) };
}

/** A host and a member that make every mutation. */
async function lesson({ clock, server, mesh }) {
  const host = await clock.settled(mesh().create({ name: "A" }));
  const member = await clock.settled(mesh().join(host.group));
  server.sockets = "refuse";
  const polling = await clock.settled(mesh().join(host.group));
  for (const session of [host, member, polling]) {
    session.set("x", 1);
    session.fire("e");
  }
  await clock.run(130_000);
  for (const session of [polling, member, host]) await clock.settled(session.leave());
  return [host, member, polling];
}

test("each session has its own random secret, and every mutation brings it", async () => {
  const one = world({ heartbeatIntervalSeconds: 60 });
  const sessions = await lesson(one);
  const byNode = new Map(sessions.map(({ nodeId }) => [nodeId, new Set()]));
  const seen = new Set();
  for (const { field, variables } of one.server.requests) {
    if (!MUTATIONS.includes(field)) {
      assert.ok(!("secret" in variables), field);
      continue;
    }
    seen.add(field);
    byNode.get(variables.nodeId ?? variables.hostId).add(variables.secret);
  }
  assert.deepEqual([...seen].sort(), [...MUTATIONS].sort());
  const secrets = [...byNode.values()].flatMap((set) => [...set]);
  assert.equal(secrets.length, 3, "one for each node");
  assert.equal(new Set(secrets).size, 3);
  for (const secret of secrets) assert.match(secret, /^[0-9a-f]{32}$/);
  for (const session of sessions) {
    for (const secret of secrets) assert.ok(!inspect(session, { depth: 9, showHidden: true }).includes(secret), "it is never shown");
  }
});

test("an impostor with the key is refused, and the session goes on", async () => {
  const { clock, server, mesh } = world();
  const host = await clock.settled(mesh().create({ name: "A" }));
  const member = await clock.settled(mesh().join(host.group, { nodeId: "bob" }));
  await assert.rejects(clock.settled(mesh().join(host.group, { nodeId: "bob" })), { type: "Unauthorized" });
  assert.throws(() => server.fireEventsByNode({ groupId: host.group.id, nodeId: "bob", events: [{}] }), /protected by a secret/);
  member.fire("mine");
  await clock.run(5_000);
  assert.equal(member.state, "live");
});

test("a host that reloads its page keeps its secret, and so its group", async () => {
  const { clock, mesh, server } = world();
  const page = new FakePage();
  const first = await clock.settled(mesh({ page }).create({ name: "A" }));
  const again = await clock.settled(mesh({ page: page.reload() }).create({ name: "A" }));
  assert.deepEqual([again.nodeId, again.group.id], [first.nodeId, first.group.id]);
  again.fire("e");
  await clock.run(1_000);
  assert.equal(again.state, "live");
  await clock.settled(again.leave());
  assert.equal(server.groups.size, 0);
  assert.equal(page.items.size, 0, "nothing is kept after the end");
});

test("an id of one's own can be used again: in the same program, after a reload, and elsewhere with its secret", async () => {
  const { clock, mesh } = world();
  const one = mesh();
  const first = await clock.settled(one.create({ name: "A", hostId: "teacher" }));
  const again = await clock.settled(one.create({ name: "A", hostId: "teacher" }));
  assert.equal(again.group.id, first.group.id);
  await assert.rejects(clock.settled(mesh().create({ name: "A", hostId: "teacher" })), { type: "Unauthorized" });

  const page = new FakePage();
  await clock.settled(mesh({ page }).join(first.group, { nodeId: "bob" }));
  await clock.settled(mesh({ page: page.reload() }).join(first.group, { nodeId: "bob" }));

  const secret = "a secret of sixteen characters";
  await clock.settled(mesh().join(first.group, { nodeId: "eve", secret }));
  await clock.settled(mesh().join(first.group, { nodeId: "eve", secret }));
});

test("a server that knows no secrets and names is called without them, as before", async () => {
  const one = world({ knowsSecrets: false });
  const { clock, server, mesh, secretsOf } = one;
  const sessions = await lesson(one);
  assert.equal(server.groups.size, 0, "every call succeeded");
  assert.deepEqual(sessions.map(({ state }) => state), ["ended", "ended", "ended"]);
  server.requests.length = 0;
  server.sockets = "up";

  const old = mesh();
  const host = await clock.settled(old.create({ name: "A" }));
  await clock.settled(old.join(host.group, { name: "Aoi" }));
  assert.deepEqual(secretsOf("createGroup").map((secret) => secret !== undefined), [true, false]);
  assert.deepEqual(secretsOf("joinGroup"), [undefined], "it is asked only once");
  assert.ok(server.requests.every(({ field, variables }) => field !== "joinGroup" || !("name" in variables)));
});

test("another ValidationError does not take the protection away", async () => {
  const { clock, server, mesh, secretsOf } = world();
  const host = await clock.settled(mesh().create({ name: "A" }));
  for (const message of ["name must have 1 to 40 characters", "secret must have 16 to 128 characters", "Validation error of type MissingFieldArgument: Missing field argument name"]) {
    server.failNext = { field: "joinGroup", error: Object.assign(new Error(message), { errorType: "ValidationError" }) };
    await assert.rejects(clock.settled(mesh().join(host.group, { name: "x".repeat(41) })), { type: "ValidationError", message });
  }
  assert.ok(secretsOf("joinGroup").every(Boolean));
});

test("nodes have names for all others", async () => {
  const { clock, mesh } = world();
  const host = await clock.settled(mesh().create({ name: "A" }));
  const changes = [];
  host.on("nodes", (change) => changes.push(change));
  const aoi = await clock.settled(mesh().join(host.group, { name: "Aoi" }));
  const nameless = await clock.settled(mesh().join(host.group));
  assert.equal(aoi.nodes.get(aoi.nodeId).name, "Aoi");
  assert.equal(nameless.nodes.get(aoi.nodeId).name, "Aoi");
  assert.equal(nameless.nodes.get(nameless.nodeId).name, `Node ${nameless.nodeId}`);
  // The host receives a value before it has asked for the list of nodes.
  aoi.set("x", 1);
  await clock.run(100);
  assert.deepEqual(changes, [{ joined: [aoi.nodeId], left: [], renamed: [] }]);
  await clock.run(16_000);
  assert.deepEqual(changes[1], { joined: [nameless.nodeId], left: [], renamed: [aoi.nodeId] });
  assert.equal(host.nodes.get(aoi.nodeId).name, "Aoi");
});
