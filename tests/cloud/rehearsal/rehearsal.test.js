// Both homes hold the same lesson, and their answers are compared field for field.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FAILED, FAILURES } from '../support/failures.js';
import { pathOf } from '../support/project.js';
import { PUBLISH, fields } from '../support/schema.js';
import { PARAMETERS, build, daysAhead, startCloud, validate } from './cloud.js';
import { newEssence } from './essence.js';
import { holdLesson } from './lesson.js';
import { run, start } from './processes.js';

const CREATE_DOMAIN = 'mutation { createDomain }';

const MESH = process.env.MESH_BINARY ?? pathOf('target/debug/mesh');

/** Sends one request; gives the status and the whole answer. */
const post = async ({ endpoint, key }, query, variables, headers = {}) => {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, answer: await response.json() };
};

/** Plays the lesson; gives its answers, in order, without what must differ between two runs. */
const transcriptOf = async home => {
  const essence = newEssence();
  const statuses = [];
  const lines = await holdLesson(async (query, variables) => {
    const { status, answer } = await post(home, query, variables);
    statuses.push(status);
    return answer;
  });
  assert.deepEqual([...new Set(statuses)], [200]);
  return lines.map(line => ({ ...line, answer: essence(line.answer) }));
};

const startMachine = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-rehearsal-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const key = 'da2-rehearsal';
  const life = ['--max-connection-time-seconds', `${PARAMETERS.MaxConnectionTimeSeconds}`];
  const args = ['serve', '--listen', '127.0.0.1:0', '--data', folder, '--api-key', key, ...life];
  const server = await start(MESH, args, {
    isReady: said => said.match(/^Mesh is ready: (\S+)$/m)?.[1],
  });
  return { endpoint: server.found, key, stop: server.stop };
};

describe('the rehearsal', () => {
  let cloud, machine, first, home;
  const keyA = { ApiKeyAExpires: daysAhead(30) };
  // The emulator does not serve the address that it gives to the API.
  const keyB = () => ({ ApiKeyBExpires: daysAhead(360), CurrentApiKey: 'B', AppSyncEndpoint: home.endpoint });

  before(async () => {
    [cloud, machine] = await Promise.all([startCloud(), startMachine()]);
  });
  after(() => Promise.all([cloud?.stop(), machine?.stop()]));

  for (const environment of [undefined, 'prod']) {
    test(`sam validate --lint ${environment ?? ''}`, () => validate(environment));
  }

  test('sam build', build);

  test('a deploy whose parameters break a rule is refused', async () => {
    const elsewhere = { ...keyA, Stage: 'prod', ProductionRegion: 'eu-west-1' };
    await assert.rejects(cloud.deploy(elsewhere), /ProductionRegion in samconfig.toml is another region/);
  });

  test('the first deploy has the outputs that clients need', async () => {
    first = await cloud.deploy(keyA);
    for (const output of ['GraphQLApiEndpoint', 'GraphQLApiId', 'GraphQLApiKey', 'TableArn', 'TableName']) {
      assert.ok(first[output], output);
    }
    await cloud.putInPlace(first.GraphQLApiId);
    home = { endpoint: cloud.endpointOf(first.GraphQLApiId), key: first.GraphQLApiKey };
  });

  test('the second deploy adds key B while key A lives', async () => {
    const second = await cloud.deploy({ ...keyA, ...keyB() });
    assert.equal(second.GraphQLApiId, first.GraphQLApiId);
    for (const { GraphQLApiKey: key } of [first, second]) {
      assert.match((await post({ ...home, key }, CREATE_DOMAIN)).answer.data.createDomain, /^[0-9a-f]{16}$/);
    }
    home.key = second.GraphQLApiKey;
  });

  test('the cloud answers as one machine does', async t => {
    const [there, here] = [await transcriptOf(home), await transcriptOf(machine)];
    for (const [at, { what, answer, isExpected }] of here.entries()) {
      await t.test(what, () => {
        assert.deepEqual(there[at].answer, answer);
        assert.ok(isExpected && there[at].isExpected, JSON.stringify(answer));
      });
    }
    await t.test('and every field was called', () => {
      const called = new Set(here.map(({ field }) => field));
      const callable = fields.map(({ field }) => field).filter(field => field !== PUBLISH);
      assert.deepEqual([...called].sort(), callable.sort());
    });
    await t.test('two fields of one request', async () => {
      const twice = 'mutation { one: createDomain two: createDomain }';
      const { data: { one, two }, errors } = (await post(home, twice)).answer;
      assert.deepEqual([one, errors], [two, undefined]);
    });
  });

  test('mesh verify finds that all of it works', async () => {
    const said = await run(MESH, ['verify', home.endpoint, '--api-key', home.key, '--without-subscriptions']);
    assert.match(said, /(\d+) of \1 work/);
  });

  test('a wrong key is refused alike', async () => {
    const wrong = home => post({ ...home, key: 'wrong' }, CREATE_DOMAIN);
    const { status, answer } = await wrong(machine);
    assert.equal(status, 401);
    assert.deepEqual(await wrong(home), { status, answer });
  });

  test('addresses that a caller writes in front do not change its domain', async () => {
    const domainOf = async address => (await post(home, CREATE_DOMAIN, {}, { 'x-forwarded-for': address })).answer.data.createDomain;
    const { answer: { data: { createDomain: own } } } = await post(home, CREATE_DOMAIN);
    assert.equal(await domainOf('198.51.100.1'), own);
    assert.equal(await domainOf('198.51.100.1, 198.51.100.2'), own);
  });

  test('every failure of a function is one message, in the runtime of resolvers', async () => {
    for (const [what, context] of Object.entries(FAILURES)) {
      const { error, evaluationResult } = await cloud.respond('invoke', context);
      assert.deepEqual([error?.message, evaluationResult], [FAILED.message, undefined], what);
    }
    const { error, evaluationResult } = await cloud.respond('invoke', { result: { data: { id: 'g' } } });
    assert.deepEqual([error, JSON.parse(evaluationResult)], [undefined, { id: 'g' }]);
  });

  test('functions that end or take too long are an InternalFailure', async () => {
    // Takes connections and never answers.
    const silent = createServer(socket => socket.unref()).listen(0, '127.0.0.1').unref();
    await once(silent, 'listening');
    const nowhere = `{AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:${silent.address().port},TABLE_NAME=t,AWS_REGION=x}`;
    await cloud.reconfigure('GetNodeStatusFunction', ['--environment', 'Variables={TABLE_NAME_IS=missing}']);
    await cloud.reconfigure('ListGroupsByDomainFunction', ['--timeout', '1', '--environment', `Variables=${nowhere}`]);
    for (const query of ['{ getNodeStatus(nodeId: "n") { nodeId } }', '{ listGroupsByDomain(domain: "d") { id } }']) {
      const { answer } = await post(home, query);
      const [{ errorType, message }] = answer.errors;
      assert.deepEqual({ type: errorType, message }, FAILED, query);
    }
    silent.closeAllConnections?.();
  });

  test('the third deploy ends key A', async () => {
    // What is left out of a deploy stays as it was.
    await cloud.deploy({ ApiKeyAExpires: 0, ...keyB() });
    assert.equal((await post({ ...home, key: first.GraphQLApiKey }, CREATE_DOMAIN)).status, 401);
    assert.equal((await post(home, CREATE_DOMAIN)).status, 200);
  });

  test('a deploy that changes nothing says so, and ends well', () => cloud.deploy({ ApiKeyAExpires: 0, ...keyB() }));

  test('the kill switch ends every key, and another deploy makes a new one', async () => {
    const said = await cloud.endKeys();
    assert.match(said, /1 API keys ended/);
    assert.ok(!said.includes(home.key));
    assert.equal((await post(home, CREATE_DOMAIN)).status, 401);
    const { GraphQLApiKey: key } = await cloud.deploy({ ...keyA, ApiKeyBExpires: 0, CurrentApiKey: 'A' });
    assert.notEqual(key, home.key);
    assert.equal((await post({ ...home, key }, CREATE_DOMAIN)).status, 200);
  });

  test('sam delete', () => cloud.delete());
});
