/** Bounds how often each name is used: a loop without a pause must not flood a classroom. */
export class RateLimiter {
  readonly #perSecond: number;
  readonly #now: () => number;
  /** How often each name was used in this second, which began at `since`. */
  readonly #uses = new Map<string, number>();
  #since = 0;

  constructor(perSecond: number, now = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Says whether the name may be used now, and counts it if so. */
  take(name: string): boolean {
    const now = this.#now();
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#uses.clear();
    }
    const uses = (this.#uses.get(name) ?? 0) + 1;
    this.#uses.set(name, uses);
    return uses <= this.#perSecond;
  }
}
