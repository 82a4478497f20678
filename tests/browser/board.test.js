import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
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
  [browser, server] = await Promise.all([startBrowser(), startServer(newFolder(), '--admin-key', ADMIN_KEY, '--advertise', CLASSROOM)]);
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
  await page.getByLabel("Teacher's key").fill(server.apiKey);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('This key does not open the board').waitFor();
  await page.getByLabel("Teacher's key").fill(ADMIN_KEY);
  await page.keyboard.press('Enter');
  await page.getByText('There are no groups yet').waitFor();
  // The key stays with this tab.
  await page.reload();
  await page.getByText('There are no groups yet').waitFor();
  expectNoProblems(page);
});

test('the board follows a lesson and ends it', async () => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'ja-JP' });
  await page.getByText('つながっています').waitFor();
  assert.equal(new URL(page.url()).hash, '', 'the key leaves the address');
  const lesson = await Lesson.begin(server, 'ねこ', 'alice');
  await lesson.join('bob');
  await lesson.join('carol', { useWebSocket: false });
  const group = groupOf(page, 'ねこ');
  const nodeOf = name => group.getByRole('listitem').filter({ has: page.getByText(name, { exact: true }) });
  await nodeOf('carol').getByText('2秒ごとに受信').waitFor();

  await lesson.report('bob', 'score', '7');
  await nodeOf('bob').getByText('7', { exact: true }).waitFor();
  await lesson.report('bob', 'score', '8');
  await nodeOf('bob').getByText('8', { exact: true }).waitFor();
  await lesson.fire('bob', 'ゴール', '左');
  await page.getByRole('row', { name: 'bob ゴール 左' }).waitFor();
  await lesson.leave('carol');
  await nodeOf('carol').waitFor({ state: 'detached' });
  await screenshot(page, 'board-ja');
  await expectAccessible(page);

  await page.getByLabel('ことば').selectOption('easy');
  await group.locator('ruby').first().waitFor();
  await screenshot(page, 'board-easy');
  await expectAccessible(page);
  await page.getByLabel('ことば').selectOption('en');
  await page.getByText('Connected', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');

  await group.getByRole('link', { name: 'Join' }).click();
  await page.getByRole('img', { name: 'QR code for joining' }).waitFor();
  await page.getByRole('heading', { name: 'Join “ねこ”' }).waitFor();
  await screenshot(page, 'board-invitation');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Back to the board' }).click();

  await nodeOf('bob').getByRole('button').click();
  await page.getByRole('dialog', { name: 'bob' }).getByText('score').waitFor();
  await screenshot(page, 'board-node');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await lesson.join('mallory');
  await nodeOf('mallory').getByRole('button').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog', { name: 'Remove “mallory” from the group?' }).getByRole('button', { name: 'Remove' }).click();
  await nodeOf('mallory').waitFor({ state: 'detached' });
  await assert.rejects(lesson.report('mallory', 'score', '9'), /not found/i);

  // By keyboard alone; what is not confirmed does not happen.
  const dissolve = group.getByRole('button', { name: 'End the group' });
  await dissolve.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'End “ねこ”?' }).waitFor();
  await screenshot(page, 'board-confirm');
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await group.count(), 1);
  await dissolve.click();
  await page.getByRole('dialog').getByRole('button', { name: 'End the group' }).click();
  await page.getByText('ねこ: ended by the teacher').waitFor();
  await group.waitFor({ state: 'detached' });
  await assert.rejects(lesson.report('bob', 'score', '9'), /not found/i);
  expectNoProblems(page);
});

test('the board comes back after its server does', async () => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'en' });
  const lesson = await Lesson.begin(server, 'Dogs', 'dave');
  await lesson.report('dave', 'lives', '3');
  await groupOf(page, 'Dogs').getByText('3', { exact: true }).waitFor();
  const time = page.locator('.group .time');
  await server.kill();
  await page.getByText('The server does not answer').waitFor();
  // What may be over by now is dimmed, and the clock stops.
  const stopped = await time.textContent();
  await screenshot(page, 'board-broken');
  assert.equal(await page.locator('main').evaluate(main => getComputedStyle(main).opacity), '0.45');
  assert.equal(await time.textContent(), stopped);
  await server.start();
  await page.getByText('Connected', { exact: true }).waitFor();
  await groupOf(page, 'Dogs').getByText('3', { exact: true }).waitFor();
  assert.equal(await groupOf(page, 'Dogs').count(), 1);
  await lesson.report('dave', 'lives', '2');
  await groupOf(page, 'Dogs').getByText('2', { exact: true }).waitFor();
  await lesson.end();
});

test('who is in trouble stands first, in order of names otherwise', async t => {
  const strict = await startServer(newFolder(), '--admin-key', ADMIN_KEY, '--member-heartbeat-interval-seconds', '1');
  t.after(strict.stop);
  const url = new URL(`/board/#key=${ADMIN_KEY}`, strict.endpoint);
  const page = await openPage(browser, url.href, { locale: 'ja-JP', viewport: { width: 1920, height: 1080 } });
  const lesson = await Lesson.begin(strict, 'ねこ', 'carol');
  for (const name of ['zed', 'bob', 'alice']) await lesson.join(name);
  const beating = setInterval(() => ['bob', 'alice'].forEach(name => lesson.report(name, 'x', '1').catch(() => {})), 300);
  t.after(() => clearInterval(beating));
  const isOrder = names => page.waitForFunction(
    wanted => [...document.querySelectorAll('.node .name')].map(({ textContent }) => textContent).join() === wanted,
    names.join(),
  );
  await isOrder(['alice', 'bob', 'carol', 'zed']);
  await page.getByText('返事がありません').waitFor();
  await isOrder(['zed', 'alice', 'bob', 'carol']);
  await page.locator('.group').getByText('▲ 1 人に問題').waitFor();
  await screenshot(page, 'board-trouble');
  await expectAccessible(page);
  // A single sign of life puts nobody back at once.
  await lesson.report('zed', 'x', '1');
  await page.getByText('返事がありません').waitFor({ state: 'detached' });
  await isOrder(['zed', 'alice', 'bob', 'carol']);
  expectNoProblems(page);
});

/** Ids as living clients make them. */
const hexId = text => createHash('md5').update(text).digest('hex');

/** Plays groups of a class, with a value for each node. */
const play = (count, size) =>
  Promise.all(
    Array.from({ length: count }, async (_, group) => {
      const lesson = await Lesson.begin(server, `${group + 1}はん`, hexId(`host ${group}`));
      for (let node = 1; node < size; node += 1) {
        const id = hexId(`node ${group} ${node}`);
        await lesson.join(id);
        await lesson.report(id, 'スコア', String(node * 7));
      }
      return lesson;
    }),
  );

/** Whether all of the page, and of the lists in it, is on the screen. */
const fits = page =>
  page.evaluate(() => {
    const parts = [document.documentElement, ...document.querySelectorAll('main, .places')];
    return parts.every(part => part.scrollHeight <= part.clientHeight && part.scrollWidth <= part.clientWidth);
  });

test('forty nodes of one group fit on the board, and nothing jumps', async t => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'ja-JP', viewport: { width: 1920, height: 1080 } });
  const [lesson] = await play(1, 40);
  t.after(() => lesson.end());
  await page.waitForFunction(() => document.querySelectorAll('.node').length === 40);
  assert.ok(await fits(page));
  const size = await page.evaluate(() => parseFloat(getComputedStyle(document.querySelector('.node .name')).fontSize));
  assert.ok(size >= 28, `names have ${size} px`);
  await page.evaluate(() => {
    window.shift = 0;
    const count = entries => entries.getEntries().forEach(({ value }) => (window.shift += value));
    new PerformanceObserver(count).observe({ type: 'layout-shift' });
  });
  for (let round = 0; round < 8; round += 1) {
    for (let node = 1; node < 40; node += 4) await lesson.report(hexId(`node 0 ${node}`), 'スコア', String(10 ** round));
    await lesson.fire(hexId(`node 0 ${round + 1}`), 'ジャンプ', String(round));
    // One comes and goes, and others make place.
    await (round % 2 ? lesson.leave(hexId('guest')) : lesson.join(hexId('guest')));
    await page.getByRole('row', { name: `ジャンプ ${round}` }).first().waitFor();
  }
  assert.ok((await page.evaluate(() => window.shift)) < 0.05);
  await screenshot(page, 'board-forty');
  await expectAccessible(page);
  expectNoProblems(page);
});

test('the group that is opened shows its values, also those that came while it was closed', async t => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'en' });
  const [dogs, cats] = [await Lesson.begin(server, 'Dogs', 'dave'), await Lesson.begin(server, 'Cats', 'carol')];
  t.after(() => Promise.all([dogs.end(), cats.end()]));
  await dogs.report('dave', 'lives', '3');
  await cats.report('carol', 'lives', '9');
  const valueOf = (name, value) => groupOf(page, name).getByText(value, { exact: true });
  await page.getByRole('link', { name: 'Dogs' }).click();
  await valueOf('Dogs', '3').waitFor();
  await dogs.report('dave', 'lives', '2');
  await valueOf('Dogs', '2').waitFor();
  // What changes while nobody looks is there when somebody does.
  await page.getByRole('link', { name: 'All groups' }).click();
  await dogs.report('dave', 'lives', '1');
  await page.getByRole('link', { name: 'Cats' }).click();
  await valueOf('Cats', '9').waitFor();
  await page.getByRole('link', { name: 'All groups' }).click();
  await page.getByRole('link', { name: 'Dogs' }).click();
  await valueOf('Dogs', '1').waitFor();
  // The group that is looked at stays opened over a break.
  await server.kill();
  await page.getByText('The server does not answer').waitFor();
  await server.start();
  await page.getByText('Connected', { exact: true }).waitFor();
  await valueOf('Dogs', '1').waitFor();
  await dogs.report('dave', 'lives', '0');
  await valueOf('Dogs', '0').waitFor();
  expectNoProblems(page);
});

test('ten groups of forty fit on the board, and each opens', async t => {
  const page = await open(`#key=${ADMIN_KEY}`, { locale: 'ja-JP', viewport: { width: 1920, height: 1080 }, colorScheme: 'dark' });
  const lessons = await play(10, 40);
  t.after(() => Promise.all(lessons.map(lesson => lesson.end())));
  await page.waitForFunction(() => document.querySelectorAll('.dots i').length === 400);
  assert.ok(await fits(page));
  await screenshot(page, 'board-overview');
  await expectAccessible(page);
  await page.getByRole('link', { name: '7はん' }).click();
  await groupOf(page, '7はん').getByText('273', { exact: true }).waitFor();
  await screenshot(page, 'board-dark');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'すべてのグループ' }).click();
  await page.getByRole('link', { name: '8はん' }).waitFor();
  // A phone, and a zoom of 200 %.
  for (const [name, width, height] of [['phone', 390, 844], ['zoom', 960, 540]]) {
    await page.setViewportSize({ width, height });
    await page.getByRole('link', { name: '2はん' }).click();
    await groupOf(page, '2はん').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: nothing is cut off`);
    await screenshot(page, `board-${name}`);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'すべてのグループ' }).click();
  }
  expectNoProblems(page);
});
