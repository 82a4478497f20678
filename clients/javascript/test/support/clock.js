/** A clock that stands still until a test lets time pass. Random numbers come from a seed. */
export class FakeClock {
  #time = 0;
  #order = 0;
  #timers = new Map();
  #seed;
  /** The wall clock at the beginning. */
  epoch = Date.parse("2026-11-23T09:00:00Z");

  constructor(seed = 1) {
    this.#seed = seed;
  }

  now = () => this.epoch + Math.floor(this.#time);

  steady = () => this.#time;

  after = (milliseconds, run) => {
    const order = this.#order++;
    this.#timers.set(order, { at: this.#time + Math.max(0, milliseconds), order, run });
    return () => this.#timers.delete(order);
  };

  // Mulberry32: a short generator, good enough to vary schedules.
  random = () => {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** How many timers are waiting. */
  get pending() {
    return this.#timers.size;
  }

  /** Lets time pass. After each timer, everything that waits for promises alone is done first. */
  async run(milliseconds) {
    const end = this.#time + milliseconds;
    await settle();
    for (let next; (next = this.#next()) && next.at <= end; ) {
      this.#timers.delete(next.order);
      this.#time = Math.max(this.#time, next.at);
      next.run();
      await settle();
    }
    this.#time = end;
  }

  /** Lets time pass until the promise is settled. Fails if that takes longer than `most` milliseconds. */
  async settled(promise, most = 60_000) {
    let isSettled = false;
    const done = () => (isSettled = true);
    promise.then(done, done);
    for (const end = this.#time + most; ; ) {
      await settle();
      if (isSettled) return promise;
      const next = this.#next();
      if (!next || next.at > end) throw new Error(`Not settled within ${most} ms`);
      await this.run(next.at - this.#time);
    }
  }

  #next() {
    let first;
    for (const timer of this.#timers.values()) if (!first || timer.at < first.at) first = timer;
    return first;
  }
}

/** Lets everything be done that waits for promises alone. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
