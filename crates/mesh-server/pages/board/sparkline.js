/** Messages a second over the last minute, as a row of bars. */
import { draw } from './make.js';

const SECONDS = 60;
/** The rate is that of the last so many seconds. */
const RATE_SECONDS = 5;
/** Bars are full at so many messages a second at least, so that a lonely message is no mountain. */
const LOWEST_TOP = 10;

export class Sparkline {
  #counts = new Map();
  #path = draw('path');

  constructor() {
    const shape = { viewBox: `0 0 ${SECONDS} 20`, preserveAspectRatio: 'none', class: 'sparkline', 'aria-hidden': 'true' };
    this.element = draw('svg', shape, this.#path);
  }

  /** Counts messages that came until `time`, in milliseconds. */
  count(time, messages) {
    const second = Math.floor(time / 1_000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + messages);
  }

  /** Draws the minute before `time`. */
  render(time) {
    // The second that is not over yet would always be a low one.
    const last = Math.floor(time / 1_000) - 1;
    for (const second of this.#counts.keys()) if (second <= last - SECONDS) this.#counts.delete(second);
    const top = Math.max(LOWEST_TOP, ...this.#counts.values());
    let bars = '';
    for (const [second, messages] of this.#counts) {
      if (second > last) continue;
      const height = (20 * messages) / top;
      bars += `M${SECONDS - 1 - (last - second)} 20v-${height.toFixed(1)}h.8V20z`;
    }
    this.#path.setAttribute('d', bars);
  }

  /** How many messages a second came lately. */
  rate(time) {
    const last = Math.floor(time / 1_000) - 1;
    let sum = 0;
    for (let second = last; second > last - RATE_SECONDS; second -= 1) sum += this.#counts.get(second) ?? 0;
    return sum / RATE_SECONDS;
  }
}

/** A rate as people read it. */
export const shownRate = rate => (rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1));
