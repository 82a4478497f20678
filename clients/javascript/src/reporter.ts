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
  /** Sends a report. It calls `take` for the values of each try. Rejects if the server refuses the report. */
  send(take: () => KeyValue[]): Promise<void>;
}

/** A value to send. `turn` numbers the change that added its key. */
interface Change {
  readonly value: string;
  readonly turn: number;
}

/**
 * Sends the values that changed, only the newest of each key. There is one report at a time, and at most
 * one in an interval. The first change after a pause is sent at once. After a failed try the next one
 * sends the same keys, with the newest values.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  /** The values to send, oldest change first. */
  #waiting = new Map<string, Change>();
  /** The values of the report that is being sent. */
  #inFlight = new Map<string, Change>();
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
    } else {
      this.#waiting.set(key, { value, turn: waiting?.turn ?? ++this.#turn });
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
    this.#inFlight.clear();
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
    if (!this.#waiting.size) return;
    this.#sending = true;
    this.#notBefore = this.#options.clock.steady() + this.#options.interval;
    try {
      await this.#options.send(() => this.#take());
    } catch {
      // The others do not have these values, so setting them again must send them again.
      for (const [key, { value }] of this.#inFlight) if (this.#sent.get(key) === value) this.#sent.delete(key);
    }
    this.#inFlight.clear();
    this.#sending = false;
    this.#settle();
    this.#plan();
  }

  /** The values of the next try: those of a failed try before it, and those that wait, newest values only. */
  #take(): KeyValue[] {
    const changes = this.#inFlight;
    this.#inFlight = new Map();
    for (const key of changes.keys()) this.#sent.delete(key);
    // A key keeps its place and turn, so that events which wait for its older value still wait.
    for (const [key, change] of this.#waiting) {
      changes.set(key, { value: change.value, turn: changes.get(key)?.turn ?? change.turn });
    }
    this.#waiting = changes;
    const items = Array.from(changes, ([key, { value }]) => ({ key, value })).slice(0, MAX_ITEMS);
    const { empty, of } = this.#options.size;
    const data = items.slice(0, countThatFits(items.map(of), empty, MAX_ITEMS));
    for (const { key, value } of data) {
      this.#inFlight.set(key, changes.get(key)!);
      changes.delete(key);
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
