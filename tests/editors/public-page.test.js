// An editor on a public page on https, and the server of the room on http, in Chromium: it asks its user whether the
// page may access the local network.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, startBrowser } from '../browser/support/browser.js';
import { startClassroom } from './support/editors.js';
import { idle } from './support/games.js';

let browser;
let classroom;
let site;
let saved;

before(async () => {
  [classroom, site] = await Promise.all([startClassroom(), startClassroom('--tls')]);
  browser = await startBrowser(`--ip-address-space-overrides=${new URL(site.origin).host}=public`);
  saved = await (await fetch(classroom.extension)).text();
});
after(() => Promise.all([browser?.close(), classroom?.stop(), site?.stop()]));

/** A project on the public page whose extension was loaded from `extension`, and what it says after entering. */
const enter = async ({ allowed, extension, sandbox = 'unsandboxed' }) => {
  const page = await openPage(browser, `${site.origin}/editor.html`, { locale: 'en-US', ignoreHTTPSErrors: true });
  if (allowed) await page.context().grantPermissions(['local-network-access'], { origin: site.origin });
  // This site has no mesh of its own.
  await page.route(`${site.origin}/extension/mesh.js`, route => route.fulfill({ status: 404 }));
  page.on('dialog', dialog => dialog.accept(classroom.apiKey));
  const file = (await idle()).toString('base64');
  return page.evaluate(
    async given => {
      await openInTurboWarp(given);
      await block('enter', { NAME: 'public' });
      return block('getState');
    },
    { file, sandbox, extension },
  );
};

const asFile = () => `data:text/javascript;base64,${Buffer.from(saved).toString('base64')}`;

test('allowed, the extension loads from the room and is in its mesh, sandboxed or not', async () => {
  for (const sandbox of ['unsandboxed', 'iframe']) {
    assert.equal(await enter({ allowed: true, extension: classroom.keyed, sandbox }), 'connected', sandbox);
  }
});

test('allowed, an extension from a file knows the server that it was saved from', async () => {
  assert.equal(await enter({ allowed: true, extension: asFile() }), 'connected');
});

test('not allowed, the block for the state says what to do', async () => {
  assert.equal(await enter({ allowed: false, extension: asFile() }), 'no answer: allow local network access');
});
