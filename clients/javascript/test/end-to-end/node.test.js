/** Sessions in Node against the real server, over a network that fails. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import WebSocket from "ws";
import { Mesh } from "../../dist/index.js";
import { batchMessageSize, MAX_MESSAGE_BYTES } from "../../dist/size.js";
import { documentOf, FIRE_EVENTS, ON_MESSAGE, POLL, RECORD_EVENTS } from "../../dist/wire.js";
import { Proxy } from "../support/proxy.js";
import { API_KEY, MeshServer } from "../support/server.js";
import { collect, nextEvent, until } from "../support/wait.js";

const sessions = [];
const fast = { eventInterval: 50, dataInterval: 50, syncInterval: 500 };

/** A mesh at an endpoint, in a domain of its own for each test. */
function meshAt({ endpoint }, options = {}) {
  const mesh = new Mesh({ endpoint, apiKey: API_KEY, webSocket: WebSocket, domain: `test ${count}`, ...fast, ...options });
  const kept = (make) => async (...given) => {
    const session = await make.call(mesh, ...given);
    sessions.push(session);
    return session;
  };
  return Object.assign(mesh, { create: kept(mesh.create), join: kept(mesh.join) });
}

let count = 0;
let server;
let proxy;

before(async () => {
  server = await MeshServer.start("--polling-interval-seconds", "1");
  proxy = await Proxy.start(server.address);
});

afterEach(async () => {
  count++;
  proxy.unblock();
  await Promise.all(sessions.splice(0).map((session) => session.leave()));
});

after(async () => {
  await proxy?.end();
  await server?.end();
});

test("two sessions share values and events, and a value is there before the event that follows it", async () => {
  const host = await meshAt(server).create({ name: "Class 3" });
  const [group] = await meshAt(server).groups();
  const member = await meshAt(server).join(group);
  assert.deepEqual([host.state, member.state], ["live", "live"]);
  const seen = collect(member, "event", ({ name, payload, nodeId }) => [name, payload, nodeId, member.value("round")]);
  const back = collect(host, "event", ({ name }) => name);
  const last = nextEvent(member, "event", ({ payload }) => payload === "40");
  for (let round = 1; round <= 40; round++) {
    host.set("round", round);
    host.fire("go", round);
    if (round % 8 === 0) await host.flush();
  }
  await last;
  for (const [index, [name, payload, nodeId, value]] of seen.entries()) {
    assert.deepEqual([name, payload, nodeId], ["go", String(index + 1), host.nodeId]);
    assert.ok(Number(value) >= Number(payload));
  }
  member.fire("done");
  await nextEvent(host, "event", ({ name }) => name === "done");
  assert.deepEqual(back, ["done"], "own events are not received");
});

test("a late member has every value", async () => {
  const host = await meshAt(server).create({ name: "A" });
  host.setAll({ x: 1, "あ": "🦀", half: "\ud83d" });
  await host.flush();
  host.set("x", 2);
  await host.flush();
  const member = await meshAt(server).join(host.group);
  assert.equal(member.value("x"), "2");
  assert.equal(member.value("あ"), "🦀");
  assert.equal(member.value("half"), "\ufffd");
  assert.ok(member.values.get(host.nodeId).get("x").timestamp);
});

test("a host that comes back gets its group back", async () => {
  const items = new Map();
  const page = (loadId) => ({
    loadId,
    events: new EventTarget(),
    storage: { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) },
  });
  const first = await meshAt(server, { page: page(1) }).create({ name: "A" });
  first.set("x", 1);
  await first.flush();
  const again = await meshAt(server, { page: page(2) }).create({ name: "A" });
  assert.deepEqual([again.group.id, again.nodeId, again.group.expiresAt], [first.group.id, first.nodeId, first.group.expiresAt]);
  assert.equal(again.value("x"), "1");
});

test("a wrong key is a clear error", async () => {
  await assert.rejects(meshAt(server, { apiKey: "wrong" }).create({ name: "A" }), { type: "UnauthorizedException" });
});

describe("what is sent", () => {
  const place = (session) => ({ groupId: session.group.id, domain: session.group.domain });

  /** Subscribes as the client does, and collects the text of every payload. */
  async function listen(session) {
    const socket = new WebSocket(server.endpoint.replace("http", "ws") + "/realtime", ["graphql-ws"]);
    const send = (frame) => socket.send(JSON.stringify(frame));
    const payloads = [];
    let isReady;
    const ready = new Promise((resolve) => (isReady = resolve));
    socket.onopen = () => send({ type: "connection_init" });
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(data);
      const extensions = { authorization: { host: "", "x-api-key": API_KEY } };
      const request = JSON.stringify({ query: documentOf(ON_MESSAGE, place(session)), variables: place(session) });
      if (type === "connection_ack") send({ id: "1", type: "start", payload: { data: request, extensions } });
      if (type === "start_ack") isReady();
      if (type === "data") payloads.push(data.slice(data.indexOf('{"data":'), -1));
    };
    await ready;
    return { payloads, close: () => socket.close() };
  }

  test("is measured to the byte as the server delivers it", async () => {
    const host = await meshAt(server, { domain: 'ど"め\\いん 🦀' }).create({ name: "A", hostId: "ホスト#@\u200b".repeat(15) });
    const { payloads, close } = await listen(host);
    const texts = ["", "plain", "かな", "漢字🦀", '"\\/', "\u0000\u0007\b\t\n\f\r\u001f\u007f", "\ud83d", "\ude00x", "\u2028"];
    const sent = [];
    for (const eventName of texts) {
      for (const payload of [null, ...texts]) {
        sent.push({ eventName, payload, firedAt: new Date().toISOString(), orderKey: `key ${sent.length}` });
        host.fire(eventName, payload);
      }
    }
    await host.flush();
    await until(() => payloads.length, (length) => length > 0);
    close();
    const { empty, of } = batchMessageSize({ ...place(host), nodeId: host.nodeId });
    const { events } = JSON.parse(payloads[0]).data.onMessageInGroup.batchEvent;
    assert.deepEqual(events.map(({ name, payload }) => [name, payload]), sent.map(({ eventName, payload }) => [eventName.toWellFormed(), payload && payload.toWellFormed()]));
    // The client's own order keys are longer than these; its cursors are shorter than what counts.
    const inputs = events.map(({ name, payload, timestamp, orderKey }) => ({ eventName: name, payload, firedAt: timestamp, orderKey }));
    const measured = inputs.reduce((sum, event) => sum + of(event), empty) + inputs.length - 1;
    const delivered = Buffer.byteLength(payloads[0]) + events.reduce((sum, { cursor }) => sum + 32 - cursor.length, 0);
    assert.equal(measured, delivered);
  });

  test("is refused by the server from the first byte on that the client refuses", async () => {
    const secret = "a secret of sixteen characters";
    const host = await meshAt(server).create({ name: "A", secret });
    const me = { ...place(host), nodeId: host.nodeId, secret };
    const { empty, of } = batchMessageSize(me);
    const event = (payload) => ({ eventName: "e", payload, firedAt: "2026-11-23T09:00:00.000Z", orderKey: "1" });
    const room = MAX_MESSAGE_BYTES - empty - of(event(""));
    for (const operation of [FIRE_EVENTS, RECORD_EVENTS]) {
      const send = (payload) => {
        const variables = { ...me, events: [event(payload)] };
        return server.query(documentOf(operation, variables), variables);
      };
      assert.equal((await send("x".repeat(room))).errors, undefined);
      const { errors } = await send("x".repeat(room + 1));
      assert.equal(errors[0].errorType, "ValidationError");
    }
  });

  test("arrives in as many batches as it takes", async () => {
    const host = await meshAt(server).create({ name: "A" });
    const member = await meshAt(server).join(host.group);
    const { payloads, close } = await listen(host);
    const heard = collect(member, "event", ({ payload }) => payload.length);
    const lengths = [...Array(1_500).fill(1), 40_000, 81_000, 1, 70_000, 20_000, 1];
    for (const length of lengths) host.fire("e", "あ".repeat(length));
    await until(() => heard.length, (length) => length === lengths.length);
    assert.deepEqual(heard, lengths);
    assert.ok(payloads.every((payload) => Buffer.byteLength(payload) <= MAX_MESSAGE_BYTES));
    close();
  });
});

describe("a bad network", () => {
  test("sockets that are cut: events of the gap are received once, and the state reports that", async () => {
    const host = await meshAt(server).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    const heard = collect(member, "event", ({ name }) => Number(name));
    const expected = [];
    for (let round = 0; round < 3; round++) {
      const lost = nextEvent(member, "state", ({ state }) => state === "recovering");
      const back = nextEvent(member, "state", ({ state }) => state === "live");
      const fire = async (number) => {
        expected.push(number);
        host.fire(String(number));
        await host.flush();
      };
      await fire(round * 10);
      await until(() => heard.length, (length) => length === expected.length);
      proxy.cut();
      await lost;
      await fire(round * 10 + 1);
      host.set("x", round);
      await host.flush();
      assert.equal((await back).recovered, true);
      assert.equal(member.value("x"), String(round));
      await fire(round * 10 + 2);
    }
    await until(() => heard.length, (length) => length === expected.length);
    assert.deepEqual(heard, expected);
  });

  test("a socket that dies in silence is replaced within ten seconds of an own message", async () => {
    const host = await meshAt(server).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    const received = collect(member, "event", ({ name }) => name);
    proxy.silence();
    host.fire("in silence");
    await host.flush();
    // HTTP still works, so the member's own value is answered.
    member.set("x", 1);
    const states = collect(member, "state", ({ state, recovered }) => [state, recovered]);
    await nextEvent(member, "state", ({ state }) => state === "live", 10_000);
    await until(() => received.length);
    assert.deepEqual([states, received], [[["recovering", undefined], ["live", true]], ["in silence"]]);
  });

  test("events that the server no longer keeps are lost, and the state reports that", async (t) => {
    const forgetful = await MeshServer.start("--event-ttl-seconds", "2", "--polling-interval-seconds", "1");
    const proxy = await Proxy.start(forgetful.address);
    t.after(async () => {
      await proxy.end();
      await forgetful.end();
    });
    const host = await meshAt(forgetful).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    const heard = collect(member, "event", ({ name }) => name);
    host.fire("before");
    await nextEvent(member, "event");
    proxy.block();
    await nextEvent(member, "state", ({ state }) => state === "recovering");
    host.fire("missed");
    await host.flush();
    const since = { groupId: host.group.id, domain: host.group.domain, since: "" };
    await until(async () => (await forgetful.query(documentOf(POLL, since), since)).data.pollGroupData.events.length, (length) => length === 0);
    const back = nextEvent(member, "state", ({ recovered }) => recovered !== undefined);
    proxy.unblock();
    assert.equal((await back).recovered, false);
    host.fire("after");
    await nextEvent(member, "event", ({ name }) => name === "after");
    assert.deepEqual(heard, ["before", "after"]);
    await member.leave();
    await host.leave();
  });

  for (const mode of ["refuse", "redirect", "silence", "reset"]) {
    test(`sockets that are blocked (${mode}): a member polls, receives and sends, and goes live when it can`, async () => {
      const host = await meshAt(server).create({ name: "A" });
      proxy.upgrades = mode;
      const began = performance.now();
      const poller = await meshAt(proxy).join(host.group);
      assert.ok(performance.now() - began < 5_000);
      assert.equal(poller.state, "polling");
      const toPoller = collect(poller, "event", ({ name }) => name);
      const toHost = collect(host, "event", ({ name }) => name);

      host.set("x", 1);
      host.fire("from live to polling");
      poller.set("y", 1);
      poller.fire("from polling to live");
      await nextEvent(poller, "event");
      assert.equal(poller.value("x"), "1");
      await until(() => toHost.length);
      assert.equal(host.value("y"), "1");

      const live = nextEvent(poller, "state", ({ state }) => state === "live", 40_000);
      proxy.upgrades = "pass";
      let fired = 0;
      // Events are fired at every moment of the change.
      const firing = setInterval(() => host.fire(`during ${fired++}`), 10);
      assert.equal((await live).recovered, true);
      clearInterval(firing);
      host.fire("after");
      await nextEvent(poller, "event", ({ name }) => name === "after");
      const during = Array.from({ length: fired }, (_, number) => `during ${number}`);
      assert.deepEqual(toPoller, ["from live to polling", ...during, "after"]);
      assert.deepEqual(toHost, ["from polling to live"]);
    });
  }

  test("sockets that are blocked in the middle of it: polling takes over, and nothing is lost or doubled", async () => {
    const host = await meshAt(server).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    const heard = collect(member, "event", ({ name }) => Number(name));
    let fired = 0;
    const firing = setInterval(() => host.fire(String(fired++)), 10);
    const polling = nextEvent(member, "state", ({ state }) => state === "polling");
    proxy.upgrades = "refuse";
    proxy.cut();
    assert.equal((await polling).recovered, true);
    const live = nextEvent(member, "state", ({ state }) => state === "live", 40_000);
    proxy.upgrades = "pass";
    await live;
    clearInterval(firing);
    await host.flush();
    await until(() => heard.length, (length) => length === fired);
    assert.deepEqual(heard, Array.from({ length: fired }, (_, number) => number));
  });

  test("a group of nodes that all poll", async () => {
    proxy.upgrades = "refuse";
    const host = await meshAt(proxy).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    assert.equal((await meshAt(server).groups())[0].useWebSocket, false);
    host.set("x", 1);
    host.fire("to member");
    member.fire("to host");
    const [one, other] = await Promise.all([nextEvent(member, "event"), nextEvent(host, "event")]);
    assert.deepEqual([one.name, other.name, member.value("x")], ["to member", "to host", "1"]);
  });
});

test("a server that is killed and comes back: the session goes on, with everything that was set and fired meanwhile", async (t) => {
  const mortal = await MeshServer.start();
  t.after(() => mortal.end());
  const host = await meshAt(mortal).create({ name: "A" });
  const member = await meshAt(mortal).join(host.group);
  const heard = collect(member, "event", ({ name }) => name);
  host.set("x", 1);
  host.fire("before");
  await nextEvent(member, "event");
  const lost = Promise.all([host, member].map((session) => nextEvent(session, "state", ({ state }) => state === "recovering")));
  await mortal.kill();
  await lost;
  host.set("x", 2);
  host.fire("meanwhile");
  const back = [host, member].map((session) => nextEvent(session, "state", ({ state }) => state === "live", 40_000));
  await mortal.start();
  await host.flush();
  for (const { recovered } of await Promise.all(back)) assert.equal(recovered, true);
  await until(() => heard.length, (length) => length === 2);
  assert.deepEqual(heard, ["before", "meanwhile"]);
  assert.equal(member.value("x"), "2");
  await Promise.all([member.leave(), host.leave()]);
});

describe("the end", () => {
  const ended = (session) => nextEvent(session, "ended", undefined, 30_000).then(({ reason }) => reason);

  test("of a group that its host dissolves, for live and for polling nodes", async () => {
    const host = await meshAt(server).create({ name: "A" });
    const live = await meshAt(server).join(host.group);
    proxy.upgrades = "refuse";
    const polling = await meshAt(proxy).join(host.group);
    const reasons = Promise.all([host, live, polling].map(ended));
    await host.leave();
    assert.deepEqual(await reasons, ["left", "dissolved", "groupNotFound"]);
    assert.deepEqual(await meshAt(server).groups(), []);
  });

  test("of a group whose time is over", async () => {
    const host = await meshAt(server).create({ name: "A", maxConnectionTimeSeconds: 4 });
    const live = await meshAt(server).join(host.group);
    proxy.upgrades = "refuse";
    const polling = await meshAt(proxy).join(host.group);
    assert.equal(live.group.expiresAt, host.group.expiresAt);
    assert.deepEqual(await Promise.all([host, live, polling].map(ended)), ["expired", "expired", "expired"]);
  });

  test("of a member that was silent for too long", async (t) => {
    const strict = await MeshServer.start("--member-heartbeat-interval-seconds", "1", "--member-heartbeat-ttl-seconds", "2");
    const proxy = await Proxy.start(strict.address);
    t.after(async () => {
      await proxy.end();
      await strict.end();
    });
    const host = await meshAt(strict, { syncInterval: 200 }).create({ name: "A" });
    const member = await meshAt(proxy).join(host.group);
    // Heartbeats keep it: nodes that are silent for two seconds are gone.
    const left = nextEvent(host, "nodes", ({ left }) => left.includes(member.nodeId));
    assert.equal(await Promise.race([left.then(() => "gone"), new Promise((resolve) => setTimeout(resolve, 3_000, "there"))]), "there");
    proxy.block();
    await left;
    assert.ok(!host.nodes.has(member.nodeId));
    const reason = ended(member);
    proxy.unblock();
    member.fire("here I am");
    assert.equal(await reason, "nodeNotFound");
    await host.leave();
  });
});

test("events of older clients are received once, live and by polling, though they select fewer fields", async () => {
  const host = await meshAt(server).create({ name: "A" });
  proxy.upgrades = "refuse";
  const polling = await meshAt(proxy).join(host.group);
  const place = { groupId: host.group.id, domain: host.group.domain };
  await server.query("mutation($groupId:ID!,$domain:String!){joinGroup(groupId:$groupId,domain:$domain,nodeId:\"old\"){id}}", place);
  const heard = [host, polling].map((session) => collect(session, "event", ({ name, nodeId, payload }) => [name, nodeId, payload]));
  const fire = (name) => server.query(
    `mutation($groupId:ID!,$domain:String!,$events:[EventInput!]!){fireEventsByNode(groupId:$groupId,domain:$domain,nodeId:"old",events:$events)
      {groupId domain batchEvent{firedByNodeId events{name firedByNodeId groupId domain payload timestamp}}}}`,
    { ...place, events: [{ eventName: name, payload: "p", firedAt: new Date().toISOString() }] },
  );
  await fire("one");
  await Promise.all(heard.map((all) => until(() => all.length)));
  // From polling to live, with a look back in time: what was polled is not heard again.
  const live = nextEvent(polling, "state", ({ state }) => state === "live", 40_000);
  proxy.upgrades = "pass";
  await live;
  await fire("two");
  await Promise.all(heard.map((all) => until(() => all.length, (length) => length === 2)));
  for (const all of heard) assert.deepEqual(all, [["one", "old", "p"], ["two", "old", "p"]]);
});
