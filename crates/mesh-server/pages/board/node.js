/** One node: its tile among those of its group, and what is known of it. */
import { make, spoken } from './make.js';
import { nodeName } from './names.js';
import { say } from './speech.js';

/** A node that is well again stays in front for so long: tiles that hurry to and fro cannot be read. */
const RECOVERY = 10_000;
/** A node that is gone without a word is shown for so long. */
const LOST_SHOWN = 120_000;

/** Lines that are highlighted until the next frame. Animations would keep a laptop busy all lesson. */
let changed = [];

export const calm = () => {
  for (const line of changed) line.classList.remove('changed');
  changed = [];
};

export class Node {
  #wasInTrouble = -Infinity;
  #lostSince;
  /** A tile has so many lines below the name, for what is wrong and for values. */
  #room = 2;
  #lines = new Map();
  #name = make('button', { type: 'button', className: 'name' });
  #badges = make('p', { className: 'badges' });
  #values = make('dl', { className: 'values' });
  #empty = spoken('p', 'noValues', { className: 'quiet' });

  constructor(id, { isHost, onOpen }) {
    this.id = id;
    this.isHost = isHost;
    this.label = nodeName(id);
    this.values = new Map();
    this.state = 'here';
    this.polls = false;
    this.#name.addEventListener('click', () => onOpen(this));
    this.#name.textContent = this.label;
    this.element = make('li', { className: 'node' }, this.#name, this.#badges, this.#values, this.#empty);
    this.#show();
  }

  get isLost() {
    return this.state === 'lost';
  }

  get isInTrouble() {
    return this.state !== 'here';
  }

  /** Whether it stands among those in trouble: also a while after that. */
  isInFront(time) {
    return time - this.#wasInTrouble < RECOVERY;
  }

  /** Whether it was lost long enough ago to be forgotten. */
  isForgotten(time) {
    return this.isLost && time - this.#lostSince > LOST_SHOWN;
  }

  /** Shows what changed. Values are highlighted if they are news. */
  apply({ state, polls, name, values = [] }, time, isNews) {
    if (name !== undefined) {
      this.label = nodeName(this.id, name);
      this.#name.textContent = this.label;
    }
    this.polls = polls;
    this.#turn(state, time);
    for (const [key, value] of values) this.#set(key, value, isNews);
  }

  lose(time) {
    this.#lostSince = time;
    this.#turn('lost', time);
  }

  #turn(state, time) {
    this.state = state;
    this.tick(time);
    this.#show();
  }

  /** Remembers trouble. */
  tick(time) {
    if (this.isInTrouble) this.#wasInTrouble = time;
  }

  #show() {
    this.element.dataset.state = this.state;
    this.#badges.replaceChildren(...this.badges());
    this.#fit();
  }

  /** What is to be said of it beside its values. */
  badges() {
    const words = [this.isInTrouble && this.state, this.isHost && 'host', this.polls && 'polls'];
    return words.filter(Boolean).map(word => spoken('span', word, { className: `badge ${word}` }));
  }

  #set(key, value, isNews) {
    this.values.set(key, value);
    let line = this.#lines.get(key);
    if (!line) {
      line = make('div', {}, make('dt', { textContent: key }), make('dd'));
      this.#lines.set(key, line);
      this.#values.append(line);
      this.#fit();
    }
    line.lastChild.textContent = value;
    if (!isNews) return;
    line.classList.add('changed');
    changed.push(line);
  }

  /** Makes the tile larger or smaller: it has room for so many lines. */
  set room(lines) {
    this.#room = lines;
    this.#fit();
  }

  /** Shows as many values as there is room for. */
  #fit() {
    const hasBadges = this.#badges.hasChildNodes();
    const room = this.#room - (hasBadges ? 1 : 0);
    this.#badges.hidden = !hasBadges;
    this.#empty.hidden = this.#lines.size > 0 || this.isInTrouble;
    [...this.#lines.values()].forEach((line, place) => (line.hidden = place >= room));
    const more = this.#lines.size - room;
    this.#values.dataset.more = more > 0 ? `+${more}` : '';
  }
}

/** Says all that is known of a node in the dialog about it. */
export const describe = (node, { title, badges, values }) => {
  say(title, 'nodeTitle', { name: node.label });
  badges.replaceChildren(...node.badges());
  const line = ([key, value]) => make('div', {}, make('dt', { textContent: key }), make('dd', { textContent: value }));
  values.replaceChildren(...[...node.values].map(line));
};
