import type { WireEvent } from "./wire.js";

/** How long an event is remembered at least, in milliseconds: longer than servers keep one. */
const REMEMBERED = 120_000;
/** How many events make a generation of their own, so that memory stays bounded. */
const MOST_IN_GENERATION = 50_000;

type Copy = Pick<WireEvent, "orderKey" | "payload">;

/**
 * Knows events again that come twice: a call that was sent again, a catch-up that overlaps, or the live
 * message and the poll of the same event. Two copies are the same event where sender, time and name
 * are, and whatever else both of them tell.
 */
export class Repeats {
  readonly #now: () => number;
  #young = new Map<string, Copy[]>();
  #old = new Map<string, Copy[]>();
  #count = 0;
  #since = -Infinity;

  /** `now` is a steady clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether an event is new. From then on it is not. */
  isNew(sender: string, event: WireEvent): boolean {
    this.#age();
    const key = JSON.stringify([sender, event.timestamp, event.name]);
    const known = this.#young.get(key);
    const isSame = (copy: Copy) => agree(copy.orderKey, event.orderKey) && agree(copy.payload, event.payload);
    if (known?.some(isSame) || this.#old.get(key)?.some(isSame)) return false;
    const copy = { orderKey: event.orderKey, payload: event.payload };
    if (known) known.push(copy);
    else this.#young.set(key, [copy]);
    this.#count++;
    return true;
  }

  #age(): void {
    if (this.#now() - this.#since < REMEMBERED && this.#count < MOST_IN_GENERATION) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#count = 0;
    this.#since = this.#now();
  }
}

function agree(one: string | null, other: string | null): boolean {
  return one === other || one === null || other === null;
}
