import type { WireEvent } from "./wire.js";

/** How many events make a generation. The last two are remembered: a whole lesson's, mostly, and never more. */
const GENERATION = 50_000;

type Copy = Pick<WireEvent, "orderKey" | "payload">;

/**
 * Knows events again that come twice: a call that was sent again, however late, a catch-up that
 * overlaps, or the live message and the poll of the same event. Two copies are the same event where
 * sender, time and name are, and whatever else both of them tell.
 */
export class Deduplicator {
  #young = new Map<string, Copy[]>();
  #old = new Map<string, Copy[]>();
  #count = 0;

  /** Whether an event is new. From then on it is not. */
  isNew(sender: string, event: WireEvent): boolean {
    const key = JSON.stringify([sender, event.timestamp, event.name]);
    const isSame = (copy: Copy) => agree(copy.orderKey, event.orderKey) && agree(copy.payload, event.payload);
    if (this.#young.get(key)?.some(isSame) || this.#old.get(key)?.some(isSame)) return false;
    if (this.#count === GENERATION) this.#age();
    const copies = this.#young.get(key) ?? [];
    this.#young.set(key, copies);
    copies.push({ orderKey: event.orderKey, payload: event.payload });
    this.#count++;
    return true;
  }

  #age(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#count = 0;
  }
}

function agree(one: string | null, other: string | null): boolean {
  return one === other || one === null || other === null;
}
