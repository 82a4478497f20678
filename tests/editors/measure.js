// How long events take from program to program, and how many are heard, for each way into a mesh.
// COUNT events each way, 200 if nothing is said; the ways in arguments, all if there are none.
import { startBrowser } from '../browser/support/browser.js';
import { bothEntered } from './support/crossing.js';
import { openInTurboWarp, openInXcratch, openPacked, startClassroom } from './support/editors.js';
import { cloudGame, game, sandboxedGame } from './support/games.js';
import { latency } from './support/latency.js';
import { pack } from './support/pack.js';

const count = Number(process.env.COUNT ?? 200);
const PAUSE = 0.1;
/** The hats of a sandbox hear each name about four times a second. */
const SANDBOXED_PAUSE = 0.3;

const [browser, classroom] = await Promise.all([startBrowser(), startClassroom()]);

const packed = compiler => async (group, sides) => {
  const page = await pack(await game(classroom.extension, { group, count, pause: PAUSE, ...sides }), { compiler });
  return openPacked(browser, `${classroom.put(`${group}-${sides.sends}.html`, page)}#key=${classroom.apiKey}`);
};
const sandboxed = async (group, sides) => {
  const file = await sandboxedGame(classroom.keyed, { group, count, pause: SANDBOXED_PAUSE, ...sides });
  return openInTurboWarp(browser, classroom, file, { sandbox: 'iframe' });
};
const xcratch = async (group, sides) =>
  openInXcratch(browser, classroom, await game(classroom.keyed, { group, count, pause: PAUSE, ...sides }));
const cloud = async (group, sides) => {
  const cloudHost = classroom.cloudHost;
  const page = await pack(await cloudGame({ count, pause: PAUSE, ...sides }), { cloudHost, projectId: group });
  return openPacked(browser, classroom.put(`${group}-${sides.sends}.html`, page));
};

const WAYS = {
  'packed, compiled': packed(true),
  'packed, interpreted': packed(false),
  'Xcratch': xcratch,
  'sandboxed in a frame': sandboxed,
  'cloud variables': cloud,
};

/** Sends all from one to the other; waits until nothing has come for a while. */
const there = async (one, other) => {
  await one.press('s');
  let heard = -1;
  for (let now = 0; now > heard || now === 0; ) {
    heard = now;
    await other.page.waitForTimeout(3_000);
    now = (await other.value('latencies')).length;
  }
  return latency(await other.value('latencies'));
};

const asked = process.argv.slice(2);
for (const [way, open] of Object.entries(WAYS)) {
  if (asked.length > 0 && !asked.some(word => way.includes(word))) continue;
  const opened = [{ sends: 'left', hears: 'right' }, { sends: 'right', hears: 'left' }].map(sides => open(way.replace(/\W/g, ''), sides));
  const [one, other] = await bothEntered(...opened);
  console.log(`${way}, of ${count} sent: there ${await there(one, other)}; back ${await there(other, one)}`);
  await Promise.all([one.page.close(), other.page.close()]);
}
await Promise.all([browser.close(), classroom.stop()]);
