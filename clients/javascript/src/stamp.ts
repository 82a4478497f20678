/** When an event was fired, and its place among the events of its node. */
export interface Stamp {
  /** ISO date-time, UTC, milliseconds. */
  readonly firedAt: string;
  /** `YYYYMMDDHHMMSS-NNNNNNN`: rises with every event, also where a receiver compares it as text. */
  readonly orderKey: string;
}

/** Makes stamps that never go back, even when the clock is set back: time then goes on from where it was. */
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
