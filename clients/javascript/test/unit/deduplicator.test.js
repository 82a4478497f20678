/** Which events count as the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deduplicator } from "../../dist/deduplicator.js";

const event = (fields = {}) => ({ name: "jump", timestamp: "2026-11-23T09:00:00.000Z", payload: null, orderKey: null, cursor: null, ...fields });
const knowing = (sender, known) => {
  const deduplicator = new Deduplicator();
  assert.ok(deduplicator.isNew(sender, known));
  return deduplicator;
};

test("an event is new once", () => {
  const deduplicator = knowing("a", event({ orderKey: "1", payload: "p", cursor: "c1" }));
  assert.ok(!deduplicator.isNew("a", event({ orderKey: "1", payload: "p", cursor: "c2" })));
});

test("copies with missing fields are still the same event", () => {
  assert.ok(!knowing("a", event({ orderKey: "1" })).isNew("a", event()));
  assert.ok(!knowing("a", event()).isNew("a", event({ orderKey: "1", payload: "p" })));
});

test("a difference in a field of both is another event", () => {
  const known = event({ orderKey: "1", payload: "p" });
  for (const fields of [{ orderKey: "2" }, { name: "run" }, { timestamp: "2026-11-23T09:00:00.001Z" }, { payload: "q", orderKey: null }]) {
    assert.ok(knowing("a", known).isNew("a", { ...known, ...fields }), JSON.stringify(fields));
  }
  assert.ok(knowing("a", known).isNew("b", known));
  assert.ok(knowing('a","b', known).isNew("a", known), "ids cannot spell each other");
});

test("tens of thousands of events are remembered, but not all of them", () => {
  const deduplicator = new Deduplicator();
  for (let number = 0; number < 50_001; number++) assert.ok(deduplicator.isNew("a", event({ timestamp: String(number) })));
  assert.ok(!deduplicator.isNew("a", event({ timestamp: "0" })), "a generation that ended is still known");
  for (let number = 50_001; number < 100_001; number++) deduplicator.isNew("a", event({ timestamp: String(number) }));
  assert.ok(deduplicator.isNew("a", event({ timestamp: "0" })));
  assert.ok(!deduplicator.isNew("a", event({ timestamp: "100000" })));
});
