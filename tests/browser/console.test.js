import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newFolder } from '../clients/support/folders.js';
import { startServer } from '../clients/support/server.js';
import { expectAccessible, expectNoProblems, openPage, screenshot, startBrowser } from './support/browser.js';

let browser;
let server;
let home;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(newFolder())]);
  home = new URL('/', server.endpoint).href;
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** Opens an operation of the lesson in a tab. */
const choose = async (page, name) => {
  const entry = page.getByRole('region', { name: 'Lesson' }).getByRole('button', { name });
  await entry.click();
  await page.getByRole('tab', { name, selected: true }).waitFor();
};

const run = page => page.getByRole('button', { name: /Execute query/ }).click();

/** Waits until the answer has this text. */
const answered = (page, text) => page.locator('.result-window', { hasText: text }).waitFor();

test('the console holds a lesson: queries, mutations and a subscription that delivers', async () => {
  const page = await openPage(browser, `${home}#key=${server.apiKey}`);
  await page.getByRole('button', { name: /Execute query/ }).waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the key leaves the address');
  await run(page);
  await answered(page, 'createDomain');

  await page.getByRole('button', { name: 'Show Lesson' }).click();
  const link = page.getByRole('link', { name: 'schema.graphql' });
  const schema = await page.request.get(await link.evaluate(({ href }) => href));
  assert.match(await schema.text(), /type Subscription/);
  await choose(page, 'CreateGroup');
  await run(page);
  await answered(page, '"fullId"');
  await screenshot(page, 'console-create-group');
  // All but GraphiQL's tabs, which hold buttons, and the boxes of its editors, which the keyboard scrolls by the text.
  for (const part of ['.mesh-lesson', '.graphiql-logo', '.CodeMirror-lines', '.graphiql-editor-tools', '.graphiql-sidebar']) {
    await expectAccessible(page, part);
  }

  await choose(page, 'JoinGroup');
  await run(page);
  await answered(page, '"name": "Node bob"');

  await choose(page, 'OnMessageInGroup');
  await run(page);
  await page.getByRole('button', { name: /Stop query/ }).waitFor();

  const popup = page.waitForEvent('popup');
  await page.getByRole('link', { name: 'a second window' }).click();
  const second = await popup;
  await second.getByRole('button', { name: 'Show Lesson' }).click();
  await choose(second, 'ReportDataByNode');
  await run(second);
  await answered(second, '"value": "7"');
  await answered(page, '"value": "7"');
  await screenshot(page, 'console-subscription');
  expectNoProblems(page);
});

test('without the link the console asks for the key', async () => {
  const page = await openPage(browser, `${home}console/`);
  await page.getByLabel('API key').fill(server.apiKey);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  // The schema's own words.
  await page.getByRole('link', { name: 'Subscription' }).click();
  await page.getByText('Everything that happens in a group.').waitFor();
  await screenshot(page, 'console-documentation');
  await page.getByRole('button', { name: 'Another key' }).click();
  await page.getByLabel('API key').waitFor();
  expectNoProblems(page);
});
