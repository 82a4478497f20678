/** Events: batches, order, limits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Outbox } from "../../dist/outbox.js";
import { batchMessageSize, MAX_EVENTS, MAX_MESSAGE_BYTES } from "../../dist/size.js";
import { FakeClock, settle } from "../support/clock.js";

const me = { groupId: "g", domain: "d", nodeId: "n" };
const size = batchMessageSize(me);

function outbox({ before = async () => {}, send = async () => {}, interval = 250 } = {}) {
  const clock = new FakeClock();
  const batches = [];
  const options = { clock, interval, size, before, send: async (batch) => (batches.push(batch), send(batch)) };
  return { clock, batches, outbox: new Outbox(options) };
}

const event = (number, payload = null) => ({
  eventName: "e", payload, firedAt: "2026-11-23T09:00:00.000Z", orderKey: `20261123090000-${String(number).padStart(7, "0")}`,
});
const bytesOf = (batch) => batch.reduce((sum, one) => sum + size.of(one) + 1, size.empty - 1);

test("events of one interval are one batch, sent when it is over", async () => {
  const { clock, batches, outbox: box } = outbox();
  box.add(event(1));
  await clock.run(200);
  box.add(event(2));
  await clock.run(49);
  assert.equal(batches.length, 0);
  await clock.run(1);
  assert.deepEqual(batches, [[event(1), event(2)]]);
  box.add(event(3));
  await clock.run(249);
  assert.equal(batches.length, 1);
  await clock.run(1);
  assert.equal(batches.length, 2);
  assert.equal(clock.pending, 0);
});

test("no batch is over the limits, order is kept, and none could be joined with the one after it", async () => {
  const payload = fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom("a", "あ", "🦀", '"', "\ud83d", "\u0000"), fc.integer({ min: 0, max: 30_000 })).map(([part, times]) => part.repeat(times)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(payload, fc.integer({ min: 1, max: 400 })), { maxLength: 12 }), async (groups) => {
      const { clock, batches, outbox: box } = outbox();
      const events = [];
      for (const [payload, times] of groups) {
        // Large payloads come seldom, so that a run stays fast.
        for (let count = 0; count < (payload?.length > 1_000 ? 3 : times); count++) events.push(event(events.length, payload));
      }
      for (const one of events) box.add(one);
      await clock.run(250);
      assert.deepEqual(batches.flat(), events);
      for (const [index, batch] of batches.entries()) {
        assert.ok(batch.length <= MAX_EVENTS && bytesOf(batch) <= MAX_MESSAGE_BYTES);
        const next = batches[index + 1]?.[0];
        if (next) assert.ok(batch.length === MAX_EVENTS || bytesOf([...batch, next]) > MAX_MESSAGE_BYTES);
      }
    }),
    { numRuns: 40 },
  );
});

test("an event that is too large alone is refused to the byte, and the rest goes on", async () => {
  const { clock, batches, outbox: box } = outbox();
  const room = MAX_MESSAGE_BYTES - bytesOf([event(2, "")]);
  box.add(event(1));
  assert.throws(() => box.add(event(2, "x".repeat(room + 1))), { type: "ValidationError", message: /1 bytes too large/ });
  box.add(event(3, "x".repeat(room)));
  box.add(event(4));
  await clock.run(250);
  assert.deepEqual(batches.map((batch) => batch.map(({ orderKey }) => orderKey.slice(-1))), [["1"], ["3"], ["4"]]);
});

test("batches wait for the values before them, and for each other", async () => {
  let release = [];
  const wait = () => new Promise((resolve) => release.push(resolve));
  const { clock, batches, outbox: box } = outbox({ before: wait, send: wait });
  box.add(event(1));
  await clock.run(250);
  assert.equal(batches.length, 0);
  box.add(event(2));
  release.shift()();
  await settle();
  assert.deepEqual(batches, [[event(1)]]);
  await clock.run(1_000);
  assert.equal(batches.length, 1, "the first is not answered yet");
  release.shift()();
  await clock.run(250);
  release.shift()();
  await settle();
  assert.deepEqual(batches, [[event(1)], [event(2)]]);
});

test("flush sends at once and waits for what was there", async () => {
  let answer;
  const { clock, batches, outbox: box } = outbox({ send: () => new Promise((resolve) => (answer = resolve)) });
  box.add(event(1));
  const first = box.flush();
  await settle();
  assert.equal(batches.length, 1);
  box.add(event(2));
  const second = box.flush();
  answer();
  await first;
  await settle();
  assert.equal(batches.length, 2);
  answer();
  await second;
  assert.equal(clock.pending, 0);
});

test("the number of waiting events is bounded, and they can be dropped", async () => {
  const { clock, batches, outbox: box } = outbox({ before: () => new Promise(() => {}) });
  for (let count = 0; count < 10_000; count++) box.add(event(count));
  assert.throws(() => box.add(event(0)), { type: "LimitExceeded" });
  box.clear();
  await clock.run(1_000);
  assert.equal(batches.length, 0);
  await box.flush();
});
