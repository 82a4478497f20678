/** One group: its page with a tile for each node, and its card in the overview of all groups. */
import { make, spoken } from './make.js';
import { shortName } from './names.js';
import { Node } from './node.js';
import { Places } from './places.js';
import { say } from './speech.js';
import { shownRate, Sparkline } from './sparkline.js';

/** The card names so many nodes in trouble. */
const MOST_NAMED = 4;
/** Up to so many nodes have large tiles. */
const ROOMY = 20;
/** A group that ends within this time says so. */
const SOON = 300_000;

const byName = new Intl.Collator('ja', { numeric: true });

export class Group {
  #places;
  #order = '';
  #knowsValues = false;
  #list = make('ul', { className: 'nodes places' });
  #facts = [];

  constructor(id, about, { onOpenNode, onDissolve }) {
    this.id = id;
    this.about = about;
    this.label = shortName(about.name);
    this.nodes = new Map();
    this.#onOpen = node => onOpenNode(this, node);
    this.#makePage(onDissolve);
    this.#makeCard();
  }

  #onOpen;

  #makePage(onDissolve) {
    const title = make('h2', { id: `title-${this.id}`, className: 'name', textContent: this.label });
    this.all = spoken('a', 'allGroups', { className: 'button', href: '#' });
    const invite = spoken('a', 'invite', { className: 'button', href: `#${new URLSearchParams({ join: this.id })}` });
    const dissolve = spoken('button', 'dissolve', { type: 'button', className: 'danger' });
    dissolve.addEventListener('click', () => onDissolve(this));
    this.sparkline = new Sparkline();
    const facts = this.#addFacts();
    const head = make('div', { className: 'head' }, this.all, title, facts, this.sparkline.element, invite, dissolve);
    this.page = make('section', { className: 'group' }, head, this.#list);
    this.page.setAttribute('aria-labelledby', title.id);
    this.#places = new Places(this.#list);
  }

  #makeCard() {
    const link = make('a', { className: 'name', href: `#${new URLSearchParams({ group: this.id })}`, textContent: this.label });
    this.cardSparkline = make('div', { className: 'spark' });
    this.dots = make('div', { className: 'dots' });
    this.dots.setAttribute('aria-hidden', 'true');
    this.named = make('p', { className: 'trouble' });
    this.card = make('li', { className: 'card' }, make('h3', {}, link), this.#addFacts(), this.dots, this.named, this.cardSparkline);
  }

  /** How many nodes, how much time, how many messages: on the page and on the card. */
  #addFacts() {
    const facts = { size: make('span'), time: make('span', { className: 'time' }), rate: make('span', { className: 'rate' }) };
    facts.trouble = make('span', { className: 'trouble' });
    this.#facts.push(facts);
    return make('p', { className: 'facts' }, facts.size, facts.time, facts.rate, facts.trouble);
  }

  /** Shows what changed. */
  apply({ messages, nodes = [], gone = [] }, time) {
    if (messages > 0) this.sparkline.count(time, messages);
    for (const change of nodes) this.#node(change).apply(change, time, this.#knowsValues);
    for (const { id, lost } of gone) {
      if (lost) this.nodes.get(id)?.lose(time);
      else this.nodes.delete(id);
    }
    this.arrange(time);
  }

  /** Whether all values of its nodes are told. Before, nothing says that there are none. */
  set isOpened(isOpened) {
    if (isOpened) this.#knowsValues = true;
    this.page.dataset.opened = isOpened;
  }

  #node({ id, isNew }) {
    if (isNew) this.nodes.delete(id);
    if (!this.nodes.has(id)) {
      const node = new Node(id, { isHost: id === this.about.host, onOpen: this.#onOpen });
      this.nodes.set(id, node);
      this.#makeRoom();
    }
    return this.nodes.get(id);
  }

  /** Tiles become smaller when there are many, and stay so: a class that comes back finds its places. */
  #makeRoom() {
    const isRoomy = this.#list.dataset.roomy !== 'false' && this.nodes.size <= ROOMY;
    this.#list.dataset.roomy = isRoomy;
    for (const node of this.nodes.values()) node.room = isRoomy ? 3 : 2;
  }

  /** Those in trouble first, then by name. */
  arrange(time) {
    for (const node of this.nodes.values()) {
      if (node.isForgotten(time)) this.nodes.delete(node.id);
      else node.tick(time);
    }
    const front = node => (node.isInFront(time) ? 0 : 1);
    const compare = (one, other) =>
      front(one) - front(other) || byName.compare(one.label, other.label) || byName.compare(one.id, other.id);
    const sorted = [...this.nodes.values()].sort(compare);
    this.#sum(sorted);
    const order = JSON.stringify(sorted.map(({ id }) => id));
    const elements = sorted.map(({ element }) => element);
    if (order === this.#order && elements.every(element => element.parentNode)) return;
    this.#order = order;
    this.#places.arrange(elements);
  }

  #sum(sorted) {
    const troubled = sorted.filter(({ isInTrouble }) => isInTrouble);
    for (const { size, trouble } of this.#facts) {
      say(size, 'count', { n: this.present });
      say(trouble, 'trouble', { n: troubled.length });
      trouble.dataset.none = troubled.length === 0;
    }
    const names = troubled.slice(0, MOST_NAMED).map(({ label }) => label);
    this.named.textContent = names.join('、') + (troubled.length > MOST_NAMED ? ' …' : '');
    this.card.dataset.trouble = troubled.length > 0;
    this.#dot(sorted);
  }

  /** A dot for each node; dots come and go at the end alone, so that none moves. */
  #dot(sorted) {
    while (this.dots.childElementCount > sorted.length) this.dots.lastChild.remove();
    while (this.dots.childElementCount < sorted.length) this.dots.append(make('i'));
    for (const [place, { state }] of sorted.entries()) {
      const dot = this.dots.children[place];
      if (dot.dataset.state !== state) dot.dataset.state = state;
    }
  }

  /** Shows what goes by time; gives the messages a second. */
  tick(time) {
    const left = Math.max(0, this.about.expiresAt - time);
    const seconds = Math.ceil(left / 1_000);
    const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const rate = this.sparkline.rate(time);
    for (const facts of this.#facts) {
      say(facts.time, 'timeLeft', { time: shown });
      facts.time.classList.toggle('soon', left < SOON);
      say(facts.rate, 'perSecond', { n: shownRate(rate) });
    }
    this.sparkline.render(time);
    this.arrange(time);
    return rate;
  }

  /** Where its sparkline is seen: on the page, or on the card. */
  show(isPage) {
    if (isPage) this.page.querySelector('.facts').after(this.sparkline.element);
    else this.cardSparkline.append(this.sparkline.element);
  }

  /** How many nodes are here. */
  get present() {
    return [...this.nodes.values()].filter(({ isLost }) => !isLost).length;
  }
}

/** The line that says how a group ended. */
export const endLine = (group, reason) => {
  const line = make('li');
  say(line, `end${reason[0].toUpperCase()}${reason.slice(1)}`, { name: group.label });
  return line;
};
