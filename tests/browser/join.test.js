import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newFolder } from '../clients/support/folders.js';
import { startServer } from '../clients/support/server.js';
import { CLASSROOM, expectAccessible, expectNoProblems, openPage, screenshot, startBrowser } from './support/browser.js';
import { Lesson } from './support/lesson.js';

const ADMIN_KEY = 'admin-the-teachers';
const PROJECTOR = { locale: 'ja-JP', viewport: { width: 1920, height: 1080 } };
const TABLET = { locale: 'ja-JP', viewport: { width: 1024, height: 768 } };

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(newFolder(), '--admin-key', ADMIN_KEY, '--advertise', CLASSROOM)]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

const pageAt = path => {
  const url = new URL(path, server.endpoint);
  url.hostname = CLASSROOM;
  return url.href;
};
const openBoard = () => openPage(browser, pageAt(`/board/#key=${ADMIN_KEY}`), PROJECTOR);

test('a class comes in by the code on the board, from the lobby to the first group', async t => {
  const board = await openBoard();
  const code = await board.locator('#lobby-code', { hasText: /^[A-Z]{3} [A-Z]{3}$/ }).textContent();
  await board.getByRole('img', { name: '参加用QRコード' }).waitFor();
  assert.ok(!(await board.content()).includes(server.apiKey), 'the projector does not show the key');
  const height = await board.locator('#lobby-code').evaluate(element => parseFloat(getComputedStyle(element).fontSize));
  assert.ok(height > 120, `the code is ${height} px high`);
  await screenshot(board, 'lobby');
  await expectAccessible(board);

  await board.getByText('TurboWarp・Xcratch・PenguinModで使う').click();
  const extension = await board.locator('#extension').textContent();
  assert.match(extension, /^http:.*\/extension\/mesh\.js$/);
  const editor = new URL(await board.getByRole('link', { name: 'TurboWarp' }).getAttribute('href'));
  assert.deepEqual([editor.host, editor.searchParams.get('extension')], ['turbowarp.org', extension]);
  await board.getByRole('img', { name: 'TurboWarp' }).scrollIntoViewIfNeeded();
  await screenshot(board, 'lobby-editors');
  await expectAccessible(board);
  await board.getByText('TurboWarp・Xcratch・PenguinModで使う').click();

  const pupil = await openPage(browser, pageAt('/join/'), TABLET);
  await screenshot(pupil, 'join');
  await expectAccessible(pupil);
  await pupil.getByLabel('コード').fill('aaaaaa');
  await pupil.getByLabel('ニックネーム').fill('たろう');
  await pupil.keyboard.press('Enter');
  await pupil.getByRole('alert').filter({ hasText: 'コードが ちがいます' }).waitFor();
  await screenshot(pupil, 'join-wrong-code');
  await expectAccessible(pupil);
  // As an input method for Japanese gives it.
  await pupil.getByLabel('コード').fill(code.replace(/[A-Z]/g, letter => String.fromCodePoint(letter.codePointAt(0) + 0xfee0)));
  await pupil.keyboard.press('Enter');
  await pupil.getByLabel('グループの 名前').fill('ねこの くみ');
  await pupil.keyboard.press('Enter');
  await pupil.getByRole('status').filter({ hasText: 'つながっています' }).waitFor();
  await board.getByRole('heading', { name: 'ねこの くみ' }).waitFor();
  await screenshot(board, 'lobby-first-group');
  await board.locator('#entrance-code', { hasText: code }).waitFor();

  // Where there is one group, the code leads into it.
  const second = await openPage(browser, pageAt('/join/'), TABLET);
  await second.getByLabel('コード').fill(code.toLowerCase());
  await second.getByLabel('ニックネーム').fill('はなこ');
  await second.getByRole('button', { name: /^入.*る$/ }).click();
  await second.getByText('あなたは はなこ').waitFor();
  await screenshot(second, 'join-in-group');
  const tile = board.getByRole('listitem').filter({ has: board.getByRole('button', { name: 'はなこ' }) });
  await tile.waitFor();
  await second.getByRole('button', { name: 'ジャンプ' }).click();
  await board.getByRole('row', { name: 'はなこ ジャンプ' }).waitFor();
  // Others ask for names every 15 seconds.
  await pupil.locator('ol li', { hasText: 'はなこ' }).first().waitFor({ timeout: 30_000 });
  // The room sees the teacher's name for a node, too.
  await board.getByRole('button', { name: 'はなこ' }).click();
  await board.getByLabel('名前', { exact: true }).fill('さくら');
  await board.getByRole('button', { name: '名前を変える' }).click();
  await board.getByRole('button', { name: 'さくら' }).waitFor();
  await screenshot(board, 'board-names');
  await expectAccessible(second);
  for (const page of [board, pupil, second]) expectNoProblems(page);

  await board.getByRole('button', { name: '終わりにする' }).click();
  await board.getByRole('dialog').getByRole('button', { name: '終わりにする' }).click();
  await second.getByText('先生が グループを おわりに しました').waitFor();
  await second.getByRole('button', { name: 'グループの いちらんに もどる' }).waitFor();
  await screenshot(second, 'join-ended');
});

test('a group\'s invitation leads into that group', async t => {
  const [cats, dogs] = await Promise.all([Lesson.begin(server, 'Cats', 'alice'), Lesson.begin(server, 'Dogs', 'bob')]);
  t.after(() => Promise.all([cats.end(), dogs.end()]));
  const board = await openBoard();
  await board.getByRole('link', { name: 'Dogs' }).click();
  await board.getByRole('region', { name: 'Dogs' }).getByRole('link', { name: '参加のしかた' }).click();
  await board.getByRole('heading', { name: '「Dogs」に参加する' }).waitFor();
  const invitation = new URL(await board.locator('#lobby-qr').getAttribute('title'));
  const pupil = await openPage(browser, invitation.href, { locale: 'en' });
  assert.equal(await pupil.getByLabel('Code').isVisible(), false, 'nobody types what the link knows');
  await pupil.getByLabel('Nickname').fill('Ken');
  await pupil.getByRole('button', { name: 'Join' }).click();
  await pupil.getByRole('heading', { name: 'Dogs' }).waitFor();
  await pupil.getByText('You are Ken').waitFor();
  for (const page of [board, pupil]) expectNoProblems(page);
});

test('the entrance has the links of editors, without a key', async () => {
  const pupil = await openPage(browser, pageAt('/join/#code=abcdef'), TABLET);
  await pupil.locator('summary').click();
  const extension = pageAt('/extension/mesh.js');
  assert.equal(await pupil.locator('#extension').textContent(), extension);
  const link = new URL(await pupil.getByRole('link', { name: 'TurboWarp' }).getAttribute('href'));
  assert.equal(link.searchParams.get('extension'), extension);
  await screenshot(pupil, 'join-editors');
  await expectAccessible(pupil);
  expectNoProblems(pupil);
});
