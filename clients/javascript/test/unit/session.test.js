/** Sessions against the model server, under a fake clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh, MeshError } from "../../dist/index.js";
import { FakeClock } from "../support/clock.js";
import { ModelServer, refusal } from "../support/model.js";

/** All events of a session, as [time, type, detail]. */
function record(session, clock) {
  const told = [];
  for (const type of ["value", "event", "nodes", "state", "error", "ended"]) {
    session.addEventListener(type, ({ detail }) => told.push([Math.round(clock.steady()), type, detail]));
  }
  return Object.assign(told, { of: (wanted) => told.filter(([, type]) => type === wanted).map(([, , detail]) => detail) });
}

async function hostAndMember(settings = {}, meshOptions = {}) {
  const clock = new FakeClock();
  const server = new ModelServer(clock, settings);
  const mesh = () => new Mesh({ ...server.options, ...meshOptions });
  const host = await clock.settled(mesh().create({ name: "Class 3" }));
  const member = await clock.settled(mesh().join(host.group));
  // Values are asked for once more one second after a subscription.
  await clock.run(1_500);
  server.requests.length = 0;
  return { clock, server, mesh, host, member, received: record(member, clock) };
}

const fields = (server) => server.requests.map(({ field }) => field);

test("a value is there before the event that was fired after it was set", async () => {
  const { clock, host, member, server } = await hostAndMember();
  const seen = [];
  member.addEventListener("event", ({ detail }) => seen.push([detail.name, detail.payload, detail.nodeId, member.value("score")]));
  for (let round = 1; round <= 5; round++) {
    host.set("score", round);
    host.fire("scored", round);
    await clock.run(1_000);
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5].map((round) => ["scored", `${round}`, host.nodeId, `${round}`]));
  assert.deepEqual(new Set(fields(server)), new Set(["reportDataByNode", "fireEventsByNode"]));
});

test("an event waits for a report that takes long", async () => {
  const { clock, server, host, member } = await hostAndMember();
  const seen = [];
  member.addEventListener("event", () => seen.push(member.value("x")));
  server.http = "unavailable";
  host.set("x", 1);
  host.fire("go");
  await clock.run(5_000);
  assert.ok(!fields(server).includes("fireEventsByNode"));
  server.http = "up";
  await clock.run(30_000);
  assert.deepEqual(seen, ["1"]);
});

test("a late member has every value that was ever set, and the nodes", async () => {
  const { clock, host, mesh } = await hostAndMember();
  host.setAll({ x: 1, y: true });
  await clock.run(1_000);
  host.setAll(new Map([["z", "text"]]));
  await clock.run(1_000);
  const late = await clock.settled(mesh().join(host.group));
  const values = Object.fromEntries([...late.values.get(host.nodeId)].map(([key, { value }]) => [key, value]));
  assert.deepEqual(values, { x: "1", y: "true", z: "text" });
  assert.equal(late.nodes.size, 3);
  assert.equal(late.nodes.get(host.nodeId).isHost, true);
  assert.equal(late.group.name, "Class 3");
});

test("own values and events are not emitted, others' are", async () => {
  const { clock, host, member, received } = await hostAndMember();
  member.set("x", 1);
  member.fire("mine");
  host.set("x", 2);
  host.fire("theirs", "");
  await clock.run(1_000);
  assert.deepEqual(received.of("value").map(({ nodeId, key, value }) => [nodeId, key, value]), [[host.nodeId, "x", "2"]]);
  assert.deepEqual(received.of("event").map(({ name, payload }) => [name, payload]), [["theirs", ""]]);
  assert.equal(member.values.get(member.nodeId).get("x").value, "1");
});

test("wrong keys and too large values and events throw; setAll sets all or none", async () => {
  const { clock, server, host } = await hostAndMember();
  for (const wrong of [() => host.set("", 1), () => host.set("k".repeat(257), 1), () => host.set("x", "あ".repeat(82_000)), () => host.fire("e", "あ".repeat(82_000))]) {
    assert.throws(wrong, (error) => error instanceof MeshError && error.type === "ValidationError");
  }
  assert.throws(() => host.setAll({ fine: 1, "": 2 }));
  host.set("🦀".repeat(256), 1);
  await clock.run(1_000);
  assert.equal(server.requests.length, 1);
});

test("a refused value or event is emitted as an error, and the session goes on", async () => {
  const { clock, server, host, received } = await hostAndMember();
  const own = record(host, clock);
  server.failNext = { field: "reportDataByNode", error: refusal("ValidationError", "100 KB") };
  host.set("x", 1);
  host.fire("after");
  await clock.run(1_000);
  const [{ error, data }] = own.of("error");
  assert.deepEqual([error.type, data], ["ValidationError", [{ key: "x", value: "1" }]]);
  assert.equal(host.value("x"), undefined);
  assert.equal(received.of("event").length, 1);
  server.failNext = { field: "fireEventsByNode", error: refusal("ValidationError", "no") };
  host.fire("lost");
  await clock.run(1_000);
  assert.equal(own.of("error")[1].events[0].eventName, "lost");
  host.set("x", 1);
  await clock.run(1_000);
  assert.equal(received.of("value").at(-1).value, "1");
});

test("heartbeats come at the server's interval, and follow it", async () => {
  const { clock, server, host, member } = await hostAndMember({ heartbeatIntervalSeconds: 60 }, { syncInterval: 0 });
  await clock.run(58_000);
  assert.deepEqual(fields(server), []);
  server.settings.heartbeatIntervalSeconds = 10;
  await clock.run(2_000);
  assert.deepEqual(fields(server).sort(), ["renewHeartbeat", "sendMemberHeartbeat"]);
  server.keepAlive();
  await clock.run(10_000);
  assert.equal(server.requests.length, 4);
  const [beat] = server.requests.filter(({ field }) => field === "renewHeartbeat");
  const { secret, ...variables } = beat.variables;
  assert.deepEqual(variables, { groupId: host.group.id, domain: "d", hostId: host.nodeId });
  assert.ok(secret);
  assert.equal(member.state, "live");
});

test("a heartbeat that gets no answer is tried again soon", async () => {
  const { clock, server } = await hostAndMember({}, { syncInterval: 0 });
  server.http = "unavailable";
  await clock.run(65_000);
  server.http = "up";
  const tries = server.requests.filter(({ field }) => field === "renewHeartbeat").length;
  assert.ok(tries >= 3, `${tries}`);
});

test("the session ends with a reason when the server does not know it any more", async () => {
  const speaks = {
    fireEventsByNode: (member) => member.fire("e"),
    reportDataByNode: (member) => member.set("x", 1),
    sendMemberHeartbeat: () => {},
    listNodesInGroup: () => {},
  };
  for (const [error, reason] of [
    [refusal("GroupNotFound", "Group not found: g1@d"), "groupNotFound"],
    [refusal("GroupNotFound", "Group expired: g1@d (heartbeat ...)"), "expired"],
    [refusal("NodeNotFound", "Node not found: n"), "nodeNotFound"],
    [refusal("Unauthorized", "Only the host ..."), "unauthorized"],
    [refusal("UnauthorizedException", "You are not authorized to make this call."), "unauthorized"],
  ]) {
    for (const [field, speak] of Object.entries(speaks)) {
      const { clock, server, host, member, received } = await hostAndMember({ heartbeatIntervalSeconds: 20 });
      const toHost = record(host, clock);
      server.failNext = { field, error };
      speak(member);
      await clock.run(25_000);
      const ended = [...received.of("ended"), ...toHost.of("ended")];
      assert.deepEqual(ended, [{ reason, message: error.message }], `${field} ${error.message}`);
    }
  }
});

test("ended is the last event, and waiting events are played before it", async () => {
  const { clock, host, received } = await hostAndMember();
  host.fire("first");
  await clock.run(200);
  host.fire("second");
  await clock.run(95);
  await clock.settled(host.leave());
  await clock.run(1_000);
  assert.deepEqual(received.slice(-4).map(([, type, { name, state, reason }]) => [type, name ?? state ?? reason]), [
    ["event", "first"], ["event", "second"], ["state", "ended"], ["ended", "dissolved"],
  ]);
  assert.equal(received.of("ended")[0].message, "The group was dissolved");
});

test("a group that reached its maximum time ends as expired, also without a message", async () => {
  const { clock, server, received, member } = await hostAndMember({ life: 30_000, heartbeatIntervalSeconds: 600 }, { syncInterval: 0 });
  await clock.run(28_000);
  assert.equal(member.state, "live");
  await clock.run(3_000);
  assert.deepEqual(received.of("ended").map(({ reason }) => reason), ["expired"]);
  assert.equal(server.requests.filter(({ field }) => field === "sendMemberHeartbeat").length, 1);
});

test("leaving sends what was set and fired before, then leaves, and stops everything", async () => {
  const { clock, server, host, member, received } = await hostAndMember();
  const toHost = record(host, clock);
  member.set("x", 1);
  member.fire("bye");
  const left = member.leave();
  assert.equal(member.leave(), left);
  await clock.settled(left);
  assert.deepEqual(fields(server), ["reportDataByNode", "fireEventsByNode", "leaveGroup"]);
  assert.deepEqual(received.of("ended").map(({ reason }) => reason), ["left"]);
  await clock.run(0);
  assert.equal(toHost.of("event")[0].name, "bye");
  member.set("x", 2);
  member.fire("never");
  await member.flush();
  await clock.settled(host.leave());
  assert.equal(fields(server).at(-1), "dissolveGroup");
  await clock.run(100_000);
  assert.equal(clock.pending, 0);
  assert.equal(server.open.size, 0);
});

test("leaving does not wait for a server that does not answer", async () => {
  const { clock, server, member, received } = await hostAndMember();
  server.http = "lost";
  member.fire("bye");
  void member.leave();
  await clock.run(2_000);
  assert.deepEqual(received.of("ended").map(({ reason }) => reason), ["left"]);
});

test("an abort ends a session, or keeps it from beginning", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const mesh = new Mesh(server.options);
  const host = await clock.settled(mesh.create({ name: "A" }));
  const controller = new AbortController();
  const member = await clock.settled(mesh.join(host.group, { signal: controller.signal }));
  controller.abort();
  await clock.run(1_000);
  assert.equal(member.state, "ended");
  assert.equal(server.groups.get(host.group.id).members.size, 0);

  // At any moment until it is joined.
  let hasJoined = false;
  for (let wait = 0; !hasJoined; wait += 10) {
    const controller = new AbortController();
    const joining = mesh.join(host.group, { signal: controller.signal });
    const outcome = joining.then(() => (hasJoined = true), ({ message }) => message);
    await clock.run(wait);
    controller.abort(new Error("changed my mind"));
    assert.equal(await clock.settled(outcome), hasJoined || "changed my mind", `${wait} ms`);
    await clock.run(1_000);
    assert.equal(server.open.size, 1, "the host's socket alone");
    assert.equal(server.groups.get(host.group.id).members.size, 0, `${wait} ms`);
    assert.ok(wait > 100 || !hasJoined);
  }
});

test("an abort keeps a group from being left behind", async () => {
  let hasCreated = false;
  for (let wait = 0; !hasCreated; wait += 10) {
    const clock = new FakeClock();
    const server = new ModelServer(clock);
    const controller = new AbortController();
    const creating = new Mesh(server.options).create({ name: "A", signal: controller.signal });
    const outcome = creating.then(() => (hasCreated = true), ({ message }) => message);
    await clock.run(wait);
    controller.abort(new Error("changed my mind"));
    assert.equal(await clock.settled(outcome), hasCreated || "changed my mind");
    await clock.run(10_000);
    assert.deepEqual([server.groups.size, server.open.size, clock.pending], [0, 0, 0], `${wait} ms`);
  }
});

test("a refused join leaves nothing open", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  await assert.rejects(clock.settled(new Mesh(server.options).join({ id: "gone", domain: "d" })), { type: "GroupNotFound" });
  await clock.run(0);
  assert.equal(server.open.size, 0);
  assert.equal(clock.pending, 0);
});

test("a group that ends while it is joined rejects the join, or ends the session after it", async () => {
  const outcomes = new Set();
  for (let wait = 0; wait < 300; wait += 10) {
    const clock = new FakeClock();
    const server = new ModelServer(clock);
    const mesh = new Mesh(server.options);
    const host = await clock.settled(mesh.create({ name: "A" }));
    let states;
    const joining = mesh.join(host.group).then((session) => {
      states = [session.state];
      session.addEventListener("ended", () => states.push("ended"));
    });
    const outcome = joining.catch((error) => assert.ok(error instanceof MeshError));
    await clock.run(wait);
    void host.leave();
    await clock.settled(outcome);
    await clock.run(1_000);
    if (states) assert.deepEqual(states, ["live", "ended"], `${wait} ms`);
    outcomes.add(!!states);
    assert.equal(server.open.size, 0);
    assert.equal(clock.pending, 0);
  }
  assert.equal(outcomes.size, 2);
});

test("a session can be iterated, all events or one type, until it ends or is aborted", async () => {
  const { clock, host, member } = await hostAndMember();
  const controller = new AbortController();
  const seen = { all: [], events: [], some: [], one: [] };
  const reading = Promise.all([
    (async () => { for await (const { type } of member) seen.all.push(type); })(),
    (async () => { for await (const { name } of member.stream("event")) seen.events.push(name); })(),
    (async () => { for await (const { name } of member.stream("event", { signal: controller.signal })) seen.some.push(name); })(),
    (async () => { for await (const { name } of member.stream("event")) { seen.one.push(name); break; } })(),
  ]);
  host.fire("one");
  await clock.run(1_000);
  controller.abort();
  host.set("x", 1);
  host.fire("two");
  await clock.run(1_000);
  await clock.settled(host.leave());
  await clock.settled(reading);
  assert.deepEqual(seen, { all: ["event", "value", "event", "state", "ended"], events: ["one", "two"], some: ["one"], one: ["one"] });
  for await (const nothing of member) assert.fail(nothing);
});

test("nodes join and leave", async () => {
  const { clock, server, mesh, host, received } = await hostAndMember();
  const late = await clock.settled(mesh().join(host.group));
  late.set("x", 1);
  await clock.run(100);
  assert.deepEqual(received.of("nodes"), [{ joined: [late.nodeId], left: [], renamed: [] }]);
  await clock.settled(late.leave());
  await clock.run(16_000);
  assert.deepEqual(received.of("nodes")[1], { joined: [], left: [late.nodeId], renamed: [] });
  assert.equal(received.of("value").length, 1);
  assert.equal(server.groups.size, 1);
});

test("a lost value arrives with the next sync", async () => {
  const { clock, server, host, member } = await hostAndMember();
  const [socket] = [...server.open].slice(-1);
  const { groupId } = socket;
  socket.groupId = "elsewhere";
  host.set("x", 1);
  await clock.run(5_000);
  assert.equal(member.value("x"), undefined);
  socket.groupId = groupId;
  await clock.run(12_000);
  assert.equal(member.value("x"), "1");
});

test("`on` calls a listener with the detail, and its result removes the listener", async () => {
  const { clock, host, member } = await hostAndMember();
  const received = [];
  const stop = member.on("event", ({ name }) => received.push(name));
  host.fire("one");
  await clock.run(1_000);
  stop();
  stop();
  host.fire("two");
  await clock.run(1_000);
  assert.deepEqual(received, ["one"]);
  assert.throws(() => member.on("events", () => {}), { type: "ValidationError", message: /but value, event, nodes/ });
});

test("a socket that dies in silence is noticed by the own messages that do not come back", async () => {
  const { clock, server, host, member, received } = await hostAndMember();
  server.silence();
  host.fire("lost");
  // Who sends nothing cannot know yet.
  await clock.run(1_000);
  assert.deepEqual([host.state, member.state, received.of("event").length], ["live", "live", 0]);
  member.set("x", 1);
  const began = clock.steady();
  await clock.run(10_000);
  const states = received.filter(([, type]) => type === "state");
  assert.ok(states[0][0] - began < 6_000, `${states}`);
  assert.deepEqual(states.map(([, , { state, recovered }]) => [state, recovered]), [["recovering", undefined], ["live", true]]);
  assert.deepEqual(received.of("event").map(({ name }) => name), ["lost"], "and what was sent meanwhile is received");
});

test("a socket that receives anything is not dead, and one message after the other is enough", async () => {
  const { clock, server, host, member, received } = await hostAndMember();
  for (let second = 0; second < 30; second++) {
    host.fire("e");
    member.fire("e");
    await clock.run(1_000);
  }
  assert.deepEqual(received.of("state"), []);
  // Messages that take four seconds are late, not lost.
  const [socket] = [...server.open].slice(-1);
  socket.nextAt = clock.steady() + 4_000;
  member.fire("late");
  await clock.run(20_000);
  assert.deepEqual(received.of("state"), []);
});

test("a value whose report fails in the server is sent again with the newest value, and events wait for it", async () => {
  for (const [errorType, message] of [["InternalFailure", "The change was not saved, try again"], ["Lambda:Unhandled", "..."], ["Lambda:TooManyRequestsException", "Rate Exceeded"]]) {
    const { clock, server, host, received } = await hostAndMember();
    server.failNext = { field: "reportDataByNode", error: refusal(errorType, message), times: 3 };
    host.set("x", 1);
    host.fire("go");
    await clock.run(100);
    host.set("x", 2);
    await clock.run(10_000);
    const reports = server.requests.filter(({ field }) => field === "reportDataByNode").map(({ variables }) => variables.data[0].value);
    assert.deepEqual(reports, ["1", "2", "2", "2"], errorType);
    assert.deepEqual(received.filter(([, type]) => type !== "state").map(([, type, { value, name }]) => [type, value ?? name]), [["value", "2"], ["event", "go"]]);
  }
});

test("a server that always fails is asked eight times, and then the value is an error", async () => {
  const { clock, server, host } = await hostAndMember();
  const own = record(host, clock);
  server.failNext = { field: "reportDataByNode", error: refusal("InternalFailure", "The change was not saved, try again"), times: 100 };
  host.set("x", 1);
  await clock.run(120_000);
  assert.equal(server.requests.filter(({ field }) => field === "reportDataByNode").length, 8);
  const [{ error, data }] = own.of("error");
  assert.deepEqual([error.type, data], ["InternalFailure", [{ key: "x", value: "1" }]]);
  assert.equal(host.state, "live");
  server.failNext = undefined;
  host.set("x", 1);
  await clock.run(1_000);
  assert.equal(server.groups.get(host.group.id).values.get(host.nodeId).get("x").value, "1");
});

test("events whose call fails in the server are sent again", async () => {
  const { clock, server, host, received } = await hostAndMember();
  server.failNext = { field: "fireEventsByNode", error: refusal("Lambda:ExecutionTimeoutException", "..."), times: 2 };
  host.fire("one");
  await clock.run(5_000);
  assert.deepEqual(received.of("event").map(({ name }) => name), ["one"]);
});

test("values that AppSync loses right after the subscription are there a second later", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock, { lossAfterAck: 500 });
  const host = await clock.settled(new Mesh(server.options).create({ name: "A" }));
  const member = await clock.settled(new Mesh({ ...server.options, syncInterval: 0 }).join(host.group));
  assert.equal(member.state, "live");
  server.reportDataByNode({ groupId: host.group.id, nodeId: host.nodeId, secret: server.groups.get(host.group.id).secrets.get(host.nodeId), data: [{ key: "x", value: "1" }] });
  await clock.run(100);
  assert.equal(member.value("x"), undefined);
  await clock.run(1_500);
  assert.equal(member.value("x"), "1");
});

test("events that AppSync loses right after a new subscription are received a second later", async () => {
  const { clock, server, host, member, received } = await hostAndMember({ lossAfterAck: 500 });
  server.cut();
  await clock.run(250);
  for (let wait = 0; member.state !== "live"; wait += 10) await clock.run(10);
  host.fire("lost live");
  await clock.settled(host.flush());
  await clock.run(3_000);
  assert.deepEqual(received.of("event").map(({ name }) => name), ["lost live"]);
  assert.ok(received.of("state").every(({ recovered }) => recovered !== false));
});

test("pages that end early because of their size are followed by the next ones", async () => {
  const { clock, server, host, member, received } = await hostAndMember();
  server.sockets = "refuse";
  server.cut();
  for (let number = 0; number < 12; number++) host.fire(String(number), "x".repeat(200_000));
  await clock.settled(host.flush());
  await clock.run(5_000);
  server.sockets = "up";
  await clock.run(60_000);
  assert.equal(member.state, "live");
  assert.deepEqual(received.of("event").map(({ name }) => Number(name)), Array.from({ length: 12 }, (_, number) => number));
});
