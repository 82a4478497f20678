// Cloud variables of packed projects, by the packager's own client, beside a node on mesh-v2-client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { expectNoProblems, openPage, startBrowser } from '../browser/support/browser.js';
import { openPacked, startClassroom } from './support/editors.js';
import { bothEntered, crossing } from './support/crossing.js';
import { cloudGame } from './support/games.js';
import { pack } from './support/pack.js';

let browser;
let classroom;

before(async () => {
  [browser, classroom] = await Promise.all([startBrowser(), startClassroom()]);
});
after(() => Promise.all([browser?.close(), classroom?.stop()]));

const open = async (projectId, sides, cloudHost = classroom.cloudHost) => {
  const page = await pack(await cloudGame(sides), { cloudHost, projectId });
  return openPacked(browser, classroom.put(`${projectId}-${sides.sends}.html`, page));
};

test('two packed projects and a node of another kind', async () => {
  const [one, other] = await bothEntered(
    open('p4-Cats', { sends: 'left', hears: 'right' }),
    open('p4-Cats', { sends: 'right', hears: 'left' }),
  );
  await crossing(one, other);
  for (const { page } of [one, other]) expectNoProblems(page);

  const node = await openPage(browser, `${classroom.origin}/example/`);
  await node.evaluate(async ([endpoint, apiKey]) => {
    const { Mesh } = await import('/example/vendor/mesh-v2-client.js');
    const mesh = new Mesh({ endpoint, apiKey });
    const [group] = await mesh.groups();
    globalThis.session = await mesh.join(group);
  }, [classroom.endpoint, classroom.apiKey]);
  await node.waitForFunction(() => session.value('left') === '5' && session.value('right') === '5');
  await node.evaluate(() => session.set('left', 12));
  await other.until('last', 12);
  const [{ id }] = await classroom.groups('p4-Cats');
  assert.equal((await classroom.nodes(id)).length, 3);
});
