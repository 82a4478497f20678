/** Bounds how often each of many names is used: a loop without a pause must not flood a classroom. */

/** More names than a project has. Beyond them everything begins anew. */
const MAX_NAMES = 1_000;

export class RateLimiter {
  readonly #perSecond: number;
  readonly #now: () => number;
  /** What is left of each name's allowance, and since when. */
  readonly #left = new Map<string, { tokens: number; since: number }>();

  /** Allows each name `perSecond` uses a second, and a second's worth at once. */
  constructor(perSecond: number, now = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Says whether the name may be used now, and counts it if so. */
  take(name: string): boolean {
    const since = this.#now();
    const known = this.#left.get(name);
    const gained = known ? ((since - known.since) / 1_000) * this.#perSecond : 0;
    const tokens = known ? Math.min(this.#perSecond, known.tokens + gained) : this.#perSecond;
    const isAllowed = tokens >= 1;
    if (this.#left.size >= MAX_NAMES) this.#left.clear();
    this.#left.set(name, { tokens: isAllowed ? tokens - 1 : tokens, since });
    return isAllowed;
  }
}
