/** Sends values. */
import type { Cancel, Clock } from "./clock.js";
import { countThatFits, MAX_ITEMS, type MessageSize } from "./size.js";
import type { KeyValue } from "./wire.js";

/** What a reporter is made with. */
export interface ReporterOptions {
  readonly clock: Clock;
  /** The least milliseconds from one report to the next. */
  readonly interval: number;
  readonly size: MessageSize<KeyValue>;
  /** Sends a report. Rejects if the server refuses it. */
  send(data: KeyValue[]): Promise<void>;
}

/**
 * Sends the values that changed, only the newest of each key. There is one report at a time, and at most
 * one in an interval. The first change after a pause is sent at once.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Values to send, oldest change first. `turn` numbers the change that added the key. */
  readonly #waiting = new Map<string, { value: string; turn: number }>();
  /** The last sent value of each key. */
  readonly #sent = new Map<string, string>();
  #turn = 0;
  #notBefore = -Infinity;
  #cancel: Cancel | undefined;
  #sending = false;
  /** Callers of `settled`, with the turn that each waits for. */
  #settling: { turn: number; done: () => void }[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Sets a value. Returns false if it is the same as before. */
  set(key: string, value: string): boolean {
    const waiting = this.#waiting.get(key);
    if (value === (waiting?.value ?? this.#sent.get(key))) return false;
    if (value === this.#sent.get(key)) {
      // The others have this value already.
      this.#waiting.delete(key);
      this.#settle();
    } else if (waiting) {
      waiting.value = value;
    } else {
      this.#waiting.set(key, { value, turn: ++this.#turn });
    }
    this.#plan();
    return true;
  }

  /** Resolves when all values that were set before, or newer ones of the same keys, are answered. */
  settled(): Promise<void> {
    if (!this.#sending && !this.#waiting.size) return Promise.resolve();
    return new Promise((done) => this.#settling.push({ turn: this.#turn, done }));
  }

  /** Drops the values that wait. */
  clear(): void {
    this.#cancel?.();
    this.#waiting.clear();
    this.#sending = false;
    this.#settle();
  }

  #plan(): void {
    if (this.#cancel || this.#sending || !this.#waiting.size) return;
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(0, this.#notBefore - clock.steady()), () => void this.#send());
  }

  async #send(): Promise<void> {
    this.#cancel = undefined;
    const data = this.#next();
    if (!data.length) return;
    this.#sending = true;
    this.#notBefore = this.#options.clock.steady() + this.#options.interval;
    try {
      await this.#options.send(data);
    } catch {
      // The others do not have these values, so setting them again must send them again.
      for (const { key, value } of data) if (this.#sent.get(key) === value) this.#sent.delete(key);
    }
    this.#sending = false;
    this.#settle();
    this.#plan();
  }

  /** Removes the values of the next report from those that wait, and returns them. */
  #next(): KeyValue[] {
    const items = Array.from(this.#waiting, ([key, { value }]) => ({ key, value })).slice(0, MAX_ITEMS);
    const { empty, of } = this.#options.size;
    const data = items.slice(0, countThatFits(items.map(of), empty, MAX_ITEMS));
    for (const { key, value } of data) {
      this.#waiting.delete(key);
      this.#sent.set(key, value);
    }
    return data;
  }

  #settle(): void {
    if (this.#sending) return;
    const [oldest] = this.#waiting.values();
    const isDone = ({ turn }: { turn: number }) => !oldest || turn < oldest.turn;
    const done = this.#settling.filter(isDone);
    this.#settling = this.#settling.filter((waiter) => !isDone(waiter));
    for (const waiter of done) waiter.done();
  }
}
