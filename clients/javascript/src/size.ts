/**
 * The size of live messages. AppSync delivers none above 240 KB, so the server refuses a call that would
 * make a larger one. It is measured here exactly as the server does, so the server never has to refuse one.
 */
import type { EventInput, NodeRef, KeyValue } from "./wire.js";

/** The largest live message, in bytes: 240 KB. */
export const MAX_MESSAGE_BYTES = 245_760;
/** How many events one call may have. */
export const MAX_EVENTS = 1_000;
/** How many values one report may have. */
export const MAX_ITEMS = 250;

/** A cursor as long as the longest one. The server counts every cursor so. */
const CURSOR = "c".repeat(32);
/** A time as the server writes it. All have the same length. */
const TIME = "2026-11-23T00:00:00.000Z";

/** The bytes of a value as compact JSON in UTF-8. A lone surrogate counts as U+FFFD. */
export function jsonBytes(value: unknown): number {
  if (typeof value === "string") return textBytes(value);
  if (value === null || typeof value !== "object") return String(value).length;
  const isList = Array.isArray(value);
  let bytes = 2;
  let separators = -1;
  for (const [key, item] of Object.entries(value)) {
    bytes += jsonBytes(item) + (isList ? 0 : textBytes(key) + 1);
    separators++;
  }
  return bytes + Math.max(separators, 0);
}

/** The bytes of a JSON string. Only quotes, backslashes and control characters are escaped. */
function textBytes(text: string): number {
  let bytes = 2;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20) bytes += "\b\t\n\f\r".includes(text[index]!) ? 2 : 6;
    else if (unit < 0x80) bytes += unit === 0x22 || unit === 0x5c ? 2 : 1;
    else if (unit < 0x800) bytes += 2;
    else {
      bytes += 3;
      // A complete pair is one character of four bytes.
      if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
        bytes++;
        index++;
      }
    }
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** How the size of a message depends on its items. */
export interface MessageSize<T> {
  /** The bytes of a message without items. */
  readonly empty: number;
  /** The bytes of one item, without commas. */
  readonly of: (item: T) => number;
}

/** The size of a node's messages with events. */
export function batchMessageSize({ groupId, domain, nodeId }: NodeRef): MessageSize<EventInput> {
  const by = { groupId, domain, firedByNodeId: nodeId };
  return {
    empty: messageBytes(groupId, domain, { batchEvent: { ...by, events: [], timestamp: TIME } }),
    of: ({ eventName, payload, firedAt, orderKey }) =>
      jsonBytes({ ...by, name: eventName, payload, timestamp: firedAt, cursor: CURSOR, orderKey }),
  };
}

/** The size of a node's messages with values. */
export function reportMessageSize({ groupId, domain, nodeId }: NodeRef): MessageSize<KeyValue> {
  const nodeStatus = { nodeId, groupId, domain, data: [], timestamp: TIME };
  return { empty: messageBytes(groupId, domain, { nodeStatus }), of: ({ key, value }) => jsonBytes({ key, value }) };
}

function messageBytes(groupId: string, domain: string, part: object): number {
  const message = { groupId, domain, nodeStatus: null, batchEvent: null, groupDissolve: null, ...part };
  return jsonBytes({ data: { onMessageInGroup: message } });
}

/** How many of these items fit into one message, from the first on: at most `most`, and 240 KB with commas. */
export function countThatFits(sizes: Iterable<number>, empty: number, most: number): number {
  let bytes = empty;
  let count = 0;
  for (const size of sizes) {
    bytes += size + (count ? 1 : 0);
    if (count === most || bytes > MAX_MESSAGE_BYTES) break;
    count++;
  }
  return count;
}
