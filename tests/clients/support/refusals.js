// The errors of the API, each as its caller sees it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newClassroom, newEvents, newId } from './classroom.js';
import * as op from './operations.js';

// Living clients end their session on these words, so that only an error that means it may say them.
const FAREWELL = /not found|expired|unauthorized/i;

/** `refusal` finds `{ errorType, message }` in whatever the library throws. */
export const refusals = library => {
  const { call, refusal } = library;

  const refused = async (calling, errorType, message) => {
    const error = await calling.then(() => assert.fail(`should be refused: ${errorType}`), refusal);
    // The word stands on the error itself, as AppSync has it, where its clients look for it.
    assert.equal(error.errorType, errorType);
    assert.deepEqual([error.data, error.errorInfo], [null, null]);
    assert.ok(Array.isArray(error.locations));
    if (message instanceof RegExp) assert.match(error.message, message);
    else assert.ok(error.message.includes(message), error.message);
    if (errorType === 'ValidationError') assert.doesNotMatch(error.message, FAREWELL);
  };

  // What any of the operations may need; GraphQL ignores variables that a document does not name.
  const anyone = nodeId => ({
    nodeId,
    data: [{ key: 'x', value: '1' }],
    events: newEvents(1),
    since: '',
    hostId: nodeId,
  });
  const OF_MEMBERS = [op.REPORT_DATA, op.FIRE_EVENTS, op.RECORD_EVENTS, op.SEND_MEMBER_HEARTBEAT, op.LEAVE_GROUP];
  const OF_HOSTS = [op.RENEW_HEARTBEAT, op.DISSOLVE_GROUP];
  const OF_GROUPS = [op.JOIN_GROUP, op.LIST_NODES, op.LIST_STATUSES, op.EVENTS_SINCE, op.POLL];

  test('GroupNotFound: no such group, dissolved, in another domain, or past its time', async () => {
    const [dissolved, elsewhere, short] = await Promise.all([
      newClassroom(library),
      newClassroom(library),
      newClassroom(library, { maxConnectionTimeSeconds: 2 }),
    ]);
    const { messages } = await short.listen();
    await dissolved.ask(op.DISSOLVE_GROUP, { hostId: dissolved.hostId });
    const missing = [
      { groupId: newId(), domain: 'nowhere' },
      dissolved.place,
      { ...elsewhere.place, domain: 'another' },
    ];
    for (const operation of [...OF_MEMBERS, ...OF_HOSTS, ...OF_GROUPS]) {
      for (const place of missing) {
        const { groupId, domain } = place;
        const message = `Group not found: ${groupId}@${domain}`;
        await refused(call(operation, { ...place, ...anyone(newId()) }), 'GroupNotFound', message);
      }
    }
    await messages.next();
    const { groupId, domain } = short.place;
    for (const operation of [...OF_MEMBERS, ...OF_HOSTS, ...OF_GROUPS]) {
      const message = `Group expired: ${groupId}@${domain}`;
      await refused(call(operation, { ...short.place, ...anyone(short.hostId) }), 'GroupNotFound', message);
    }
  });

  test('Unauthorized: what only the host may do, and what no client may', async () => {
    const { join, place } = await newClassroom(library);
    const variables = { ...place, ...anyone(await join()) };
    await refused(call(op.RENEW_HEARTBEAT, variables), 'Unauthorized', 'Only the host can renew the heartbeat');
    await refused(call(op.DISSOLVE_GROUP, variables), 'Unauthorized', 'Only the host can dissolve the group');
    const publishing = call(op.PUBLISH_EVENTS, {
      ...place,
      nodeId: variables.nodeId,
      events: [],
      timestamp: new Date().toISOString(),
    });
    const message = 'Not Authorized to access publishEventsByNode on type Mutation';
    await refused(publishing, 'Unauthorized', message);
  });

  test('NodeNotFound: who never joined, and who left', async () => {
    const { ask, join, place } = await newClassroom(library);
    const left = await join();
    await ask(op.LEAVE_GROUP, { nodeId: left });
    for (const operation of OF_MEMBERS) {
      for (const nodeId of [newId(), left]) {
        const calling = call(operation, { ...place, ...anyone(nodeId) });
        await refused(calling, 'NodeNotFound', `Node not found: ${nodeId}`);
      }
    }
  });

  test('ValidationError: limits, malformed values and documents', async () => {
    const { asked, ask, hostId: nodeId } = await newClassroom(library);
    const report = data => ask(op.REPORT_DATA, { nodeId, data });
    const fire = events => ask(op.FIRE_EVENTS, { nodeId, events });
    const create = more => call(op.CREATE_GROUP, { ...asked, ...more });
    const item = { key: 'x', value: '1' };
    const [event] = newEvents(1);
    const refusedFor = (calling, message) => refused(calling, 'ValidationError', message);
    await refusedFor(create({ domain: 'd'.repeat(257) }), /domain.*256/);
    await refusedFor(create({ name: '' }), /name.*256/);
    await refusedFor(create({ maxConnectionTimeSeconds: 0 }), /maxConnectionTimeSeconds/);
    await refusedFor(ask(op.JOIN_GROUP, { nodeId: 'two\nlines' }), /nodeId.*control characters/);
    await refusedFor(report([]), /data.*250/);
    await refusedFor(report(Array(251).fill(item)), /data.*250/);
    await refusedFor(report([{ ...item, key: 'k'.repeat(257) }]), /key.*256/);
    await refusedFor(fire([]), /events.*1000/);
    await refusedFor(fire(Array(1_001).fill({ ...event, eventName: '', orderKey: '' })), /events.*1000/);
    await refusedFor(fire([{ ...event, payload: 'p'.repeat(250_000) }]), /245760/);
    await refusedFor(fire([{ ...event, firedAt: 'yesterday' }]), /AWSDateTime/);
    await refusedFor(ask(op.POLL, { since: 'yesterday' }), /since/);
    await refusedFor(call(op.SEARCH_GROUPS, { namePrefix: 'sevenxx' }), /namePrefix.*6/);
    await refusedFor(call(op.SEARCH_GROUPS, { namePrefix: 'a', limit: 101 }), /limit.*100/);
    await refusedFor(call('query { listGroupsByDomain(domain: "d") { id unheardOf } }'), /error of type .*unheardOf/);
    await refusedFor(call(op.LIST_GROUPS), /error of type .*domain/);
  });
};
