/** How a child comes in: the code on the board stands for the key, and a nickname is what the room sees. */
import { begin, choose, language, say } from '../board/speech.js';
import { startTheme } from '../board/theme.js';
import { PHRASES } from './words.js';

const at = id => document.getElementById(id);

/** What an invitation says: a code, and the group that it is for. */
const invited = new URLSearchParams(location.hash.slice(1));

/** Codes as keyboards of all kinds give them: in full width, with a space in the middle, in capitals. */
const asTyped = text => text.normalize('NFKC').toLowerCase().replace(/[^a-z]/g, '');

const PROBLEMS = { 404: 'wrongCode', 429: 'tooOften' };

const enter = async event => {
  event.preventDefault();
  at('problem').replaceChildren();
  at('enter').disabled = true;
  try {
    const body = JSON.stringify({ code: asTyped(at('code').value) });
    const answer = await fetch('/join/enter', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (answer.ok) go(await answer.json());
    else refuse(PROBLEMS[answer.status] ?? 'notNow');
  } catch {
    refuse('notNow');
  } finally {
    at('enter').disabled = false;
  }
};

/** Opens the page where the lesson is. Key and name stand behind the #, which browsers send to no server. */
const go = ({ key, group, page }) => {
  const where = invited.has('group') ? { id: invited.get('group'), domain: invited.get('domain') } : group;
  const given = new URLSearchParams({ key });
  if (where) {
    given.set('domain', where.domain);
    given.set('group', where.id);
  }
  const name = at('nickname').value.trim();
  if (name) given.set('name', name);
  location.assign(`${page}#${given}`);
};

const refuse = problem => {
  // A code that does not serve has to be seen to be mended.
  at('code-label').hidden = false;
  say(at('problem'), problem);
  at('code').focus();
};

/** Links for editors. No key is in them: the blocks of the extension take the code. */
const showEditors = () => {
  const extension = new URL('/extension/mesh.js', location.href).href;
  at('extension').textContent = extension;
  at('turbowarp').href = `https://turbowarp.org/editor?${new URLSearchParams({ extension })}`;
};

showEditors();
begin(PHRASES);
startTheme();
at('language').value = language();
at('language').addEventListener('change', ({ target }) => choose(target.value));
document.querySelector('form').addEventListener('submit', enter);
at('code').value = (invited.get('code') ?? '').toUpperCase();
at('code-label').hidden = at('code').value !== '';
at(at('code').value ? 'nickname' : 'code').focus();
