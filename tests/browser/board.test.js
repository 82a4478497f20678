import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newFolder } from '../clients/support/folders.js';
import { startServer } from '../clients/support/server.js';
import { CLASSROOM, expectAccessible, expectNoProblems, openPage, screenshot, startBrowser } from './support/browser.js';
import { Lesson } from './support/lesson.js';

const ADMIN_KEY = 'admin-the-teachers';

let browser;
let server;
let board;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(newFolder(), '--admin-key', ADMIN_KEY)]);
  board = new URL('/board/', server.endpoint);
  board.hostname = CLASSROOM;
});
after(() => Promise.all([browser?.close(), server?.stop()]));

const open = (hash, options) => openPage(browser, board.href + hash, options);

const groupOf = (page, name) => page.getByRole('region', { name, exact: true });

test('the board asks for the admin key, and the pupils\' key is none', async () => {
  const page = await open('', { locale: 'en' });
  await screenshot(page, 'board-key');
  await expectAccessible(page);
  await page.getByLabel('Admin key').fill(server.apiKey);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('This key does not open the board').waitFor();
  await page.getByLabel('Admin key').fill(ADMIN_KEY);
  await page.keyboard.press('Enter');
  await page.getByText('There are no groups yet').waitFor();
  // The key stays with this tab.
  await page.reload();
  await page.getByText('There are no groups yet').waitFor();
  expectNoProblems(page);
});

test('the board follows a lesson and ends it', async () => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'ja-JP' });
  await page.getByText('接続中').waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the key leaves the address');
  const lesson = await Lesson.begin(server, 'ねこ', 'alice');
  await lesson.join('bob');
  await lesson.join('carol', { useWebSocket: false });
  const group = groupOf(page, 'ねこ');
  const nodeOf = name => group.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) });
  await nodeOf('carol').getByText('ポーリング').waitFor();

  await lesson.report('bob', 'score', '7');
  await nodeOf('bob').getByText('7', { exact: true }).waitFor();
  await lesson.report('bob', 'score', '8');
  await nodeOf('bob').getByText('8', { exact: true }).waitFor();
  await lesson.fire('bob', 'ゴール', '左');
  await page.getByRole('listitem').filter({ hasText: 'ゴール 左 bob' }).waitFor();
  await lesson.leave('carol');
  await nodeOf('carol').waitFor({ state: 'detached' });
  await screenshot(page, 'board-ja');
  await expectAccessible(page);

  await page.getByLabel('ことば').selectOption('easy');
  await group.locator('ruby').first().waitFor();
  await screenshot(page, 'board-easy');
  await expectAccessible(page);
  await page.getByLabel('ことば').selectOption('en');
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');

  await group.getByRole('button', { name: 'Join ねこ' }).click();
  await page.getByRole('img', { name: 'QR code for joining' }).waitFor();
  await page.getByText(`/example/#key=${server.apiKey}`).waitFor();
  await screenshot(page, 'board-invitation');
  await expectAccessible(page);
  const pupil = await openPage(browser, await page.locator('#invite-url').textContent(), { locale: 'en' });
  await pupil.getByRole('button', { name: 'Join: ねこ' }).waitFor();
  expectNoProblems(pupil);
  await page.keyboard.press('Escape');

  // By keyboard alone; what is not confirmed does not happen.
  const dissolve = group.getByRole('button', { name: 'Dissolve ねこ' });
  await dissolve.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Dissolve “ねこ”?' }).waitFor();
  await screenshot(page, 'board-confirm');
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await group.count(), 1);
  await dissolve.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Dissolve', exact: true }).click();
  await page.getByText('ねこ: dissolved').waitFor();
  await group.waitFor({ state: 'detached' });
  await assert.rejects(lesson.report('bob', 'score', '9'), /not found/i);
  expectNoProblems(page);
});

test('the board comes back after its server does', async () => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'en' });
  const lesson = await Lesson.begin(server, 'Dogs', 'dave');
  await lesson.report('dave', 'lives', '3');
  await groupOf(page, 'Dogs').getByText('3', { exact: true }).waitFor();
  await server.kill();
  await page.getByText('The server does not answer').waitFor();
  await server.start();
  await page.getByText('Live', { exact: true }).waitFor();
  await groupOf(page, 'Dogs').getByText('3', { exact: true }).waitFor();
  assert.equal(await groupOf(page, 'Dogs').count(), 1);
});

test('a full classroom fits on the board', async () => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'ja-JP', viewport: { width: 1920, height: 1080 } });
  const hex = (number, length) => number.toString(16).padStart(2, '0').repeat(16).slice(0, length);
  for (let group = 0; group < 3; group += 1) {
    const lesson = await Lesson.begin(server, hex(17 * group + 5, 32), hex(17 * group + 5, 32));
    for (let node = 0; node < 12; node += 1) {
      const id = hex(40 * group + 3 * node + 64, 32);
      await lesson.join(id);
      await lesson.report(id, 'スコア', String(node * 7));
      await lesson.report(id, 'x', String(group - node));
    }
    await lesson.fire(hex(40 * group + 64, 32), 'スタート');
  }
  await page.waitForFunction(() => document.querySelectorAll('.node').length >= 39);
  await screenshot(page, 'board-classroom');
  await expectAccessible(page);
  expectNoProblems(page);
});
