/** Sends events. */
import type { Cancel, Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { countThatFits, MAX_EVENTS, MAX_MESSAGE_BYTES, type MessageSize } from "./size.js";
import type { EventInput } from "./wire.js";

/** How many events may wait. Only a program with an endless loop fires more. */
const MAX_WAITING = 10_000;

/** What an outbox is made with. */
export interface OutboxOptions {
  readonly clock: Clock;
  /** Milliseconds for which events are collected, from the first one of a batch. */
  readonly interval: number;
  readonly size: MessageSize<EventInput>;
  /** Resolves when all values are answered that must arrive before the events that were added so far. */
  before(): Promise<void>;
  /** Sends a batch. Never rejects: the sender itself reports refused events. */
  send(batch: EventInput[]): Promise<void>;
}

/** Collects events for an interval, and sends them in order, in batches that the server accepts. */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: { event: EventInput; bytes: number }[] = [];
  #added = 0;
  #sent = 0;
  #cancel: Cancel | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Adds an event. Throws if it is too large for a message, or if too many events wait. */
  add(event: EventInput): void {
    const { size } = this.#options;
    const bytes = size.of(event);
    const excess = size.empty + bytes - MAX_MESSAGE_BYTES;
    if (excess > 0) throw new MeshError("ValidationError", `The event is ${excess} bytes too large (240 KB are allowed)`);
    if (this.#waiting.length >= MAX_WAITING) throw new MeshError("LimitExceeded", `${MAX_WAITING} events are waiting to be sent`);
    this.#waiting.push({ event, bytes });
    this.#added++;
    this.#plan();
  }

  /** Sends at once. Resolves when all events that were added before are answered. */
  async flush(): Promise<void> {
    for (const target = this.#added; this.#sent < target; ) await this.#send();
  }

  /** Drops the events that wait. */
  clear(): void {
    this.#cancel?.();
    this.#sent += this.#waiting.length;
    this.#waiting = [];
  }

  #plan(): void {
    if (this.#cancel || this.#sending || !this.#waiting.length) return;
    this.#cancel = this.#options.clock.after(this.#options.interval, () => void this.#send());
  }

  #send(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    return (this.#sending ??= this.#sendWaiting().finally(() => {
      this.#sending = undefined;
      this.#plan();
    }));
  }

  async #sendWaiting(): Promise<void> {
    const last = this.#added;
    await this.#options.before();
    while (this.#sent < last && this.#waiting.length) {
      const most = Math.min(MAX_EVENTS, last - this.#sent);
      const sizes = this.#waiting.slice(0, most).map(({ bytes }) => bytes);
      const batch = this.#waiting.splice(0, countThatFits(sizes, this.#options.size.empty, most));
      await this.#options.send(batch.map(({ event }) => event));
      this.#sent += batch.length;
    }
  }
}
