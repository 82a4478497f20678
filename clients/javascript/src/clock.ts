/** Time and randomness, which tests replace; pauses between tries. */

/** The source of time and randomness. */
export interface Clock {
  /** The wall clock: milliseconds since 1970. It jumps when somebody sets it. */
  now(): number;
  /** A clock that never jumps: milliseconds since some moment. */
  steady(): number;
  /** Calls `run` once, after at least this time. */
  after(milliseconds: number, run: () => void): Cancel;
  /** At least 0 and below 1. */
  random(): number;
}

/** Cancels a planned call. After the call, or the second time, it does nothing. */
export type Cancel = () => void;

/** The longest time that timers accept, in milliseconds. A longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The machine's own time and randomness. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Waits. After an abort the promise rejects with the signal's reason. */
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

/** The result of `promise`, or a rejection if the signal is aborted before. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The upper bound of the first wait of {@link backoff}, in milliseconds. */
const SHORTEST_WAIT = 500;
/** The longest wait of {@link backoff}, in milliseconds. */
const LONGEST_WAIT = 30_000;

/**
 * How long to wait before the next try, in milliseconds. The time doubles with each failure. A random part
 * of up to one half is taken away, so that the nodes of a class do not all try at the same moment.
 */
export function backoff(failures: number, clock: Clock): number {
  const whole = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** Math.min(failures, 30));
  return whole * (0.5 + clock.random() / 2);
}
