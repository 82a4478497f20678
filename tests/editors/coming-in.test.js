// How a program comes into a mesh and out of it: keys, codes, names of groups, and what the blocks say meanwhile.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from '../browser/support/browser.js';
import { bothEntered, crossing } from './support/crossing.js';
import { openInTurboWarp, openPacked, startClassroom } from './support/editors.js';
import { game, idle } from './support/games.js';
import { pack } from './support/pack.js';

let browser;
let classroom;
let project;

before(async () => {
  [browser, classroom, project] = await Promise.all([startBrowser(), startClassroom(), idle()]);
});
after(() => Promise.all([browser?.close(), classroom?.stop()]));

const open = (options, file = project) => openInTurboWarp(browser, classroom, file, options);
const enter = (program, group) => program.does('enter', { NAME: group });
/** Answers the question for a key, or declines. */
const answering = key => page => page.on('dialog', dialog => (key === null ? dialog.dismiss() : dialog.accept(key)));

test('a key that the link does not give is asked for once, by the first block that needs it', async () => {
  let asked = 0;
  const prepare = page => {
    page.on('dialog', () => asked++);
    answering(classroom.apiKey)(page);
  };
  const program = await open({ extension: classroom.extension, prepare });
  assert.deepEqual([asked, await program.says('getState')], [0, 'not in a mesh']);
  await enter(program, 'asked');
  await enter(program, 'asked again');
  assert.deepEqual([asked, await program.says('getState')], [1, 'connected']);
});

test('without a key, with a wrong one, and with the right one after that', async () => {
  const keys = [null, 'da2-wrong', classroom.apiKey];
  const prepare = page => page.on('dialog', dialog => {
    const key = keys.shift();
    return key === null ? dialog.dismiss() : dialog.accept(key);
  });
  const program = await open({ extension: classroom.extension, prepare });
  const states = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    await enter(program, 'keys');
    states.push(await program.says('getState'));
  }
  assert.match(states[0], /^Key\?/);
  assert.deepEqual(states.slice(1), ['the key is wrong', 'connected']);
});

test('a server that does not answer', async () => {
  const another = await startClassroom();
  const program = await open({ extension: another.keyed });
  await another.stop();
  await enter(program, 'nowhere');
  assert.equal(await program.says('getState'), 'no answer');
  assert.equal(await program.says('isConnected'), false);
});

test('the code of the board is all that a child types: into the only group, or into one of its name', async () => {
  const lesson = await startClassroom();
  const code = await lesson.code(browser);
  const open = () => openInTurboWarp(browser, lesson, project, { extension: lesson.extension });
  const [one, other] = await Promise.all([open(), open()]);
  await Promise.all([enter(one, code), enter(other, code.toLowerCase().replace(' ', ''))]);
  assert.deepEqual([await one.says('getState'), await other.says('getState')], ['connected', 'connected']);
  const names = await one.eventually('getNames', {}, names => names.includes(','));
  assert.match(names, /^host, /);
  const third = await open();
  await enter(third, code);
  await one.eventually('getNames', {}, names => names.split(', ').length === 3);
  await lesson.stop();
});

test('who enters the same name at the same moment meets in one group', async () => {
  const programs = await Promise.all(Array.from({ length: 4 }, () => open()));
  await Promise.all(programs.map(program => enter(program, 'at once')));
  const groups = await classroom.groups('at once');
  assert.equal(groups.length, 1);
  const names = await programs[0].eventually('getNames', {}, names => names.split(', ').length === 4);
  assert.ok(names.split(', ').includes('host'), names);
});

test('a nickname is what others see; leaving ends what one created', async () => {
  const [host, member] = [await open(), await open()];
  await enter(host, 'names');
  await member.does('setNickname', { NAME: ' Aoi\n' });
  await enter(member, 'names');
  assert.equal(await member.says('getNames'), 'host, Aoi');
  await host.does('leave');
  assert.equal(await host.says('getState'), 'not in a mesh');
  assert.equal(await member.eventually('getState', {}, state => state === 'over'), 'over');
  assert.equal(await member.says('isConnected'), false);
  assert.equal(await member.says('getNames'), '');
});

test('a host whose page is reloaded is given its group back, with who is in it', async () => {
  const file = await game(classroom.keyed, { sends: 'left', hears: 'right', group: 'reloaded' });
  const address = classroom.put('reloaded.html', await pack(file));
  const host = await openPacked(browser, `${address}#key=${classroom.apiKey}`);
  await host.until('entered', 'yes');
  const member = await open({}, await game(classroom.keyed, { sends: 'right', hears: 'left', group: 'reloaded' }));
  await member.until('entered', 'yes');
  await host.page.reload();
  const again = await host.reopened();
  await again.until('entered', 'yes');
  await crossing(again, member);
});

test('a packed project plays on the server that gives it out, whatever address that has today', async () => {
  const yesterday = await startClassroom();
  const packed = async sides => pack(await game(yesterday.extension, { group: 'packed', ...sides }));
  const pages = [await packed({ sends: 'left', hears: 'right' }), await packed({ sends: 'right', hears: 'left' })];
  await yesterday.stop();
  const addresses = pages.map((page, index) => `${classroom.put(`today-${index}.html`, page)}#key=${classroom.apiKey}`);
  const programs = await bothEntered(...addresses.map(address => openPacked(browser, address)));
  await crossing(...programs);
});

test('the link can name the group, for projects without a block to enter', async () => {
  const address = classroom.put('idle.html', await pack(await idle(classroom.extension)));
  const program = await openPacked(browser, `${address}#key=${classroom.apiKey}&group=by+link&name=Ren`);
  assert.equal(await program.eventually('getState', {}, state => state === 'connected'), 'connected');
  assert.equal((await classroom.groups('by link')).length, 1);
});

test('six hiragana, as Smalruby shows a group, are its name', async () => {
  const { id } = await classroom.host('0123456789abcdef0123456789abcdef');
  const program = await open();
  await enter(program, 'いしかたうん');
  assert.equal((await classroom.nodes(id)).length, 1);
});

test('the blocks speak the language of the editor', async () => {
  const names = [];
  for (const locale of ['en-US', 'ja-JP']) {
    const program = await open({ locale });
    names.push(await program.says('getState'));
  }
  assert.deepEqual(names, ['not in a mesh', 'メッシュに入っていない']);
});
