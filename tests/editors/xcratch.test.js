// The extension in Xcratch, which loads it in a way of its own.
import { after, before, test } from 'node:test';
import { startBrowser } from '../browser/support/browser.js';
import { bothEntered, crossing } from './support/crossing.js';
import { openInTurboWarp, openInXcratch, startClassroom } from './support/editors.js';
import { game } from './support/games.js';

let browser;
let classroom;

before(async () => {
  [browser, classroom] = await Promise.all([startBrowser(), startClassroom()]);
});
after(() => Promise.all([browser?.close(), classroom?.stop()]));

test('Xcratch and TurboWarp in one group: every event is sent once, though two instances were made', async () => {
  const [one, other] = await bothEntered(
    openInXcratch(browser, classroom, await game(classroom.keyed, { sends: 'left', hears: 'right' })),
    openInTurboWarp(browser, classroom, await game(classroom.keyed, { sends: 'right', hears: 'left' })),
  );
  await crossing(one, other);
});
