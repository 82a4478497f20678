// Both homes hold the same lesson, and their answers are compared field for field.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathOf } from '../support/project.js';
import { build, daysAhead, startCloud } from './cloud.js';
import { newEssence } from './essence.js';
import { holdLesson } from './lesson.js';
import { start } from './processes.js';

/** As CloudFront and AppSync write it: the caller, then the first proxy. */
const FORWARDED_FOR = '203.0.113.7, 130.176.0.1';

/** Sends one request; gives the whole answer. */
const post = async ({ endpoint, key }, query, variables, headers = {}) => {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-forwarded-for': FORWARDED_FOR, ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...(await response.json()) };
};

/** Holds the lesson; gives what was answered, in order. */
const transcriptOf = async home => {
  const essence = newEssence();
  const answers = [];
  await holdLesson(async (what, query, variables) => {
    const answer = await post(home, query, variables);
    answers.push({ what, answer: essence(answer) });
    return answer.data ?? {};
  });
  return answers;
};

const startMachine = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-rehearsal-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const key = 'da2-rehearsal';
  const options = ['--listen', '127.0.0.1:0', '--data', folder, '--api-key', key, '--max-connection-time-seconds', '300'];
  const server = await start(process.env.MESH_BINARY ?? pathOf('target/debug/mesh'), ['serve', ...options], {
    isReady: said => said.match(/^Mesh is ready: (\S+)$/m)?.[1],
  });
  return { endpoint: server.found, key, stop: server.stop };
};

describe('the deploy', () => {
  let cloud, machine, outputs, home;

  before(async () => {
    await build();
    cloud = await startCloud();
    machine = await startMachine();
    outputs = await cloud.deploy({ ApiKeyAExpires: daysAhead(30) });
    await cloud.putInPlace(outputs.GraphQLApiId);
    home = { endpoint: cloud.endpointOf(outputs.GraphQLApiId), key: outputs.GraphQLApiKey };
  });
  after(async () => {
    await machine?.stop();
    await cloud?.stop();
  });

  test('has the outputs that a deploy is asked for', () => {
    console.log(outputs);
    assert.ok(outputs.GraphQLApiKey);
  });

  test('answers as one machine does', async t => {
    const [there, here] = [await transcriptOf(home), await transcriptOf(machine)];
    for (const [at, { what, answer }] of here.entries()) {
      await t.test(what, () => assert.deepEqual(there[at].answer, answer));
    }
  });
});
