/** What happened: the newest events, each as who, what and value. */
import { make } from './make.js';
import { nodeName } from './names.js';
import { language, say } from './speech.js';

/** So many are kept, and as many rows are there from the beginning: texts change, rows never move. */
const MOST = 60;

const at = id => document.getElementById(id);

export class Events {
  /** The newest first. */
  #events = [];
  #group;
  #rows = Array.from({ length: MOST }, () => {
    const who = make('td', {}, make('b'), make('span', { className: 'quiet' }));
    return make('tr', { hidden: true }, make('td', { className: 'when' }), who, make('td', { className: 'what' }), make('td'));
  });

  constructor() {
    at('event-rows').append(...this.#rows);
    at('lines').addEventListener('scroll', () => this.#render());
  }

  /** Adds events of a frame, oldest first. */
  add(events, more, groups) {
    if (events.length === 0) return;
    const known = events.map(event => {
      const group = groups.get(event.group);
      const who = group?.nodes.get(event.node)?.label ?? nodeName(event.node);
      return { ...event, who, where: group?.label ?? '' };
    });
    this.#events = [...known.reverse(), ...this.#events].slice(0, MOST);
    if (more > 0) say(at('more-events'), 'moreEvents', { n: more });
    at('more-events').classList.toggle('none', !(more > 0));
    this.#render();
  }

  /** Shows those of a group, or of all. */
  show(group) {
    this.#group = group;
    this.#render();
  }

  /** Stands still while somebody reads further down. */
  #render() {
    if (at('lines').scrollTop > 0) return;
    const shown = this.#group ? this.#events.filter(({ group }) => group === this.#group.id) : this.#events;
    for (const [place, row] of this.#rows.entries()) {
      const event = shown[place];
      row.hidden = !event;
      if (event) this.#fill(row, event);
    }
  }

  #fill(row, { time, who, where, name, payload }) {
    const clock = new Date(time).toLocaleTimeString(language() === 'en' ? 'en-GB' : 'ja-JP');
    const [when, sender, what, value] = row.cells;
    const texts = [
      [when, clock],
      [sender.firstChild, who],
      [sender.lastChild, this.#group ? '' : where],
      [what, name],
      [value, payload ?? ''],
    ];
    for (const [cell, text] of texts) if (cell.textContent !== text) cell.textContent = text;
  }
}
