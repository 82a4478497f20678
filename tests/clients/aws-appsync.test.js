// npm `aws-appsync` 4, as Smalruby 3 uses it: no offline store, an API key, queries that always ask the server.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dialled, nextFrame } from './support/globals.js';
import appsync from 'aws-appsync';
import { gql } from 'graphql-tag';
import { newClassroom, newEvents, newId } from './support/classroom.js';
import { crash } from './support/crash.js';
import { newFolder } from './support/folders.js';
import { lesson } from './support/lesson.js';
import * as op from './support/operations.js';
import { refusals } from './support/refusals.js';
import { startServer } from './support/server.js';
import { acknowledged, begin, hangUp } from './support/subscriptions.js';

const server = await startServer(newFolder());
after(() => hangUp().finally(server.kill));

const { apiKey, endpoint } = server;
const connect = apiKey =>
  new appsync.AWSAppSyncClient({
    url: endpoint,
    region: 'local',
    auth: { type: 'API_KEY', apiKey },
    disableOffline: true,
  });
const client = connect(apiKey);

// Apollo asks for __typename everywhere; the tests have no use for it.
const plain = data => JSON.parse(JSON.stringify(data), (key, value) => (key === '__typename' ? undefined : value));

const call = async (document, variables, by = client) => {
  const { data } = document.startsWith('query')
    ? await by.query({ query: gql(document), variables, fetchPolicy: 'network-only' })
    : await by.mutate({ mutation: gql(document), variables });
  const [result] = Object.values(data);
  return plain(result);
};
const observe =
  (document, variables, by = client) =>
  () =>
    by.subscribe({ query: gql(document), variables }).map(plain);
const subscribe = (document, variables) => acknowledged(observe(document, variables));

const refusal = ({ graphQLErrors }) => graphQLErrors[0];
const library = { call, subscribe, refusal };

// Apollo warns, and no more, of every field that it asked for and did not get.
const warnings = [];
console.warn = (...warning) => warnings.push(warning);

crash(library, server);

test('a call made while the server is away is answered when it is back', async () => {
  const { ask, group, hostId } = await newClassroom(library);
  assert.equal(await server.stop(), 0);
  const renewing = ask(op.RENEW_HEARTBEAT, { hostId });
  await server.start();
  assert.equal((await renewing).expiresAt, group.expiresAt);
});

lesson(library);
refusals(library);

test('dials the endpoint and /realtime, with the key in the query', async () => {
  const { listen } = await newClassroom(library);
  await listen();
  const [url, protocol] = dialled[0].args;
  assert.equal(protocol, 'graphql-ws');
  // Its base64 is not percent-encoded: `+`, `/` and `=` arrive as they are.
  const [, place, header] = url.match(/^(.*)\?header=(.*)&payload=e30=$/);
  assert.equal(place, `${endpoint.replace('http:', 'ws:')}/realtime`);
  assert.equal(JSON.parse(Buffer.from(header, 'base64'))['x-api-key'], apiKey);
});

test('a wrong key fails a call at once; a subscription is tried again and again', async () => {
  const stranger = connect('da2-wrong');
  const error = await call(op.LIST_GROUPS, { domain: 'd' }, stranger).catch(error => error);
  assert.equal(error.networkError.statusCode, 401);
  assert.equal(error.networkError.result.errors[0].errorType, 'UnauthorizedException');

  const first = nextFrame('connection_error');
  const subscription = begin(observe(op.ON_MESSAGE, { groupId: newId(), domain: 'd' }, stranger));
  const { payload } = await first;
  assert.equal(payload.errors[0].errorType, 'UnauthorizedException');
  await nextFrame('connection_error');
  assert.ok(subscription.errors.isEmpty());
});

test('a refused subscription leaves the others of its socket alone', async () => {
  const { ask, hostId, listen, place } = await newClassroom(library);
  const { messages } = await listen();
  const refused = nextFrame('error');
  begin(observe(op.ON_MESSAGE, { ...place, domain: 'd'.repeat(257) }));
  assert.equal((await refused).payload.errors[0].errorType, 'ValidationError');
  await ask(op.FIRE_EVENTS, { nodeId: hostId, events: newEvents(1) });
  assert.equal((await messages.next()).batchEvent.events[0].name, 'tick 0');
});

test('a body over 1 MB is refused, and the next call is served', async () => {
  const { asked, group } = await newClassroom(library);
  const error = await call(op.CREATE_GROUP, { ...asked, name: 'n'.repeat(2 ** 23) }).catch(error => error);
  assert.equal(error.networkError.statusCode, 413);
  assert.equal(error.networkError.result.errors[0].errorType, 'RequestTooLarge');
  assert.deepEqual(await call(op.CREATE_GROUP, asked), group);
});

test('no answer and no message lacked a field', () => assert.deepEqual(warnings, []));
