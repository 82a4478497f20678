/** The time and the order key of fired events. */
/** Time and order of an event. */
export interface Stamp {
  /** ISO date-time, UTC, milliseconds. */
  readonly firedAt: string;
  /** `YYYYMMDDHHMMSS-NNNNNNN`, compared as text: it is larger for every later event of the node. */
  readonly orderKey: string;
}

/** Makes stamps. When the clock is set back, time continues from the last stamp, so it never goes back. */
export function stamper(now: () => number): () => Stamp {
  let last = 0;
  let ahead = 0;
  let second = "";
  let count = 0;
  return () => {
    const time = now() + ahead;
    ahead += Math.max(0, last - time);
    last = Math.max(time, last);
    const firedAt = new Date(last).toISOString();
    const digits = firedAt.slice(0, 19).replace(/\D/g, "");
    count = digits === second ? count + 1 : 0;
    second = digits;
    return { firedAt, orderKey: `${digits}-${String(count).padStart(7, "0")}` };
  };
}
