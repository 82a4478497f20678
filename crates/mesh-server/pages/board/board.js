/** The teacher's board: follows /admin/board and shows what it says. */
import { showBill } from './bill.js';
import { Dialogs } from './dialogs.js';
import { Events } from './events.js';
import { endLine, Group } from './group.js';
import { isOpen, letIn, showLobby } from './lobby.js';
import { calm } from './node.js';
import { Places } from './places.js';
import { begin, choose, language, retell, say } from './speech.js';
import { shownRate } from './sparkline.js';
import { follow } from './stream.js';
import { startTheme } from './theme.js';
import { PHRASES } from './words.js';

const KEPT = 'mesh-admin-key';
/** So many ended groups are kept. */
const MOST_ENDED = 8;

const at = id => document.getElementById(id);
/** In the order in which they were made. */
const groups = new Map();
/** How far the server's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;

begin(PHRASES);
const events = new Events();
const cards = new Places(at('cards'));

/** Asks the server to do something; says whether it did. */
const send = async (what, body) => {
  const headers = { 'x-admin-key': sessionStorage.getItem(KEPT), 'content-type': 'application/json' };
  const answer = await fetch(`/admin/${what}`, { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => undefined);
  return answer?.ok === true;
};
const dialogs = new Dialogs(send);

/** Which board this is for the server, and of which group it tells values. */
let told = {};

const show = (frame, isFirst) => {
  if (isFirst) {
    groups.clear();
    shown = '';
  }
  told = { board: frame.board, opened: frame.opened };
  ahead = frame.time - Date.now();
  calm();
  if (frame.lobby) letIn(frame.lobby);
  for (const change of frame.groups ?? []) {
    if (change.about) add(change.id, change.about);
    groups.get(change.id)?.apply(change, frame.time);
  }
  for (const group of groups.values()) group.isOpened = group.id === frame.opened;
  for (const { id, reason } of frame.ended ?? []) end(id, reason);
  events.add(frame.events ?? [], frame.moreEvents, groups);
  showBill(frame.bill);
  at('more-groups').hidden = frame.moreGroups === 0;
  say(at('more-groups'), 'moreGroups', { n: frame.moreGroups });
  dialogs.refresh();
  tick();
  route();
};

const add = (id, about) => groups.set(id, new Group(id, about, dialogs.actions));

const end = (id, reason) => {
  const group = groups.get(id);
  if (!group) return;
  dialogs.forget(group);
  groups.delete(id);
  at('ended').hidden = false;
  at('ended-groups').prepend(endLine(group, reason));
  while (at('ended-groups').children.length > MOST_ENDED) at('ended-groups').lastChild.remove();
};

/** What goes by time and what sums up; it stands still while nothing is known. */
const tick = () => {
  if (document.body.dataset.state !== 'live') return;
  const time = Date.now() + ahead;
  let rate = 0;
  let nodes = 0;
  for (const group of groups.values()) {
    rate += group.tick(time);
    nodes += group.present;
  }
  at('total-groups').textContent = groups.size;
  at('total-nodes').textContent = nodes;
  at('total-rate').textContent = shownRate(rate);
};

/** Asks for the values of the group that is looked at. Those of one that is alone come without asking. */
const askForValues = shownGroup => {
  const group = dialogs.group ?? shownGroup;
  if (groups.size > 1 && told.opened !== group?.id) send('open', { board: told.board, groupId: group?.id });
};

/** What is shown: `#group=ID` one group, `#join` how to come in, `#join=ID` into that group; else all that are there. */
let shown = '';
const route = () => {
  if (at('ask').hidden === false) return;
  const asked = new URLSearchParams(location.hash.slice(1));
  const only = groups.size === 1 ? groups.values().next().value : undefined;
  const group = groups.get(asked.get('group')) ?? only;
  const view = asked.has('join') || groups.size === 0 ? 'lobby' : group ? 'group' : 'overview';
  askForValues(view === 'group' ? group : undefined);
  cards.arrange([...groups.values()].map(({ card }) => card));
  const now = JSON.stringify([view, group?.id, groups.size > 1, asked.get('join'), language(), isOpen()]);
  if (now === shown && view !== 'lobby') return;
  const isNew = now !== shown;
  shown = now;
  document.body.dataset.view = view;
  for (const id of ['lobby', 'overview', 'group']) at(id).hidden = id !== view;
  at('events').hidden = view === 'lobby';
  at('entrance').hidden = view === 'lobby' || !isOpen();
  at('join').hidden = view !== 'overview' || !isOpen();
  at('nobody').hidden = groups.size > 0;
  at('back').hidden = groups.size === 0;
  document.querySelector('footer').hidden = false;
  for (const one of groups.values()) one.show(view === 'group');
  if (!isNew) return;
  if (view === 'lobby') showLobby(groups.get(asked.get('join')));
  if (view === 'group') {
    group.all.hidden = groups.size < 2;
    at('group').replaceChildren(group.page);
    retell(group.page);
    group.arrange(Date.now() + ahead);
  } else retell(at('cards'));
  events.show(view === 'group' ? group : undefined);
};

/** Shows the board, or asks for the key. */
const open = async key => {
  at('ask').hidden = true;
  turn('connecting');
  try {
    await follow(key, show, turn);
  } catch {
    sessionStorage.removeItem(KEPT);
    ask('wrongKey');
  }
};

/** Says how the connection does. */
const turn = state => {
  say(at('state'), state);
  document.body.dataset.state = state;
};

const ask = why => {
  for (const id of ['lobby', 'overview', 'group', 'events']) at(id).hidden = true;
  at('ask').hidden = false;
  document.body.dataset.state = why ? 'refused' : '';
  if (why) say(at('state'), why);
  at('key').value = '';
  at('key').focus();
};

/** The key out of the link that the server opened, or what this tab was given before. */
const givenKey = () => {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!key) return sessionStorage.getItem(KEPT);
  // Neither the history nor a shared screen has to show it.
  history.replaceState(null, '', location.pathname);
  sessionStorage.setItem(KEPT, key);
  return key;
};

const startFullScreen = () => {
  const turnOver = () =>
    (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => {});
  at('full-screen').hidden = !document.fullscreenEnabled;
  at('full-screen').addEventListener('click', turnOver);
};

startTheme(at('theme'));
startFullScreen();
at('language').value = language();
at('language').addEventListener('change', ({ target }) => {
  choose(target.value);
  route();
});
at('ask').addEventListener('submit', event => {
  event.preventDefault();
  const key = at('key').value.trim();
  sessionStorage.setItem(KEPT, key);
  open(key);
});
window.addEventListener('hashchange', route);
setInterval(tick, 1_000);
const key = givenKey();
if (key) open(key);
else ask();
