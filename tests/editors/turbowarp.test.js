// The extension in TurboWarp: in its editor's machine, sandboxed and not, and in a project that is packed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { expectNoProblems, startBrowser } from '../browser/support/browser.js';
import { openInTurboWarp, openPacked, startClassroom } from './support/editors.js';
import { drummer, game, sandboxedGame, stranger } from './support/games.js';
import { bothEntered, crossing } from './support/crossing.js';
import { pack } from './support/pack.js';

const LEFT = { sends: 'left', hears: 'right' };
const RIGHT = { sends: 'right', hears: 'left' };

let browser;
let classroom;

before(async () => {
  [browser, classroom] = await Promise.all([startBrowser(), startClassroom()]);
});
after(() => Promise.all([browser?.close(), classroom?.stop()]));

const open = (file, options) => openInTurboWarp(browser, classroom, file, options);

for (const [compiler, words] of [[true, 'compiled'], [false, 'interpreted']]) {
  test(`two packed projects, ${words}`, async () => {
    const openEach = async (name, sides) => {
      const page = await pack(await game(classroom.extension, { group: `packed ${words}`, ...sides }), { compiler });
      return openPacked(browser, `${classroom.put(`${words}-${name}.html`, page)}#key=${classroom.apiKey}`);
    };
    const [one, other] = await bothEntered(openEach('left', LEFT), openEach('right', RIGHT));
    await crossing(one, other);
    for (const { page } of [one, other]) expectNoProblems(page);
  });

  test(`a message that no script of its sender has, ${words}`, async () => {
    const files = [await stranger(classroom.keyed), await game(classroom.keyed, RIGHT)];
    const [one, other] = await bothEntered(...files.map(file => open(file, { compiler })));
    await one.press('s');
    await other.until('heard', [1]);
  });

  test(`several messages in one frame are all heard, in order, ${words}`, async () => {
    const file = await drummer(classroom.extension);
    const [one, other] = await bothEntered(open(file, { compiler }), open(file, { compiler }));
    await one.press('s');
    await other.until('heard', [...Array(10).fill('beat'), 'end']);
  });
}

test('sandboxed in a frame', async () => {
  const openEach = async sides => open(await sandboxedGame(classroom.keyed, { group: 'frames', ...sides }), { sandbox: 'iframe' });
  await crossing(...(await bothEntered(openEach(LEFT), openEach(RIGHT))));
});

test('sandboxed in a worker, which does not learn its link and cannot ask, by the code of the board', async () => {
  const lesson = await startClassroom();
  const { extension } = lesson;
  const group = await lesson.code(browser);
  const openEach = async sides =>
    openInTurboWarp(browser, lesson, await sandboxedGame(extension, { group, ...sides }), { sandbox: 'worker', extension });
  await crossing(...(await bothEntered(openEach(LEFT), openEach(RIGHT))));
  await lesson.stop();
});
