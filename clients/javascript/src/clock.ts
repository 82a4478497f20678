/** Time and chance, so that tests can give both. */
export interface Clock {
  /** The wall clock: milliseconds since 1970. It may be set, and jump. */
  now(): number;
  /** A clock that is never set: milliseconds since any moment. */
  steady(): number;
  /** Runs something once, after at least so many milliseconds. */
  after(milliseconds: number, run: () => void): Cancel;
  /** At least 0 and below 1. */
  random(): number;
}

/** Keeps what was planned from happening. Too late, or twice, it does nothing. */
export type Cancel = () => void;

/** The longest time that timers of browsers and Node take; a longer one would run at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The machine's own time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Waits. An abort ends the wait early, and then the promise rejects with the signal's reason. */
export function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    const aborted = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
  });
}

/** The promise, or the signal's abort if that comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The first wait of {@link backoff}, at most, in milliseconds. */
const SHORTEST_WAIT = 500;
/** The longest wait of {@link backoff}, in milliseconds. */
const LONGEST_WAIT = 30_000;

/**
 * How long to wait before the next try, in milliseconds: doubling with each failure, and between half
 * and all of that by chance, so that a class that lost its server does not come back as one.
 */
export function backoff(failures: number, clock: Clock): number {
  const whole = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(failures, 30));
  return whole * (0.5 + clock.random() / 2);
}
