/** Finding, creating and joining groups, and the web page of a session. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh } from "../../dist/index.js";
import { realtimeEndpoint } from "../../dist/socket.js";
import { FakeClock } from "../support/clock.js";
import { ModelServer } from "../support/model.js";
import { FakePage } from "../support/page.js";

test("the realtime endpoint follows AppSync's rules", () => {
  for (const [endpoint, expected] of [
    ["https://abc.appsync-api.ap-northeast-1.amazonaws.com/graphql", "wss://abc.appsync-realtime-api.ap-northeast-1.amazonaws.com/graphql"],
    ["https://abc.appsync-api.cn-north-1.amazonaws.com.cn/graphql", "wss://abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql"],
    ["https://mesh.example.org/graphql", "wss://mesh.example.org/graphql/realtime"],
    ["http://192.168.0.5:4000/graphql", "ws://192.168.0.5:4000/graphql/realtime"],
    ["http://[::1]:4000/graphql/", "ws://[::1]:4000/graphql/realtime"],
  ]) {
    assert.equal(realtimeEndpoint(new URL(endpoint)), expected);
  }
});

test("the domain is asked for once, and again if that failed", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const { domain, ...options } = server.options;
  const mesh = new Mesh(options);
  server.http = "down";
  await assert.rejects(clock.settled(mesh.domain()), { type: "NetworkError" });
  server.http = "up";
  await clock.settled(Promise.all([mesh.groups(), mesh.groups(), mesh.domain()]));
  assert.equal(server.requests.filter(({ field }) => field === "createDomain").length, 1);
  assert.equal(domain, await mesh.domain());
});

test("groups are listed and found by the beginning of their name", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const mesh = new Mesh(server.options);
  const host = await clock.settled(mesh.create({ name: "あいう", maxConnectionTimeSeconds: 60 }));
  assert.deepEqual((await clock.settled(mesh.groups())).map(({ id }) => id), [host.group.id]);
  assert.deepEqual((await clock.settled(mesh.search("あい", { limit: 5 }))).map(({ id }) => id), [host.group.id]);
  const created = server.requests.find(({ field }) => field === "createGroup");
  assert.equal(created.variables.maxConnectionTimeSeconds, 60);
  assert.equal(server.requests.at(-1).variables.limit, 5);
});

test("where no socket can be opened, the session polls at the server's interval", async () => {
  for (const mode of ["refuse", "silent", "mute"]) {
    const clock = new FakeClock();
    const server = new ModelServer(clock, { pollingIntervalSeconds: 3 });
    server.sockets = mode;
    const host = await clock.settled(new Mesh(server.options).create({ name: "A" }));
    assert.equal(host.state, "polling");
    assert.ok(clock.steady() < 3_300, `${clock.steady()}`);
    assert.equal(server.groups.get(host.group.id).useWebSocket, false);
    server.requests.length = 0;
    const began = clock.steady();
    await clock.run(9_500);
    const polls = server.requests.filter(({ field }) => field === "pollGroupData").map(({ at }) => at - began);
    assert.equal(polls.length, 3, `${polls}`);
  }
  const clock = new FakeClock();
  const { webSocket, ...options } = new ModelServer(clock).options;
  if (!globalThis.WebSocket) assert.equal((await clock.settled(new Mesh(options).create({ name: "A" }))).state, "polling");
});

test("a polling member receives events that are fired after its join, and no earlier ones", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const mesh = new Mesh(server.options);
  const host = await clock.settled(mesh.create({ name: "A" }));
  for (let count = 0; count < 250; count++) host.fire("before", count);
  await clock.settled(host.flush());
  server.sockets = "refuse";
  const member = await clock.settled(mesh.join(host.group));
  const heard = [];
  member.addEventListener("event", ({ detail }) => heard.push(detail.name));
  host.fire("after");
  await clock.run(5_000);
  assert.deepEqual(heard, ["after"]);
});

test("a host that reloads gets its group back, a second host beside it does not", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const page = new FakePage();
  const create = (page, options) => clock.settled(new Mesh({ ...server.options, page, ...options }).create({ name: "A" }));
  const first = await create(page);
  const second = await create(page);
  assert.notEqual(first.nodeId, second.nodeId);
  const reloaded = page.reload();
  const again = await create(reloaded);
  assert.deepEqual([again.nodeId, again.group.id], [second.nodeId, second.group.id]);
  const elsewhere = await create(page.reload(), { domain: "other" });
  assert.notEqual(elsewhere.nodeId, again.nodeId);
  await clock.settled(again.leave());
  const afterwards = await create(reloaded.reload());
  assert.notEqual(afterwards.group.id, again.group.id, "its group is over");
});

test("storage that is full, broken or filled by others costs no more than the group", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const throwing = () => { throw new Error("QuotaExceededError"); };
  for (const storage of [{ getItem: throwing, setItem: throwing, removeItem: throwing }, { getItem: () => "garbage", setItem() {}, removeItem() {} }, { getItem: () => "null", setItem() {}, removeItem() {} }]) {
    const page = Object.assign(new FakePage(), { storage });
    const host = await clock.settled(new Mesh({ ...server.options, page }).create({ name: "A" }));
    await clock.settled(host.leave());
  }
  assert.equal(server.groups.size, 0);
});

test("a page that is closed for good ends its member's session, not its host's, and not if it may be shown again", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const [hostPage, memberPage] = [new FakePage(), new FakePage()];
  const host = await clock.settled(new Mesh({ ...server.options, page: hostPage }).create({ name: "A" }));
  const sent = [];
  const fetch = (url, init) => (init.keepalive && sent.push(init), server.fetch(url, init));
  const member = await clock.settled(new Mesh({ ...server.options, fetch, page: memberPage }).join(host.group));
  hostPage.hide(false);
  memberPage.hide(true);
  await clock.run(1_000);
  assert.equal(sent.length, 0);
  assert.equal(server.groups.get(host.group.id).members.size, 1);
  memberPage.hide(false);
  assert.equal(sent.length, 1, "before the page is gone");
  await clock.run(1_000);
  assert.equal(server.groups.get(host.group.id).members.size, 0);
  await clock.settled(member.leave());
  memberPage.hide(false);
  assert.equal(sent.length, 1, "a session that is over leaves its page alone");
});

test("a page that comes back, or whose network does, tries for a socket at once", async () => {
  for (const type of ["online", "pageshow"]) {
    const clock = new FakeClock();
    const server = new ModelServer(clock);
    const page = new FakePage();
    const host = await clock.settled(new Mesh({ ...server.options, page }).create({ name: "A" }));
    server.sockets = "refuse";
    server.cut();
    await clock.run(300_000);
    assert.equal(host.state, "polling");
    server.sockets = "up";
    const back = Object.assign(new Event(type), { persisted: true });
    page.events.dispatchEvent(back);
    await clock.run(500);
    assert.equal(host.state, "live");
    // A socket of the network before is not waited for.
    const [socket] = server.open;
    page.events.dispatchEvent(back);
    await clock.run(500);
    assert.equal(host.state, "live");
    assert.ok(!server.open.has(socket) && server.open.size === 1);
    page.events.dispatchEvent(new Event("pageshow"));
    await clock.run(500);
    assert.ok(server.open.size === 1 && host.state === "live");
  }
});

test("a join with the id alone finds the other fields, and keeps the host", async () => {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const mesh = new Mesh(server.options);
  const host = await clock.settled(mesh.create({ name: "A" }));
  const { id, domain } = host.group;
  const member = await clock.settled(mesh.join({ id, domain }));
  assert.deepEqual([member.group.name, member.group.hostId], ["A", host.nodeId]);
  const moves = [];
  member.addEventListener("nodes", ({ detail }) => moves.push(detail));
  host.fire("here");
  await clock.run(60_000);
  assert.deepEqual(moves, []);
  assert.equal(member.nodes.get(host.nodeId).isHost, true);
});
