// Programs of TurboWarp, Xcratch and Smalruby in one group.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, startBrowser } from '../browser/support/browser.js';
import { SmalrubyProgram } from '../clients/support/smalruby.js';
import { bothEntered } from './support/crossing.js';
import { openInTurboWarp, openInXcratch, startClassroom } from './support/editors.js';
import { game } from './support/games.js';
import { smalrubyScript } from './support/smalruby-page.js';

let browser;
let classroom;
const programs = [];

before(async () => {
  [browser, classroom] = await Promise.all([startBrowser(), startClassroom()]);
});
after(async () => {
  for (const program of programs) program.close();
  await Promise.all([browser?.close(), classroom?.stop()]);
});

const smalruby = () => {
  const program = new SmalrubyProgram(classroom);
  programs.push(program);
  return program;
};

/** One project, of the kind that Smalruby can open, too, in two editors. */
const openBoth = async group => {
  const file = await game(classroom.keyed, { sends: 'left', hears: 'right', group, count: 1 });
  return bothEntered(openInTurboWarp(browser, classroom, file), openInXcratch(browser, classroom, file));
};

/** A value and an event from Smalruby to both, and from each of them to Smalruby. */
const meet = async (program, editors) => {
  await program.set('score', 41);
  await program.fire('right');
  for (const editor of editors) await editor.until('heard', [41]);
  for (const editor of editors) {
    await editor.press('s');
    assert.deepEqual(await program.events.next(), { name: 'left', score: '1' });
  }
};

test('Smalruby creates the group; the others enter it by its label', async () => {
  const program = smalruby();
  const { name } = await program.host(classroom.domain);
  const label = [...name.slice(0, 6)].map(digit => 'いしかたうんてとのつはこになくき'[parseInt(digit, 16)]).join('');
  await meet(program, await openBoth(label));
});

test('TurboWarp creates the group; Smalruby joins it', async () => {
  const program = smalruby();
  const editors = await openBoth('Cats');
  await program.join(classroom.domain, 'Cats');
  assert.equal(program.value('score'), '0');
  await meet(program, editors);
});

test('a build of Smalruby whose endpoint is /graphql works at every address that serves it', async () => {
  classroom.put('smalruby.js', await smalrubyScript());
  const page = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="smalruby.js"></script>';
  const address = new URL(classroom.put('smalruby.html', page));
  for (const hostname of ['127.0.0.1', 'localhost']) {
    address.hostname = hostname;
    const smalruby = await openPage(browser, `${address}#key=${classroom.apiKey}`);
    await smalruby.waitForFunction(() => document.title).catch(() => assert.fail(`nothing came at ${address}`));
    assert.match(await smalruby.title(), /"key":"score"/, hostname);
  }
});
