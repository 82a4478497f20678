/**
 * Events as a hat block of a sandboxed extension can hear them. Its editor asks again and again whether the
 * hat's event is there, and starts the script when the answer turns from no to yes. So an event is a pulse:
 * yes until every hat has asked, then no until every hat has asked again.
 */

/** How long a yes or a no lasts, in milliseconds: longer than two frames of a slow machine. */
const PHASE = 120;
/** Events that nobody could be told of for so long are told no more, in milliseconds. */
const KEPT = 3_000;
/** How many events of a name wait at most. */
const MAX_WAITING = 100;

interface Pulse {
  /** Until when the answer is yes, and then until when it is no. */
  yes: number;
  no: number;
  /** When the events came that wait. */
  waiting: number[];
}

export class Pulses {
  readonly #now: () => number;
  /** By name, for the names that hats ask for. */
  readonly #pulses = new Map<string, Pulse>();

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Takes an event. Where no hat asks for it, nothing is kept. */
  add(name: string): void {
    const waiting = this.#pulses.get(name)?.waiting;
    if (waiting && waiting.length < MAX_WAITING) waiting.push(this.#now());
  }

  /** Says whether an event of this name is there, as a hat asks. */
  ask(name: string): boolean {
    const now = this.#now();
    const pulse = this.#pulses.get(name) ?? { yes: 0, no: 0, waiting: [] };
    this.#pulses.set(name, pulse);
    if (now >= pulse.no) {
      while (pulse.waiting.length && now - (pulse.waiting[0] ?? now) > KEPT) pulse.waiting.shift();
      if (pulse.waiting.shift() !== undefined) {
        pulse.yes = now + PHASE;
        pulse.no = pulse.yes + PHASE;
      }
    }
    return now < pulse.yes;
  }
}
