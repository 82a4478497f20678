/** The size of messages, measured in bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batchMessageSize, countThatFits, jsonBytes, MAX_MESSAGE_BYTES, reportMessageSize } from "../../dist/size.js";

/** Texts with everything that counts differently: kana, emoji, quotes, escapes, halves of pairs. */
const text = (maxLength = 40) =>
  fc
    .array(fc.constantFrom("a", "あ", "ア", "漢", "é", "🦀", "\ud83d", "\ude00", '"', "\\", "\n", "\u0000", "\u007f", "\u2028"), { maxLength })
    .map((parts) => parts.join(""));

const id = fc.string({ minLength: 1, maxLength: 128, unit: "grapheme" });
const time = "2026-11-23T09:00:00.000Z";
const bytesOf = (value) => Buffer.byteLength(JSON.stringify(value, (_, part) => (typeof part === "string" ? part.toWellFormed() : part)));

test("a value is as large as its JSON with whole characters", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(text(), fc.boolean(), fc.integer(), fc.constant(null), fc.array(tie("value"), { maxLength: 4 }), fc.dictionary(fc.string({ unit: "grapheme", maxLength: 5 }), tie("value"))),
  })).value;
  fc.assert(fc.property(json, (value) => assert.equal(jsonBytes(value), bytesOf(value))));
});

test("a message of events is as large as its frame, its events and the commas between them", () => {
  const event = fc.record({ eventName: text(), payload: fc.option(text()), firedAt: fc.constant(time), orderKey: text(10) });
  fc.assert(
    fc.property(id, id, id, fc.array(event, { minLength: 1, maxLength: 5 }), (groupId, domain, nodeId, events) => {
      const { empty, of } = batchMessageSize({ groupId, domain, nodeId });
      const measured = events.reduce((sum, one) => sum + of(one), empty) + events.length - 1;
      const shown = events.map(({ eventName, payload, firedAt, orderKey }) => ({
        name: eventName, firedByNodeId: nodeId, groupId, domain, payload, timestamp: firedAt, cursor: "c".repeat(32), orderKey,
      }));
      const batchEvent = { events: shown, firedByNodeId: nodeId, groupId, domain, timestamp: time };
      const message = { groupId, domain, nodeStatus: null, batchEvent, groupDissolve: null };
      assert.equal(measured, bytesOf({ data: { onMessageInGroup: message } }));
    }),
  );
});

test("a message of values is as large as its frame, its values and the commas between them", () => {
  fc.assert(
    fc.property(id, id, id, fc.array(fc.record({ key: text(), value: text() }), { minLength: 1, maxLength: 5 }), (groupId, domain, nodeId, data) => {
      const { empty, of } = reportMessageSize({ groupId, domain, nodeId });
      const measured = data.reduce((sum, one) => sum + of(one), empty) + data.length - 1;
      const nodeStatus = { nodeId, groupId, domain, data, timestamp: time };
      const message = { groupId, domain, nodeStatus, batchEvent: null, groupDissolve: null };
      assert.equal(measured, bytesOf({ data: { onMessageInGroup: message } }));
    }),
  );
});

test("as many items fit as the count and the bytes allow", () => {
  assert.equal(countThatFits([], 10, 5), 0);
  assert.equal(countThatFits([1, 1, 1], 10, 2), 2);
  assert.equal(countThatFits([MAX_MESSAGE_BYTES - 10], 10, 5), 1);
  assert.equal(countThatFits([MAX_MESSAGE_BYTES - 9], 10, 5), 0);
  // The comma counts.
  assert.equal(countThatFits([MAX_MESSAGE_BYTES - 20, 9], 10, 5), 2);
  assert.equal(countThatFits([MAX_MESSAGE_BYTES - 20, 10], 10, 5), 1);
});
