/** Sessions in pages of headless Chromium, against the real server. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Pages } from "../support/pages.js";
import { Proxy } from "../support/proxy.js";
import { API_KEY, MeshServer } from "../support/server.js";
import { until } from "../support/wait.js";

let server;
let pages;
let options;

before(async () => {
  server = await MeshServer.start();
  pages = await Pages.start();
  options = { endpoint: server.endpoint, apiKey: API_KEY, domain: "browser" };
});

after(async () => {
  await pages?.end();
  await server?.end();
});

/** The ids of a group's members, as the server has them. */
async function members({ id, domain }) {
  const query = "query($id:ID!,$domain:String!){listNodesInGroup(groupId:$id,domain:$domain){id}}";
  return (await server.query(query, { id, domain })).data.listNodesInGroup.map(({ id }) => id);
}

const create = (page, name = "A") => page.evaluate(async (name) => (window.session = await mesh.create({ name })).group, name);
const enter = (page, group) => page.evaluate(async (group) => (window.session = await mesh.join(group)).nodeId, group);

for (const module of ["index.js", "bundle.js"]) {
  test(`two pages on plain http share a value and an event (${module})`, async () => {
    const [host, member] = await Promise.all([pages.open(options, module), pages.open(options, module)]);
    assert.deepEqual(await host.evaluate(() => [isSecureContext, typeof crypto.randomUUID, typeof crypto.subtle]), [false, "undefined", "undefined"]);
    await create(host);
    const group = await member.evaluate(async () => (await mesh.groups()).at(-1));
    await enter(member, group);
    assert.equal(await member.evaluate(() => session.state), "live");
    const heard = member.evaluate(() => nextEvent("event").then(({ name, payload }) => [name, payload, session.value("score")]));
    await host.evaluate(() => {
      session.set("score", 7);
      session.fire("jump", "高い");
    });
    assert.deepEqual(await heard, ["jump", "高い", "7"]);
    await host.evaluate(() => session.leave());
    await member.evaluate(() => session.state === "ended" || nextEvent("ended"));
    assert.deepEqual([...host.errors, ...member.errors], []);
    await Promise.all([host.close(), member.close()]);
  });
}

test("a page from a file with a plain script shares a value and an event", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mesh-client-file-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(fileURLToPath(new URL("../../dist/global.js", import.meta.url)), `${folder}/mesh.js`);
  writeFileSync(
    `${folder}/page.html`,
    `<!doctype html><meta charset="utf-8"><title>Page</title>
    <script src="mesh.js"></script>
    <script>window.mesh = new Mesh(${JSON.stringify(options)});</script>`,
  );
  const host = await pages.open(options);
  const group = await create(host);
  const page = await pages.context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.goto(`file://${folder}/page.html`);
  assert.equal(await page.evaluate(() => location.protocol), "file:");
  await enter(page, group);
  assert.equal(await page.evaluate(() => session.state), "live");
  const received = host.evaluate(() => nextEvent("event").then(({ name, payload }) => [name, payload, session.value("score")]));
  await page.evaluate(() => (session.set("score", 7), session.fire("jump", "high")));
  assert.deepEqual(await received, ["jump", "high", "7"]);
  assert.deepEqual(errors, []);
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), page.close()]);
});

test("where sockets are blocked, a page polls", async (t) => {
  const proxy = await Proxy.start(server.address);
  t.after(() => proxy.end());
  proxy.upgrades = "redirect";
  const host = await pages.open(options);
  const group = await create(host);
  const member = await pages.open({ ...options, endpoint: proxy.endpoint });
  await enter(member, group);
  assert.equal(await member.evaluate(() => session.state), "polling");
  const heard = member.evaluate(() => nextEvent("event").then(({ name }) => name));
  await host.evaluate(() => session.fire("hello"));
  assert.equal(await heard, "hello");
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), member.close()]);
});

test("sockets that are cut, and a server that is killed and comes back: two pages lose and repeat nothing", async (t) => {
  const mortal = await MeshServer.start();
  t.after(() => mortal.end());
  const proxy = await Proxy.start(mortal.address);
  t.after(() => proxy.end());
  const [host, member] = await Promise.all([mortal, proxy].map(({ endpoint }) => pages.open({ ...options, endpoint })));
  await enter(member, await create(host));
  await member.evaluate(() => {
    window.heard = [];
    session.addEventListener("event", ({ detail }) => heard.push(Number(detail.name)));
    window.states = [];
    session.addEventListener("state", ({ detail: { state, recovered } }) => states.push([state, recovered]));
  });
  const fire = (number) => host.evaluate((number) => (session.set("x", number), session.fire(String(number)), session.flush()), number);
  const back = () => until(() => member.evaluate(() => session.state === "live" && states.at(-1)?.[0] === "live"), Boolean, 40_000);
  await fire(1);
  proxy.cut();
  await until(() => member.evaluate(() => states.length > 0));
  await fire(2);
  await back();
  await mortal.kill();
  await until(() => member.evaluate(() => session.state === "recovering"));
  const firing = fire(3);
  await mortal.start();
  await Promise.all([firing, back()]);
  await fire(4);
  await until(() => member.evaluate(() => heard.length), (length) => length >= 4);
  assert.deepEqual(await member.evaluate(() => [heard, session.value("x")]), [[1, 2, 3, 4], "4"]);
  assert.deepEqual(await member.evaluate(() => states.filter(([, recovered]) => recovered === false)), []);
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), member.close()]);
});

test("a member whose page is closed has left, in each way of closing", async () => {
  const host = await pages.open(options);
  const group = await create(host);
  for (const go of [(page) => page.goto("about:blank"), (page) => page.reload(), (page) => page.close({ runBeforeUnload: true })]) {
    const member = await pages.open(options);
    const id = await enter(member, group);
    assert.deepEqual(await members(group), [id]);
    await go(member);
    await until(() => members(group), ({ length }) => length === 0, 5_000);
    if (!member.isClosed()) await member.close();
  }
  await host.evaluate(() => session.leave());
  await host.close();
});

test("a page in the back-forward cache keeps its member", async () => {
  const host = await pages.open(options);
  const group = await create(host);
  const member = await pages.open(options);
  const id = await enter(member, group);
  await member.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  // What follows on the same page would arrive after a leave.
  await member.evaluate(() => (session.set("x", 1), session.flush()));
  assert.deepEqual(await members(group), [id]);
  await member.evaluate(() => session.leave());
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), member.close()]);
});

test("a host that reloads its page gets its group and its members back", async () => {
  const host = await pages.open(options);
  const group = await create(host, "before");
  const member = await pages.open(options);
  await enter(member, group);
  await host.evaluate(() => (session.set("x", 1), session.flush()));
  await host.reload();
  await pages.prepare(host, options);
  assert.equal((await create(host, "after")).id, group.id);
  assert.deepEqual(await host.evaluate(() => [session.value("x"), session.nodes.size]), ["1", 2]);
  const heard = member.evaluate(() => nextEvent("event").then(({ name }) => name));
  await host.evaluate(() => session.fire("back"));
  assert.equal(await heard, "back");
  await host.evaluate(() => session.leave());
  await host.reload();
  await pages.prepare(host, options);
  assert.notEqual((await create(host)).id, group.id, "a group that was left is not found again");
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), member.close()]);
});
