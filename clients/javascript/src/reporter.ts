import type { Cancel, Clock } from "./clock.js";
import { countThatFits, MAX_ITEMS, type MessageSize } from "./size.js";
import type { KeyValue } from "./wire.js";

/** What a reporter works with. */
export interface ReporterOptions {
  readonly clock: Clock;
  /** Milliseconds from one report to the next, at least. */
  readonly interval: number;
  readonly size: MessageSize<KeyValue>;
  /** Sends a report. Rejects if it is refused for good. */
  send(data: KeyValue[]): Promise<void>;
}

/**
 * A node's own values on their way out: only those that changed, each key's newest, one report at a
 * time and at most one per interval. The first change after a pause leaves at once.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Values to send, oldest change first; `turn` says which change put the key here. */
  readonly #waiting = new Map<string, { value: string; turn: number }>();
  /** What was sent last of each key. */
  readonly #sent = new Map<string, string>();
  #turn = 0;
  #notBefore = -Infinity;
  #cancel: Cancel | undefined;
  #sending = false;
  #settling: { turn: number; done: () => void }[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Takes a value; says whether it is news. */
  set(key: string, value: string): boolean {
    const waiting = this.#waiting.get(key);
    if (value === (waiting?.value ?? this.#sent.get(key))) return false;
    if (value === this.#sent.get(key)) {
      // Back to what everybody has.
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

  /** Done when everything that was set by now, or newer values of the same keys, is answered. */
  settled(): Promise<void> {
    if (!this.#sending && !this.#waiting.size) return Promise.resolve();
    return new Promise((done) => this.#settling.push({ turn: this.#turn, done }));
  }

  /** Forgets what waits. */
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
      // Nobody has these values, so setting them again is news again.
      for (const { key, value } of data) if (this.#sent.get(key) === value) this.#sent.delete(key);
    }
    this.#sending = false;
    this.#settle();
    this.#plan();
  }

  /** Takes the values of the next report. */
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
