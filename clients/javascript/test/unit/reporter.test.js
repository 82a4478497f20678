/** Values: what is reported, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Reporter } from "../../dist/reporter.js";
import { MAX_ITEMS, MAX_MESSAGE_BYTES, reportMessageSize } from "../../dist/size.js";
import { FakeClock, settle } from "../support/clock.js";

const size = reportMessageSize({ groupId: "g", domain: "d", nodeId: "n" });

function reporter(answer = async () => {}) {
  const clock = new FakeClock();
  const reports = [];
  const send = (take) => {
    const data = take();
    reports.push({ at: clock.steady(), data: Object.fromEntries(data.map(({ key, value }) => [key, value])) });
    return answer(take, reports.length);
  };
  return { clock, reports, reporter: new Reporter({ clock, interval: 250, size, send }) };
}

test("the first changes are sent at once, together; the next ones after the interval, merged", async () => {
  const { clock, reports, reporter: one } = reporter();
  one.set("x", "1");
  one.set("y", "1");
  await clock.run(10);
  one.set("x", "2");
  one.set("x", "3");
  one.set("z", "1");
  await clock.run(1_000);
  assert.deepEqual(reports, [{ at: 0, data: { x: "1", y: "1" } }, { at: 250, data: { x: "3", z: "1" } }]);
  one.set("x", "4");
  await clock.run(0);
  assert.equal(reports[2].at, 1_010);
});

test("an unchanged value is not sent", async () => {
  const { clock, reports, reporter: one } = reporter();
  assert.equal(one.set("x", "1"), true);
  assert.equal(one.set("x", "1"), false, "waiting");
  await clock.run(0);
  assert.equal(one.set("x", "1"), false, "sent");
  one.set("x", "2");
  one.set("x", "1");
  await clock.run(1_000);
  assert.equal(reports.length, 1);
  assert.equal(clock.pending, 0);
});

test("one report at a time: the next waits for the answer", async () => {
  let answer;
  const { clock, reports, reporter: one } = reporter(() => new Promise((resolve) => (answer = resolve)));
  one.set("x", "1");
  await clock.run(0);
  one.set("x", "2");
  await clock.run(1_000);
  assert.equal(reports.length, 1);
  answer();
  await clock.run(0);
  assert.deepEqual(reports[1].data, { x: "2" });
});

test("settled waits for what was set by then, and not for what is set later", async () => {
  const answers = [];
  const { clock, reporter: one } = reporter(() => new Promise((resolve) => answers.push(resolve)));
  await one.settled();
  one.set("x", "1");
  const order = [];
  void one.settled().then(() => order.push("first"));
  await clock.run(0);
  one.set("y", "1");
  void one.settled().then(() => order.push("second"));
  await clock.run(250);
  assert.deepEqual(order, []);
  answers[0]();
  await clock.run(250);
  assert.deepEqual(order, ["first"]);
  // A loop that never stops setting holds nobody up.
  one.set("x", "9");
  answers[1]();
  await settle();
  assert.deepEqual(order, ["first", "second"]);
});

test("a change that is reverted settles without a report", async () => {
  const { clock, reporter: one } = reporter();
  one.set("x", "1");
  await clock.run(0);
  one.set("x", "2");
  const settled = one.settled();
  one.set("x", "1");
  await settled;
});

test("a refused value can be set again, and nothing waits for it", async () => {
  const { clock, reports, reporter: one } = reporter(async (take, count) => {
    if (count === 1) throw new Error("refused");
  });
  one.set("x", "1");
  const settled = one.settled();
  await clock.run(0);
  await settled;
  assert.equal(one.set("x", "1"), true);
  await clock.run(250);
  assert.equal(reports.length, 2);
});

test("reports stay within the limits, and everything arrives in turn", async () => {
  const value = fc.tuple(fc.constantFrom("a", "あ", "🦀", '"'), fc.integer({ min: 0, max: 20_000 })).map(([part, times]) => part.repeat(times));
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 10 }), fc.integer({ min: 0, max: 600 }), async (values, more) => {
      const { clock, reports, reporter: one } = reporter();
      const expected = Object.fromEntries([...values, ...Array(more).fill("v")].map((value, index) => [`key ${index}`, value]));
      for (const [key, value] of Object.entries(expected)) one.set(key, value);
      await clock.run(60_000);
      assert.deepEqual(Object.assign({}, ...reports.map(({ data }) => data)), expected);
      assert.deepEqual(reports.flatMap(({ data }) => Object.keys(data)), Object.keys(expected));
      for (const [index, { at, data }] of reports.entries()) {
        const items = Object.entries(data).map(([key, value]) => size.of({ key, value }));
        assert.ok(items.length <= MAX_ITEMS);
        assert.ok(items.reduce((sum, bytes) => sum + bytes + 1, size.empty - 1) <= MAX_MESSAGE_BYTES);
        assert.equal(at, index * 250);
      }
    }),
    { numRuns: 40 },
  );
});

test("a later try sends the newest values, and what waits for older ones still waits", async () => {
  const tries = [];
  let finish;
  const { clock, reporter: one } = reporter((take) => {
    tries.push(() => Object.fromEntries(take().map(({ key, value }) => [key, value])));
    return new Promise((resolve) => (finish = resolve));
  });
  one.set("x", "1");
  one.set("y", "1");
  await clock.run(0);
  let isSettled = false;
  void one.settled().then(() => (isSettled = true));
  one.set("x", "2");
  one.set("z", "1");
  // The first try took x = 1. It fails, and the same report is tried again.
  assert.deepEqual(tries[0](), { x: "2", y: "1", z: "1" });
  one.set("y", "1");
  one.set("x", "3");
  assert.deepEqual(tries[0](), { x: "3", y: "1", z: "1" });
  await settle();
  assert.equal(isSettled, false);
  finish();
  await settle();
  assert.equal(isSettled, true);
  await clock.run(1_000);
  assert.equal(tries.length, 1, "everything is sent");
});

test("values of a failed try that fit into no later one still wait", async () => {
  const takes = [];
  const { clock, reporter: one } = reporter((take) => {
    takes.push(take);
    return new Promise(() => {});
  });
  const large = "x".repeat(150_000);
  one.set("a", "1");
  one.set("b", large);
  await clock.run(0);
  one.set("a", large);
  assert.deepEqual(takes[0]().map(({ key }) => key), ["a"]);
  // b is unsent again, so the same value is a change for the others.
  assert.equal(one.set("b", large), false);
  assert.deepEqual(takes[0]().map(({ key }) => key), ["a"]);
  let isSettled = false;
  void one.settled().then(() => (isSettled = true));
  await settle();
  assert.equal(isSettled, false);
});
