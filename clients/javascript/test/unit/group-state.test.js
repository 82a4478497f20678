/** The nodes and values of a group, and their changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupState } from "../../dist/group-state.js";

const at = (second) => `2026-11-23T09:00:0${second}.000Z`;
const status = (nodeId, second, data) => ({
  nodeId, timestamp: at(second), data: Object.entries(data).map(([key, value]) => ({ key, value })),
});

test("the newest value over all nodes wins, by the server's time", () => {
  const state = new GroupState("me", "host");
  state.applyStatus(status("a", 1, { x: "1", y: "1" }));
  state.applyStatus(status("b", 3, { x: "3" }));
  state.applyStatus(status("a", 2, { x: "2" }));
  assert.equal(state.newest("x"), "3");
  assert.equal(state.newest("y"), "1");
  assert.equal(state.newest("z"), undefined);
  assert.equal(state.newestTime(), at(3));
});

test("only changes are returned, and an old status changes nothing", () => {
  const state = new GroupState("me", "host");
  assert.deepEqual(state.applyStatus(status("a", 2, { x: "2" })), [{ nodeId: "a", key: "x", value: "2", timestamp: at(2) }]);
  assert.deepEqual(state.applyStatus(status("a", 1, { x: "1" })), []);
  assert.deepEqual(state.applyStatus(status("a", 3, { x: "2" })), []);
  assert.deepEqual(state.values.get("a").get("x"), { value: "2", timestamp: at(3) });
});

test("an own value is set at once, and an older one from the server does not replace it", () => {
  const state = new GroupState("me", "host");
  state.applyStatus(status("a", 9, { x: "a" }));
  state.setOwn("x", "1");
  assert.equal(state.newest("x"), "1");
  state.setOwn("x", "2");
  state.applyStatus(status("me", 1, { x: "1" }));
  assert.deepEqual(state.values.get("me").get("x"), { value: "2", timestamp: null });
  state.applyStatus(status("me", 2, { x: "2" }));
  assert.equal(state.newest("x"), "a", "once the server took it, its time counts");
});

test("a refused own value is forgotten, a newer one is not", () => {
  const state = new GroupState("me", undefined);
  state.setOwn("x", "1");
  state.revertOwn("x", "1");
  assert.equal(state.newest("x"), undefined);
  state.setOwn("x", "2");
  state.revertOwn("x", "1");
  assert.equal(state.newest("x"), "2");
});

test("a node that is not listed any more is removed with its values, unless it was active meanwhile", () => {
  const state = new GroupState("me", "host");
  assert.deepEqual(state.takeNodesChange(), { joined: ["host", "me"], left: [], renamed: [] });
  state.applyNodeList([{ id: "me", name: "Node me" }, { id: "a", name: "Node a" }, { id: "b", name: "Node b" }], state.mark());
  state.applyStatus(status("a", 1, { x: "1" }));
  assert.deepEqual(state.takeNodesChange(), { joined: ["a", "b"], left: [], renamed: [] });

  const mark = state.mark();
  state.applyStatus(status("c", 2, { x: "2" }));
  state.applyNodeList([{ id: "me", name: "Node me" }], mark);
  assert.deepEqual(state.takeNodesChange(), { joined: ["c"], left: ["a", "b"], renamed: [] });
  assert.deepEqual([...state.nodes.keys()], ["host", "me", "c"]);
  assert.deepEqual([...state.values.keys()], ["c"]);
  assert.equal(state.takeNodesChange(), undefined);
  assert.equal(state.nodes.get("host").isHost, true);
});

test("a status that its sender did not select whole is taken as far as it goes", () => {
  const state = new GroupState("me", "host");
  assert.deepEqual(state.applyStatus({ nodeId: null, data: [{ key: "x", value: "1" }], timestamp: null }), []);
  assert.deepEqual(state.applyStatus({ nodeId: "a", data: null, timestamp: null }), []);
  state.applyStatus({ nodeId: "a", data: [{ key: "x", value: "1" }], timestamp: null });
  assert.equal(state.newest("x"), "1");
});

test("a node has the name of the list, and another name later is a change", () => {
  const state = new GroupState("me", undefined, "Aoi");
  state.applyStatus(status("a", 1, { x: "1" }));
  state.takeNodesChange();
  assert.deepEqual([...state.nodes.values()].map(({ name }) => name), ["Aoi", "Node a"]);
  const list = (name) => [{ id: "me", name: "Aoi" }, { id: "a", name }];
  state.applyNodeList(list("Ren"), state.mark());
  assert.deepEqual(state.takeNodesChange(), { joined: [], left: [], renamed: ["a"] });
  assert.equal(state.nodes.get("a").name, "Ren");
  state.applyNodeList(list("Ren"), state.mark());
  assert.equal(state.takeNodesChange(), undefined);
});
