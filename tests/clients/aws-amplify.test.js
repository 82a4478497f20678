// npm `aws-amplify` 6, as web applications use it. It dials wss whatever the endpoint says, hence TLS.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dialled } from './support/globals.js';
import { Amplify } from 'aws-amplify';
import { generateClient } from 'aws-amplify/api';
import { newClassroom, newEvents, newId } from './support/classroom.js';
import { crash } from './support/crash.js';
import { TLS_FOLDER } from './support/folders.js';
import { lesson } from './support/lesson.js';
import * as op from './support/operations.js';
import { refusals } from './support/refusals.js';
import { startServer } from './support/server.js';
import { acknowledged, begin, hangUp } from './support/subscriptions.js';

const server = await startServer(TLS_FOLDER, '--tls');
after(() => hangUp().finally(server.kill));

const { apiKey, endpoint } = server;
Amplify.configure({ API: { GraphQL: { endpoint, apiKey, region: 'local', defaultAuthMode: 'apiKey' } } });
const client = generateClient();

const call = async (query, variables) => {
  const answer = await client.graphql({ query, variables });
  assert.deepEqual(Object.keys(answer), ['data']);
  const [result] = Object.values(answer.data);
  return result;
};
const observe = (query, variables) => () => client.graphql({ query, variables });
const subscribe = (query, variables) => acknowledged(observe(query, variables));

// It throws the server's answer as it is.
const refusal = ({ errors }) => errors[0];
const library = { call, subscribe, refusal };

crash(library, server);
lesson(library);
refusals(library);

test('dials wss, with the key in a sub-protocol', async () => {
  const { listen } = await newClassroom(library);
  await listen();
  const [url, [name, header]] = dialled[0].args;
  assert.equal(String(url), `${endpoint.replace('https:', 'wss:')}/realtime`);
  assert.equal(name, 'graphql-ws');
  const credentials = JSON.parse(Buffer.from(header.replace('header-', ''), 'base64url'));
  assert.equal(credentials['x-api-key'], apiKey);
});

test('a wrong key is refused by HTTP and by WebSocket', async () => {
  const options = { authMode: 'apiKey', apiKey: 'da2-wrong' };
  const calling = client.graphql({ query: op.LIST_GROUPS, variables: { domain: 'd' }, ...options });
  const { errors } = await calling.catch(error => error);
  // It knows the error by the header x-amzn-ErrorType, and words the message itself.
  assert.equal(errors[0].originalError.name, 'UnauthorizedException');
  assert.equal(errors[0].message, 'Unauthorized');

  // It keeps one socket for an endpoint, so one with another key needs another name.
  const elsewhere = generateClient({ endpoint: endpoint.replace('127.0.0.1', 'localhost'), ...options });
  const variables = { groupId: newId(), domain: 'd' };
  const subscription = begin(() => elsewhere.graphql({ query: op.ON_MESSAGE, variables }));
  const failure = await subscription.errors.next();
  assert.equal(failure.errors[0].message, 'Connection failed: UnauthorizedException');
});

test('a refused subscription leaves the others of its socket alone', async () => {
  const { ask, hostId, listen, place } = await newClassroom(library);
  const { messages } = await listen();
  const { errors } = begin(observe(op.ON_MESSAGE, { ...place, domain: 'd'.repeat(257) }));
  const { message } = (await errors.next()).errors[0];
  assert.match(message, /^Connection failed: .*"errorType":"ValidationError"/);
  await ask(op.FIRE_EVENTS, { nodeId: hostId, events: newEvents(1) });
  assert.equal((await messages.next()).batchEvent.events[0].name, 'tick 0');
});

test('a body over 1 MB is refused, and the next call is served', async () => {
  const { asked, group } = await newClassroom(library);
  const calling = call(op.CREATE_GROUP, { ...asked, name: 'n'.repeat(2 ** 23) });
  const { errors } = await calling.catch(error => error);
  assert.equal(errors[0].originalError.name, 'RequestTooLarge');
  assert.deepEqual(await call(op.CREATE_GROUP, asked), group);
});
