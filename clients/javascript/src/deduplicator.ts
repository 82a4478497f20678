/** Finds events that arrive more than once. */
import type { WireEvent } from "./wire.js";

/** How many events one generation holds. Two generations are kept, so memory has a bound. */
const GENERATION = 50_000;

type Copy = Pick<WireEvent, "orderKey" | "payload">;

/**
 * Events arrive twice when a call is sent again, when a poll overlaps with another one, or when the same
 * event comes in a live message and in a poll.
 *
 * Two events are the same if node, time and name are equal, and also order key and payload where both
 * copies have them.
 */
export class Deduplicator {
  #young = new Map<string, Copy[]>();
  #old = new Map<string, Copy[]>();
  #count = 0;

  /** Returns true the first time it is called with an event. */
  isNew(nodeId: string, event: WireEvent): boolean {
    const key = JSON.stringify([nodeId, event.timestamp, event.name]);
    const isSame = (copy: Copy) => agree(copy.orderKey, event.orderKey) && agree(copy.payload, event.payload);
    if (this.#young.get(key)?.some(isSame) || this.#old.get(key)?.some(isSame)) return false;
    if (this.#count === GENERATION) this.#startGeneration();
    const copies = this.#young.get(key) ?? [];
    this.#young.set(key, copies);
    copies.push({ orderKey: event.orderKey, payload: event.payload });
    this.#count++;
    return true;
  }

  #startGeneration(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#count = 0;
  }
}

function agree(one: string | null, other: string | null): boolean {
  return one === other || one === null || other === null;
}
