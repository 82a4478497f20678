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

const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** The bytes of a value as compact JSON in UTF-8. A lone surrogate counts as U+FFFD. */
export function jsonBytes(value: unknown): number {
  const replaced = (_: string, part: unknown) => (typeof part === "string" ? part.replace(LONE_SURROGATE, "\ufffd") : part);
  return new TextEncoder().encode(JSON.stringify(value, replaced)).length;
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
