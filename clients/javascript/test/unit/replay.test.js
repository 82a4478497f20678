/** When received events are played. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LONGEST_SPAN, Replay, schedule } from "../../dist/replay.js";
import { FakeClock } from "../support/clock.js";

const start = Date.parse("2026-11-23T09:00:00.000Z");
const received = (nodeId, offset, orderKey = null, name = "e") => ({
  nodeId, event: { name, timestamp: new Date(start + offset).toISOString(), orderKey, payload: null, cursor: null },
});
const dues = (timed) => timed.map(({ due }) => due);

test("a batch keeps the offsets from its first event, also with a wrong clock", () => {
  for (const skew of [0, 86_400_000, -86_400_000]) {
    const batch = [0, 40, 40, 249].map((offset) => received("a", offset + skew));
    assert.deepEqual(dues(schedule(batch, 1_000, new Map())), [1_000, 1_040, 1_040, 1_249]);
  }
});

test("a batch is ordered by time, then by order key, then as sent", () => {
  const batch = [received("a", 10, "2", "third"), received("a", 10, "1", "second"), received("a", 0, "9", "first"), received("a", 20, null, "x"), received("a", 20, null, "y")];
  const names = schedule(batch, 0, new Map()).map(({ event }) => event.name);
  assert.deepEqual(names, ["first", "second", "third", "x", "y"]);
});

test("absurd spans end after ten seconds", () => {
  const batch = [received("a", -86_400_000), received("a", 0), received("a", 5)];
  assert.deepEqual(dues(schedule(batch, 1_000, new Map())), [1_000, 1_000 + LONGEST_SPAN, 1_000 + LONGEST_SPAN]);
});

test("a batch that comes early waits for the batch before of the same node, not of others", () => {
  const lastDue = new Map();
  schedule([received("a", 0), received("a", 240)], 1_000, lastDue);
  assert.deepEqual(dues(schedule([received("a", 250), received("a", 300)], 1_100, lastDue)), [1_240, 1_290]);
  assert.deepEqual(dues(schedule([received("b", 250)], 1_100, lastDue)), [1_100]);
});

test("polled events of a node keep their offsets over several calls, whatever other nodes' clocks say", () => {
  const day = 86_400_000;
  const page = [received("a", 0), received("b", day), received("a", 500), received("b", day + 700), received("a", 900)];
  assert.deepEqual(dues(schedule(page, 0, new Map())), [0, 0, 500, 700, 900]);
});

test("an event of one node that follows another node's event is not played before it", () => {
  // b fired after it heard a's second call.
  const page = [received("a", 0), received("a", 200), received("b", 5_000), received("a", 400), received("b", 5_100)];
  assert.deepEqual(dues(schedule(page, 0, new Map())), [0, 200, 0, 400, 400]);
});

test("each node's events stay in order, none waits longer than ten seconds, none is lost", () => {
  const one = fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: -20_000, max: 20_000 }));
  const pages = fc.array(fc.tuple(fc.double({ min: 0, max: 3_000, noNaN: true }), fc.array(one, { maxLength: 20 })), { maxLength: 6 });
  fc.assert(
    fc.property(pages, (pages) => {
      const lastDue = new Map();
      const playedLast = new Map();
      let arrival = 0;
      for (const [wait, events] of pages) {
        arrival += wait;
        const page = events.map(([nodeId, offset]) => received(nodeId, offset));
        const timed = schedule(page, arrival, lastDue);
        assert.equal(timed.length, page.length);
        for (const { nodeId, due } of timed) {
          assert.ok(due >= arrival && due <= arrival + LONGEST_SPAN);
          assert.ok(due >= (playedLast.get(nodeId) ?? 0));
          playedLast.set(nodeId, due);
        }
      }
    }),
  );
});

function replay() {
  const clock = new FakeClock();
  const played = [];
  const one = new Replay(clock, ({ event }) => played.push([event.name, clock.steady()]));
  return { clock, played, replay: one };
}

test("events are played when they are due, close ones together", async () => {
  const { clock, played, replay: one } = replay();
  one.add([received("a", 0, null, "now"), received("a", 3, null, "soon"), received("a", 100, null, "later"), received("a", 102, null, "with it")]);
  assert.deepEqual(played, [["now", 0], ["soon", 0]]);
  await clock.run(95);
  assert.equal(played.length, 2);
  await clock.run(5);
  assert.deepEqual(played.slice(2), [["later", 96], ["with it", 98]]);
  assert.equal(clock.pending, 0);
});

test("batches of two nodes interleave", async () => {
  const { clock, played, replay: one } = replay();
  one.add([received("a", 0, null, "a0"), received("a", 200, null, "a200")]);
  await clock.run(100);
  one.add([received("b", 0, null, "b0"), received("b", 50, null, "b50"), received("b", 150, null, "b150")]);
  await clock.run(1_000);
  assert.deepEqual(played.map(([name]) => name), ["a0", "b0", "b50", "a200", "b150"]);
});

test("waiting events can be played at once, or dropped, even by a listener", async () => {
  const { clock, played, replay: one } = replay();
  one.add([received("a", 0, null, "1"), received("a", 100, null, "2"), received("a", 200, null, "3")]);
  one.flush();
  assert.deepEqual(played.map(([name]) => name), ["1", "2", "3"]);

  const stopping = new Replay(clock, () => stopping.clear());
  let count = 0;
  const counting = new Replay(clock, () => (count++, counting.clear()));
  counting.add([received("a", 0), received("a", 1), received("a", 100)]);
  await clock.run(1_000);
  assert.equal(count, 1);
  assert.equal(clock.pending, 0);
});
