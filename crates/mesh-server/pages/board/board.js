/** The teacher's board: follows /admin/board and shows what it says. */
import { showBill } from './bill.js';
import { calm, code, endLine, Group, make } from './group.js';
import { shortName } from './names.js';
import { follow } from './stream.js';
import { language, say, speak } from './words.js';

const KEPT = 'mesh-admin-key';
/** So many lines of events and of ended groups are kept. */
const MOST_LINES = 100;
const MOST_ENDED = 8;

const at = id => document.getElementById(id);
const groups = new Map();
/** How far the server's clock is ahead of this machine's, in milliseconds. */
let ahead = 0;

const show = (frame, isFirst) => {
  if (isFirst) clear();
  ahead = frame.time - Date.now();
  calm();
  for (const change of frame.groups ?? []) {
    if (change.about) add(change.id, change.about);
    groups.get(change.id)?.apply(change, frame.time);
  }
  for (const { id, reason } of frame.ended ?? []) end(id, reason);
  showEvents(frame);
  showBill(frame.bill);
  at('nobody').hidden = groups.size > 0;
  at('overview').hidden = groups.size < 2;
  at('more-groups').hidden = frame.moreGroups === 0;
  say(at('more-groups'), 'moreGroups', { n: frame.moreGroups });
  tick();
};

const clear = () => {
  for (const group of groups.values()) remove(group);
};

const add = (id, about) => {
  const group = new Group(id, about, { onInvite: invite, onDissolve: dissolve });
  groups.set(id, group);
  at('groups').append(group.element);
  at('overview').append(group.link);
};

const remove = group => {
  group.element.remove();
  group.link.remove();
  groups.delete(group.id);
};

const end = (id, reason) => {
  const group = groups.get(id);
  if (!group) return;
  if (openFor === group) for (const dialog of [at('invite'), at('confirm')]) dialog.close();
  remove(group);
  at('ended').hidden = false;
  at('ended-groups').prepend(endLine(group, reason));
  while (at('ended-groups').children.length > MOST_ENDED) at('ended-groups').lastChild.remove();
};

/** What goes by time and what sums up. */
const tick = () => {
  const time = Date.now() + ahead;
  let rate = 0;
  let nodes = 0;
  for (const group of groups.values()) {
    rate += group.tick(time);
    nodes += group.present;
  }
  at('total-groups').textContent = groups.size;
  at('total-nodes').textContent = nodes;
  at('total-rate').textContent = rate >= 10 ? Math.round(rate) : rate.toFixed(1);
};

const showEvents = ({ events = [], moreEvents }) => {
  if (events.length === 0) return;
  const lines = events.map(({ group, node, name, payload, time }) => {
    const clock = new Date(time).toLocaleTimeString(language() === 'en' ? 'en-GB' : 'ja-JP');
    const what = make('strong', { textContent: name });
    const where = make('span', { className: 'quiet', textContent: groups.get(group)?.label ?? '' });
    return make('li', {}, make('time', { textContent: clock }), ' ', what, payload ? ` ${payload}` : '', ` ${shortName(node)} `, where);
  });
  if (moreEvents > 0) {
    const more = make('li', { className: 'quiet' });
    say(more, 'moreEvents', { n: moreEvents });
    lines.unshift(more);
  }
  // The newest stands first.
  at('lines').prepend(...lines.reverse());
  while (at('lines').children.length > MOST_LINES) at('lines').lastChild.remove();
};

/** The group that a dialog is about. */
let openFor;

const invite = group => {
  openFor = group;
  const { invitation } = group.about;
  say(at('invite-title'), 'inviteTo', { name: group.label });
  at('code').replaceChildren(...(invitation.size > 0 ? [code(invitation)] : []));
  at('invite-name').textContent = group.label;
  at('invite-url').textContent = invitation.url;
  at('invite').showModal();
};

const dissolve = group => {
  openFor = group;
  say(at('confirm-title'), 'dissolveGroup', { name: group.label });
  at('confirm-error').replaceChildren();
  at('confirm').returnValue = '';
  at('confirm').showModal();
};

const dissolveConfirmed = async event => {
  if (event.submitter.value !== 'yes') return;
  event.preventDefault();
  const { id, about } = openFor;
  const body = JSON.stringify({ groupId: id, domain: about.domain, hostId: about.host });
  const headers = { 'x-admin-key': sessionStorage.getItem(KEPT), 'content-type': 'application/json' };
  const answer = await fetch('/admin/dissolve', { method: 'POST', headers, body }).catch(() => undefined);
  if (answer?.ok) at('confirm').close();
  else say(at('confirm-error'), 'dissolveFailed');
};

/** Shows the board, or asks for the key. */
const open = async key => {
  at('ask').hidden = true;
  at('board').hidden = false;
  say(at('state'), 'connecting');
  try {
    await follow(key, show, state => {
      say(at('state'), state);
      at('state').dataset.state = state;
    });
  } catch {
    sessionStorage.removeItem(KEPT);
    ask('wrongKey');
  }
};

const ask = why => {
  at('board').hidden = true;
  at('ask').hidden = false;
  at('state').dataset.state = why ? 'broken' : '';
  if (why) say(at('state'), why);
  at('key').value = '';
  at('key').focus();
};

/** The key out of the link that the server printed, or what this tab was given before. */
const givenKey = () => {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!key) return sessionStorage.getItem(KEPT);
  // Neither the history nor a shared screen has to show it.
  history.replaceState(null, '', location.pathname);
  sessionStorage.setItem(KEPT, key);
  return key;
};

speak(language());
at('language').value = language();
at('language').addEventListener('change', ({ target }) => speak(target.value));
at('ask').addEventListener('submit', event => {
  event.preventDefault();
  const key = at('key').value.trim();
  sessionStorage.setItem(KEPT, key);
  open(key);
});
at('confirm').querySelector('form').addEventListener('submit', dissolveConfirmed);
setInterval(tick, 1_000);
const key = givenKey();
if (key) open(key);
else ask();
