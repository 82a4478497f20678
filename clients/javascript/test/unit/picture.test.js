import assert from "node:assert/strict";
import { test } from "node:test";
import { Picture } from "../../dist/picture.js";

const at = (second) => `2026-11-23T09:00:0${second}.000Z`;
const status = (nodeId, second, data) => ({
  nodeId, timestamp: at(second), data: Object.entries(data).map(([key, value]) => ({ key, value })),
});

test("the newest value over all nodes wins, by the server's time", () => {
  const picture = new Picture("me", "host");
  picture.take(status("a", 1, { x: "1", y: "1" }));
  picture.take(status("b", 3, { x: "3" }));
  picture.take(status("a", 2, { x: "2" }));
  assert.equal(picture.newest("x"), "3");
  assert.equal(picture.newest("y"), "1");
  assert.equal(picture.newest("z"), undefined);
  assert.equal(picture.newestTime(), at(3));
});

test("only changes are told, and an old status changes nothing", () => {
  const picture = new Picture("me", "host");
  assert.deepEqual(picture.take(status("a", 2, { x: "2" })), [{ nodeId: "a", key: "x", value: "2", timestamp: at(2) }]);
  assert.deepEqual(picture.take(status("a", 1, { x: "1" })), []);
  assert.deepEqual(picture.take(status("a", 3, { x: "2" })), []);
  assert.deepEqual(picture.values.get("a").get("x"), { value: "2", timestamp: at(3) });
});

test("an own value is there at once, and the server's word on an older one does not undo it", () => {
  const picture = new Picture("me", "host");
  picture.take(status("a", 9, { x: "a" }));
  picture.set("x", "1");
  assert.equal(picture.newest("x"), "1");
  picture.set("x", "2");
  picture.take(status("me", 1, { x: "1" }));
  assert.deepEqual(picture.values.get("me").get("x"), { value: "2", timestamp: null });
  picture.take(status("me", 2, { x: "2" }));
  assert.equal(picture.newest("x"), "a", "once the server took it, its time counts");
});

test("a refused own value is forgotten, a newer one is not", () => {
  const picture = new Picture("me", undefined);
  picture.set("x", "1");
  picture.unset("x", "1");
  assert.equal(picture.newest("x"), undefined);
  picture.set("x", "2");
  picture.unset("x", "1");
  assert.equal(picture.newest("x"), "2");
});

test("whoever is not listed any more is gone with its values, unless it was heard meanwhile", () => {
  const picture = new Picture("me", "host");
  assert.deepEqual(picture.moves(), { joined: ["host", "me"], left: [] });
  picture.keep([{ id: "me", name: "Node me" }, { id: "a", name: "Node a" }, { id: "b", name: "Node b" }], picture.mark());
  picture.take(status("a", 1, { x: "1" }));
  assert.deepEqual(picture.moves(), { joined: ["a", "b"], left: [] });

  const mark = picture.mark();
  picture.take(status("c", 2, { x: "2" }));
  picture.keep([{ id: "me", name: "Node me" }], mark);
  assert.deepEqual(picture.moves(), { joined: ["c"], left: ["a", "b"] });
  assert.deepEqual([...picture.nodes.keys()], ["host", "me", "c"]);
  assert.deepEqual([...picture.values.keys()], ["c"]);
  assert.equal(picture.moves(), undefined);
  assert.equal(picture.nodes.get("host").isHost, true);
});

test("a status that its sender did not select whole is taken as far as it goes", () => {
  const picture = new Picture("me", "host");
  assert.deepEqual(picture.take({ nodeId: null, data: [{ key: "x", value: "1" }], timestamp: null }), []);
  assert.deepEqual(picture.take({ nodeId: "a", data: null, timestamp: null }), []);
  picture.take({ nodeId: "a", data: [{ key: "x", value: "1" }], timestamp: null });
  assert.equal(picture.newest("x"), "1");
});
