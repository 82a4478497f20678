/** The time and the order key of events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stamper } from "../../dist/stamp.js";

const start = Date.parse("2026-11-23T09:00:00.000Z");

test("a stamp is a time and a number within its second", () => {
  let now = start;
  const stamp = stamper(() => now);
  assert.deepEqual(stamp(), { firedAt: "2026-11-23T09:00:00.000Z", orderKey: "20261123090000-0000000" });
  now += 999;
  assert.deepEqual(stamp(), { firedAt: "2026-11-23T09:00:00.999Z", orderKey: "20261123090000-0000001" });
  now += 1;
  assert.deepEqual(stamp(), { firedAt: "2026-11-23T09:00:01.000Z", orderKey: "20261123090001-0000000" });
});

test("when the clock is set back, time goes on from where it was, at its own pace", () => {
  let now = start;
  const stamp = stamper(() => now);
  stamp();
  now -= 3_600_000;
  assert.equal(stamp().firedAt, "2026-11-23T09:00:00.000Z");
  now += 250;
  assert.equal(stamp().firedAt, "2026-11-23T09:00:00.250Z");
});

test("stamps only rise, whatever the clock does", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 2, maxLength: 200 }), (steps) => {
      let now = start;
      const stamp = stamper(() => now);
      let last = stamp();
      for (const step of steps) {
        now += step;
        const next = stamp();
        assert.ok(next.firedAt >= last.firedAt && next.orderKey > last.orderKey, `${JSON.stringify(last)} ${JSON.stringify(next)}`);
        last = next;
      }
    }),
  );
});
