// The README's tour, as a reader would type it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newFolder } from './support/folders.js';
import { startServer } from './support/server.js';
import { within } from './support/within.js';

const here = path => fileURLToPath(new URL(path, import.meta.url));

/** The shell blocks behind the mark. */
const tour = () => {
  const readme = readFileSync(here('../../README.md'), 'utf8');
  const marked = readme.slice(readme.indexOf('<!-- tour:'), readme.indexOf('## In a classroom'));
  return [...marked.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block);
};

/** Blocks in a shell of their own. */
const shell = (blocks, folder) => {
  const path = `${here('../../node_modules/.bin')}:${process.env.PATH}`;
  const env = { ...process.env, PATH: path, SECONDS_TO_CONNECT: '4', SECONDS_TO_LISTEN: '60' };
  // A group of processes of its own, so that what it started ends with it.
  const child = spawn('bash', ['-euo', 'pipefail', '-c', blocks.join('\n')], { cwd: folder, env, detached: true });
  const end = () => {
    try {
      process.kill(-child.pid);
    } catch {
      // It has ended by itself.
    }
  };
  let written = '';
  let look = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      written += text;
      look();
    });
  }
  const ended = once(child, 'close');
  return {
    end,
    /** Waits for a word, and gives all that was written. */
    async says(word) {
      const said = new Promise(resolve => {
        look = () => written.includes(word) && resolve();
        look();
      });
      await within(said, word);
      return written;
    },
    /** Waits for a good end, and gives all that was written. */
    async succeeds() {
      const [code] = await within(ended, 'the shell to end');
      assert.equal(code, 0, written);
      return written;
    },
  };
};

test('the tour of the README works when it is typed', async t => {
  const folder = newFolder();
  const server = await startServer(join(folder, 'mesh-data'));
  t.after(server.stop);
  // A reader's server made its own key; the tests' server was told theirs.
  writeFileSync(join(folder, 'mesh-data', 'api-key'), server.apiKey);
  const blocks = tour().map(block => block.replaceAll('127.0.0.1:4000', new URL(server.endpoint).host));
  assert.equal(blocks.length, 5);
  const [setUp, creating, listening, sharing, ending] = blocks;
  const naming = listening.slice(0, listening.indexOf('\n') + 1);

  const created = await shell([setUp, creating], folder).succeeds();
  assert.match(created, /"createDomain":"[0-9a-f]{16}"/);
  assert.match(created, /"name":"Cats"/);

  const listener = shell([setUp, listening], folder);
  t.after(listener.end);
  await listener.says('start_ack');
  const shared = await shell([setUp, naming, sharing, ending], folder).succeeds();
  assert.doesNotMatch(shared, /"errors"/);
  assert.match(shared, /"complete":true/);

  const heard = await listener.says('"groupDissolve":{');
  const places = ['"value":"7"', '"name":"goal"', 'dissolved'].map(word => heard.indexOf(word));
  assert.ok(places[0] > 0 && places[0] < places[1] && places[1] < places[2], heard);
});
