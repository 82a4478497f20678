/** What can be set and fired, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh, MeshError } from "../../dist/index.js";
import { FakeClock } from "../support/clock.js";
import { ModelServer } from "../support/model.js";

async function hostAndMember() {
  const clock = new FakeClock();
  const server = new ModelServer(clock);
  const host = await clock.settled(new Mesh(server.options).create({ name: "A" }));
  const member = await clock.settled(new Mesh(server.options).join(host.group));
  return { clock, server, host, member };
}

function refuses(act, words) {
  assert.throws(act, (error) => {
    assert.ok(error instanceof MeshError, `${error}`);
    assert.equal(error.type, "ValidationError");
    assert.match(error.message, words);
    return true;
  });
}

test("a value is a string, a number or a boolean", async () => {
  const { clock, host, member } = await hostAndMember();
  for (const [wrong, words] of [
    [{}, /not object/], [[1], /not object/], [undefined, /not undefined/], [null, /not null/], [() => 1, /not function/], [Symbol("s"), /not symbol/], [1n, /not bigint/],
  ]) {
    refuses(() => host.set("a", wrong), words);
    refuses(() => host.setAll({ fine: 1, wrong }), words);
  }
  host.setAll({ text: "", number: -0.5, yes: true, no: false });
  await clock.run(1_000);
  const values = Object.fromEntries([...member.values.get(host.nodeId)].map(([key, { value }]) => [key, value]));
  assert.deepEqual(values, { text: "", number: "-0.5", yes: "true", no: "false" }, "and of a refused list nothing is sent");
});

test("a key is a string", async () => {
  const { host } = await hostAndMember();
  for (const wrong of [undefined, null, 1, {}]) refuses(() => host.set(wrong, 1), /key/);
});

test("a list of values is an object, a Map or pairs", async () => {
  const { host } = await hostAndMember();
  for (const wrong of [undefined, null, "ab", 7, ["ab"], [undefined], new Set([1])]) refuses(() => host.setAll(wrong), /pairs/);
  host.setAll([["a", 1]]);
  host.setAll(new Map([["b", 2]]));
  assert.deepEqual([host.value("a"), host.value("b")], ["1", "2"]);
});

test("an event has a name, and a payload that is a string, a number or a boolean, or none", async () => {
  const { clock, host, member } = await hostAndMember();
  const received = [];
  member.on("event", ({ name, payload }) => received.push([name, payload]));
  host.fire("before");
  refuses(() => host.fire(), /The name of an event must be a string, not undefined/);
  for (const wrong of [null, 1, {}, ["e"]]) refuses(() => host.fire(wrong), /name of an event/);
  for (const wrong of [{}, [], () => 1, Symbol("s")]) refuses(() => host.fire("e", wrong), /payload/);
  host.fire("", false);
  host.fire("none", undefined);
  host.fire("none", null);
  await clock.run(1_000);
  assert.deepEqual(received, [["before", null], ["", "false"], ["none", null], ["none", null]]);
});
