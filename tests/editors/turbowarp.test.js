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

for (const [sandbox, words] of [['iframe', 'a frame'], ['worker', 'a worker']]) {
  test(`sandboxed in ${words}`, async () => {
    // A worker does not learn the link that it was loaded by, nor can it ask. So it comes in by the board's code.
    const isWorker = sandbox === 'worker';
    const extension = isWorker ? classroom.extension : classroom.keyed;
    const group = isWorker ? await classroom.code(browser) : 'frames';
    const openEach = async sides => open(await sandboxedGame(extension, { group, ...sides }), { sandbox, extension });
    const [one, other] = await bothEntered(openEach(LEFT), openEach(RIGHT));
    await crossing(one, other);
  });
}
