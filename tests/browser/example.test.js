import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Proxy } from '../../clients/javascript/test/support/proxy.js';
import { newFolder } from '../clients/support/folders.js';
import { startServer } from '../clients/support/server.js';
import { expectAccessible, expectNoProblems, openPage, screenshot, startBrowser } from './support/browser.js';

const PAGE = fileURLToPath(new URL('../../examples/javascript-client/page', import.meta.url));
const AMPLIFY = { ignoreHTTPSErrors: true };

let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startServer(newFolder(), '--in-memory')]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** Another server, until the test is over. */
const serve = async (t, ...options) => {
  const another = await startServer(newFolder(), '--in-memory', ...options);
  t.after(another.stop);
  return another;
};

const english = (page, options = {}) => openPage(browser, page, { locale: 'en-US', ...options });
const example = ({ endpoint }, page = '') => new URL(`/example/${page}`, endpoint).href;
/** The address of a page that already knows the key. */
const connected = (server, page) => `${example(server, page)}#key=${server.apiKey}`;

const create = async (page, name) => {
  await page.getByLabel('Name of the group').fill(name);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
};
const join = (page, name) => page.getByRole('button', { name: `Join: ${name}` }).click();
const inState = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();
/** Moves a slider as a hand does. */
const slide = (page, name, value) => page.getByRole('slider', { name }).fill(String(value));
const fire = async (page, name, payload) => {
  await page.getByLabel('Name of the event').fill(name);
  await page.getByLabel('Text (may be empty)').fill(payload);
  await page.getByRole('button', { name: 'Fire', exact: true }).click();
};
const seesValue = (page, name, value) =>
  page.locator('tr', { hasText: name }).getByRole('cell', { name: String(value), exact: true }).waitFor();
const hears = (page, name, payload) =>
  page.locator('ol li:not(.own)', { hasText: `${name} ${payload}` }).waitFor();

/** A value and an event from each of two pages to the other. */
const crossing = async (one, other) => {
  for (const [from, to, number] of [
    [one, other, 41],
    [other, one, 42],
  ]) {
    await slide(from, 'speed', number);
    await fire(from, 'hello', `number ${number}`);
    await hears(to, 'hello', `number ${number}`);
    await seesValue(to, 'speed', number);
  }
};

test('two pages, by hand: create, find, join, share, fire, leave', async () => {
  const japanese = { locale: 'ja-JP', viewport: { width: 1280, height: 900 } };
  const host = await openPage(browser, example(server), japanese);
  assert.equal(await host.getByLabel('サーバーの アドレス').inputValue(), server.endpoint);
  await expectAccessible(host);
  await screenshot(host, 'example-connect');

  await host.getByLabel('キー').fill('wrong');
  await host.getByRole('button', { name: 'つなぐ' }).click();
  await host.getByRole('alert').filter({ hasText: 'キーが ちがいます' }).waitFor();
  await host.getByLabel('キー').fill(server.apiKey);
  await host.getByRole('button', { name: 'つなぐ' }).click();
  await host.getByLabel('グループの 名前').fill('3年1組');
  await host.getByRole('button', { name: 'つくる' }).click();
  await inState(host, 'つながっています');

  const member = await english(connected(server));
  await member.getByText('3年1組').waitFor();
  await expectAccessible(member);
  await screenshot(member, 'example-groups');
  await join(member, '3年1組');
  await inState(member, 'Connected');

  await host.getByRole('slider', { name: 'はやさ' }).fill('73');
  await host.getByRole('switch', { name: 'ライト' }).check();
  await host.getByRole('button', { name: 'ジャンプ' }).click();
  await member.locator('ol li', { hasText: 'ジャンプ' }).waitFor();
  await seesValue(member, 'はやさ', 73);
  await seesValue(member, 'ライト', 'on');
  await fire(member, 'hello', 'こんにちは <b>');
  await hears(host, 'hello', 'こんにちは <b>');
  await member.getByLabel('Name of the value').fill('height');
  await member.getByRole('button', { name: 'Add' }).click();
  await slide(member, 'height', 5);
  await seesValue(host, 'height', 5);
  for (const page of [host, member]) await expectAccessible(page);
  await screenshot(host, 'example-host');
  await screenshot(member, 'example-member');

  await member.getByRole('button', { name: 'Leave' }).click();
  await member.getByText('You left the group').waitFor();
  await member.getByRole('button', { name: 'Back to the list of groups' }).click();
  await join(member, '3年1組');
  await inState(member, 'Connected');
  await host.getByRole('button', { name: 'グループを おわりに する' }).click();
  await member.getByText('The host ended the group').waitFor();
  await screenshot(member, 'example-ended');
  for (const page of [host, member]) expectNoProblems(page);
});

test('a group is found by the beginning of its name', async () => {
  const [host, member] = await Promise.all([english(`${connected(server)}&domain=one`), english(`${connected(server)}&domain=other`)]);
  await create(host, 'ねこのくみ');
  await inState(host, 'Connected');
  await member.getByLabel('Find by').fill('ねこ');
  await member.getByRole('button', { name: 'Find' }).click();
  await join(member, 'ねこのくみ');
  await crossing(host, member);
  await host.getByRole('button', { name: 'End the group' }).click();
});

test('aws-amplify and mesh-v2-client in one group', async t => {
  const secure = await serve(t, '--tls');
  const [library, own] = await Promise.all([
    english(connected(secure, 'amplify.html'), AMPLIFY),
    english(connected(secure), AMPLIFY),
  ]);
  await create(library, 'Mixed');
  await inState(library, 'Connected');
  await join(own, 'Mixed');
  await inState(own, 'Connected');
  await crossing(library, own);
  await screenshot(library, 'example-amplify');
  await own.getByRole('button', { name: 'Leave' }).click();
  await own.getByRole('button', { name: 'Back to the list of groups' }).click();
  await create(own, 'Other way round');
  await inState(own, 'Connected');
  await library.getByRole('button', { name: 'End the group' }).click();
  await library.getByRole('button', { name: 'Back to the list of groups' }).click();
  await join(library, 'Other way round');
  await crossing(library, own);
  await own.getByRole('button', { name: 'End the group' }).click();
  await library.getByText('The host ended the group').waitFor();
  for (const page of [library, own]) expectNoProblems(page);
});

test('on plain http, the page of aws-amplify says what it needs', async () => {
  const page = await english(connected(server, 'amplify.html'));
  await page.getByText('mesh serve --tls').waitFor();
  await expectAccessible(page);
});

test('pages on an http address of the local network', async t => {
  const interfaces = Object.values(networkInterfaces()).flat();
  const address = interfaces.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (!address) return t.skip('this machine has no such address');
  const listen = `${address}:${await freePort()}`;
  const lan = await serve(t, '--listen', listen);
  const there = { ...lan, endpoint: `http://${listen}/graphql` };
  const [host, member] = await Promise.all([english(connected(there)), english(connected(there))]);
  assert.equal(await host.evaluate(() => window.isSecureContext), false);
  await create(host, 'LAN');
  await join(member, 'LAN');
  await crossing(host, member);
  for (const page of [host, member]) expectNoProblems(page);
});

/** A port that nobody has at the moment. */
const freePort = () =>
  new Promise(resolve => {
    const probe = createServer().listen(0, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

test('where the network blocks sockets, a pupil reads that it takes a little longer', async t => {
  const network = await Proxy.start(new URL(server.endpoint).host);
  t.after(() => network.end());
  network.upgrades = 'redirect';
  const host = await english(connected(server));
  await create(host, 'Blocked');
  const pupil = await openPage(browser, connected({ ...server, endpoint: network.endpoint }), { locale: 'ja-JP' });
  await pupil.getByRole('button', { name: '入る: Blocked' }).click();
  await inState(pupil, '2 秒ごとに きいています');
  await pupil.getByText('この ネットワークは WebSocket を 通しません').waitFor();
  await slide(host, 'speed', 9);
  await fire(host, 'hello', 'to the pupil');
  await hears(pupil, 'hello', 'to the pupil');
  await seesValue(pupil, 'speed', 9);
  await pupil.getByRole('button', { name: 'ジャンプ' }).click();
  await host.locator('ol li', { hasText: 'ジャンプ' }).waitFor();
  await expectAccessible(pupil);
  await screenshot(pupil, 'example-polling');

  // Nothing gets through any more, and then everything does.
  network.block();
  await inState(pupil, 'つなぎなおしています');
  await screenshot(pupil, 'example-recovering');
  network.unblock();
  await inState(pupil, 'つながっています');
  await host.getByRole('button', { name: 'End the group' }).click();
  await pupil.getByText('つくった人が グループを おわりに しました').waitFor();
});

test('from a plain file server, with the endpoint and key in the address', async t => {
  const files = await serve(t, '--static', PAGE);
  const page = await english(new URL('/', files.endpoint).href);
  assert.equal(await page.getByLabel('Address of the server').inputValue(), '');
  const given = new URLSearchParams({ endpoint: server.endpoint, key: server.apiKey });
  const other = await english(new URL(`/#${given}`, files.endpoint).href);
  await create(other, 'Elsewhere');
  await page.getByLabel('Address of the server').fill(server.endpoint);
  await page.getByLabel('Key').fill(server.apiKey);
  await page.getByRole('button', { name: 'Connect' }).click();
  await join(page, 'Elsewhere');
  await crossing(page, other);
  assert.ok(page.problems.every(problem => problem.startsWith('leaves the machine: ')), page.problems.join('\n'));
});
