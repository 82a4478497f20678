/** A lesson: the board before and during it, the page where pupils come in, and twenty seconds of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openPage } from '../../tests/browser/support/browser.js';
import { newFolder } from '../../tests/clients/support/folders.js';
import { startServer } from '../../tests/clients/support/server.js';
import { save } from './png.js';

const MESH = process.env.MESH_BINARY ?? fileURLToPath(new URL('../../target/debug/mesh', import.meta.url));
const ADMIN_KEY = 'admin-the-teachers';
/** The board is made for projectors: it is laid out for one, and shown smaller. */
const PROJECTOR = { width: 1600, height: 900 };
const WIDE = 0.7;
const SMALL = 0.5;
/** Twenty seconds: the lobby, the class coming in, its work. */
const FRAMES = 40;
const FRAME_MILLIS = 500;
const LOBBY_FRAMES = 6;

/** A class of so many, that works until `stop` is called. */
const startClass = (server, nodes) => {
  const args = ['simulate', '--endpoint', server.endpoint, '--api-key', server.apiKey, '--groups', '1', '--nodes', nodes];
  args.push('--data-rate', '12', '--event-rate', '1', '--values', '2', '--seconds', '600', '--report', `${newFolder()}/report`);
  const child = spawn(MESH, args.map(String), { stdio: 'ignore' });
  return {
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
    },
  };
};

export const drawLesson = async browser => {
  const server = await startServer(newFolder(), '--in-memory', '--admin-key', ADMIN_KEY, '--advertise', 'mesh.local:4000');
  const { origin } = new URL(server.endpoint);
  const openBoard = async (locale, deviceScaleFactor) => {
    const page = await openPage(browser, `${origin}/board/#key=${ADMIN_KEY}`, { locale, viewport: PROJECTOR, deviceScaleFactor });
    await page.locator('#lobby-code', { hasText: /^[A-Z]{3} [A-Z]{3}$/ }).waitFor();
    return page;
  };
  const [english, japanese, small] = [
    await openBoard('en', WIDE),
    await openBoard('ja-JP', WIDE),
    await openBoard('en', SMALL),
  ];

  save('lobby.ja.png', [await japanese.screenshot()]);
  const entrance = await openPage(browser, `${origin}/join/`, { locale: 'ja-JP', viewport: { width: 420, height: 590 } });
  await entrance.getByRole('textbox').first().fill(await japanese.locator('#lobby-code').textContent());
  await entrance.getByRole('textbox').last().fill('ハル');
  save('join.ja.png', [await entrance.screenshot()]);

  const frames = [];
  const begun = Date.now();
  let lesson;
  while (frames.length < FRAMES) {
    if (frames.length === LOBBY_FRAMES) lesson = startClass(server, 40);
    await small.waitForTimeout(Math.max(0, begun + frames.length * FRAME_MILLIS - Date.now()));
    frames.push(await small.screenshot());
  }
  save('lesson.png', frames, FRAME_MILLIS);
  save('board.en.png', [await english.screenshot()]);
  save('board.ja.png', [await japanese.screenshot()]);
  await lesson.stop();
  await server.stop();
};
