/** One group: its card, its nodes and their values. */
import { shortName } from './names.js';
import { plain, say } from './words.js';

/** The rate is that of the last so many milliseconds. */
const RATE_SPAN = 5_000;

/** Values that are highlighted until the next frame. Animations would keep a laptop busy all lesson. */
let changed = [];

export const calm = () => {
  for (const shown of changed) shown.classList.remove('changed');
  changed = [];
};

export class Group {
  constructor(id, about, { onInvite, onDissolve }) {
    this.id = id;
    this.about = about;
    this.label = shortName(about.name);
    this.counts = [];
    this.nodes = new Map();
    const title = make('h2', { id: `group-${id}`, className: 'name', textContent: this.label });
    this.timeLeft = make('span', { className: 'time' });
    this.rate = make('span');
    this.listeners = make('span');
    const facts = make('p', { className: 'facts' }, this.timeLeft, this.rate, this.listeners);
    const buttons = make('p', { className: 'buttons' }, action('invite', this, onInvite), action('dissolve', this, onDissolve));
    const head = make('div', { className: 'head' }, title, facts, buttons);
    this.list = make('ul', { className: 'nodes' });
    this.element = make('section', { className: 'group' }, head, this.list);
    this.size = make('span');
    this.trouble = make('span', { className: 'trouble' });
    this.link = make('a', { href: `#${title.id}` }, this.label, ' ', this.size, ' ', this.trouble);
    this.element.setAttribute('aria-labelledby', title.id);
  }

  /** How many messages a second came lately. */
  ratePerSecond(time) {
    this.counts = this.counts.filter(([at]) => time - at < RATE_SPAN);
    return this.counts.reduce((sum, [, messages]) => sum + messages, 0) / (RATE_SPAN / 1_000);
  }

  /** Shows what changed. */
  apply({ messages, listeners, nodes = [], gone = [] }, time) {
    if (messages > 0) this.counts.push([time, messages]);
    say(this.listeners, 'listeners', { n: listeners });
    for (const change of nodes) this.node(change).apply(change);
    for (const { id, lost } of gone) {
      if (lost) this.nodes.get(id)?.lose();
      else this.drop(id);
    }
    say(this.size, 'count', { n: this.present });
    const inTrouble = [...this.nodes.values()].filter(({ element }) => element.dataset.state !== 'here').length;
    this.trouble.hidden = inTrouble === 0;
    say(this.trouble, 'trouble', { n: inTrouble });
  }

  /** Shows what goes by time. */
  tick(time) {
    const seconds = Math.max(0, Math.ceil((this.about.expiresAt - time) / 1_000));
    const padded = String(seconds % 60).padStart(2, '0');
    say(this.timeLeft, 'timeLeft', { time: `${Math.floor(seconds / 60)}:${padded}` });
    this.timeLeft.classList.toggle('soon', seconds < 300);
    const rate = this.ratePerSecond(time);
    say(this.rate, 'perSecond', { n: rate >= 10 ? Math.round(rate) : rate.toFixed(1) });
    return rate;
  }

  node(change) {
    const { id, isNew } = change;
    if (isNew) this.drop(id);
    if (!this.nodes.has(id)) {
      const node = new Node(id, id === this.about.host);
      this.nodes.set(id, node);
      this.list.append(node.element);
    }
    return this.nodes.get(id);
  }

  drop(id) {
    this.nodes.get(id)?.element.remove();
    this.nodes.delete(id);
  }

  get present() {
    return [...this.nodes.values()].filter(({ isLost }) => !isLost).length;
  }
}

class Node {
  constructor(id, isHost) {
    this.isLost = false;
    this.values = new Map();
    const name = make('strong', { className: 'name', textContent: shortName(id), title: id });
    this.badges = make('span', { className: 'badges' });
    this.host = isHost ? badge('host') : undefined;
    this.empty = make('p', { className: 'quiet' });
    say(this.empty, 'noValues');
    this.table = make('dl');
    this.element = make('li', { className: 'node' }, make('p', {}, name, ' ', this.badges), this.empty, this.table);
  }

  apply({ state, polls, values = [] }) {
    this.isLost = false;
    this.show(state, polls);
    for (const [key, value] of values) this.set(key, value);
  }

  lose() {
    this.isLost = true;
    this.show('lost', false);
  }

  show(state, polls) {
    this.element.dataset.state = state;
    const badges = [this.host, polls && badge('polls'), state !== 'here' && badge(state)];
    this.badges.replaceChildren(...badges.filter(Boolean));
  }

  set(key, value) {
    this.empty.remove();
    let shown = this.values.get(key);
    if (!shown) {
      shown = make('dd');
      this.values.set(key, shown);
      this.table.append(make('div', {}, make('dt', { textContent: key }), shown));
    }
    shown.textContent = value;
    shown.classList.add('changed');
    changed.push(shown);
  }
}

const badge = word => {
  const element = make('span', { className: `badge ${word}` });
  say(element, word);
  return element;
};

/** A button for a group, whose name tells which one. */
const action = (word, group, act) => {
  const text = make('span');
  say(text, word);
  const name = make('span', { className: 'unseen', textContent: ` ${group.label}` });
  const button = make('button', { type: 'button', className: word === 'dissolve' ? 'danger' : '' }, text, name);
  button.addEventListener('click', () => act(group));
  return button;
};

export const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** The line that says how a group ended. */
export const endLine = (group, reason) => {
  const line = make('li');
  say(line, `end${reason[0].toUpperCase()}${reason.slice(1)}`, { name: group.label });
  return line;
};

/** The QR code of an invitation. */
export const code = ({ size, path }) => {
  const space = 'http://www.w3.org/2000/svg';
  const drawing = document.createElementNS(space, 'svg');
  // Readers want four empty modules around it.
  drawing.setAttribute('viewBox', `-4 -4 ${size + 8} ${size + 8}`);
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('aria-label', plain('qr'));
  drawing.setAttribute('shape-rendering', 'crispEdges');
  const dark = document.createElementNS(space, 'path');
  dark.setAttribute('d', path);
  drawing.append(dark);
  return drawing;
};
