import { within } from './within.js';

/** What arrived, in order; `next` waits, so that no test has to sleep. */
export class Inbox {
  #arrived = [];
  #asked = [];

  constructor(what) {
    this.what = what;
  }

  put(item) {
    const ask = this.#asked.shift();
    if (ask) ask(item);
    else this.#arrived.push(item);
  }

  isEmpty() {
    return this.#arrived.length === 0;
  }

  next() {
    if (this.#arrived.length > 0) return this.#arrived.shift();
    return within(new Promise(resolve => this.#asked.push(resolve)), this.what);
  }
}
