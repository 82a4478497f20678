// A lesson, step by step: what every client library must be able to do with a server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { essence, newClassroom, newEvents, newId } from './classroom.js';
import * as op from './operations.js';

// `"` and `#` for the store's keys, characters of 3 and 4 bytes, and half an emoji: Scratch's "letter 1 of 🐈".
const ODD_KEY = 'スコア "#@🐈';
const HALF_EMOJI = '\ud83d';

/** Tests that need nothing but `call` and `subscribe`, which speak through the library. */
export const lesson = library => {
  const { call } = library;

  test('createDomain gives the same hex to the same network', async () => {
    const domain = await call(op.CREATE_DOMAIN);
    assert.match(domain, /^[0-9a-f]+$/);
    assert.equal(await call(op.CREATE_DOMAIN), domain);
  });

  test('a group is created once, and found by domain and by name', async () => {
    const { asked, group, hostId, place } = await newClassroom(library);
    const { id, createdAt, expiresAt, ...rest } = group;
    assert.ok(new Date(createdAt) < new Date(expiresAt));
    assert.deepEqual(rest, {
      domain: place.domain,
      fullId: `${id}@${place.domain}`,
      name: hostId,
      hostId,
      heartbeatIntervalSeconds: 60,
      useWebSocket: true,
      pollingIntervalSeconds: null,
    });
    assert.deepEqual(await call(op.CREATE_GROUP, { ...asked, name: 'another' }), group);
    assert.deepEqual(await call(op.LIST_GROUPS, { domain: place.domain }), [group]);
    const found = await call(op.SEARCH_GROUPS, { namePrefix: hostId.slice(0, 6), limit: 100 });
    const [sameName] = found.filter(other => other.id === id);
    assert.deepEqual(sameName, group);
  });

  test('nodes join, by WebSocket or polling', async () => {
    const { ask, group, place } = await newClassroom(library);
    assert.deepEqual(await ask(op.LIST_NODES), []);
    const nodeId = newId();
    const { createdAt, ...node } = await ask(op.JOIN_GROUP, { nodeId });
    assert.ok(createdAt >= group.createdAt);
    assert.deepEqual(node, {
      id: nodeId,
      name: `Node ${nodeId}`,
      ...place,
      expiresAt: group.expiresAt,
      heartbeatIntervalSeconds: 120,
      useWebSocket: true,
      pollingIntervalSeconds: null,
    });
    const poller = await ask(op.JOIN_GROUP, { nodeId: newId(), useWebSocket: false });
    assert.deepEqual([poller.useWebSocket, poller.pollingIntervalSeconds], [false, 2]);
    assert.deepEqual(await ask(op.LIST_NODES), [{ ...node, createdAt }, poller]);
  });

  test('a report is answered, echoed to its sender, and kept for late joiners', async () => {
    const { ask, hostId, listen, place } = await newClassroom(library);
    const { messages } = await listen();
    const first = [
      { key: ODD_KEY, value: HALF_EMOJI },
      { key: 'speed', value: '' },
    ];
    const kept = [{ key: ODD_KEY, value: '\ufffd' }, first[1]];
    const answer = await ask(op.REPORT_DATA, { nodeId: hostId, data: first });
    const { timestamp, ...status } = answer.nodeStatus;
    assert.deepEqual(status, { nodeId: hostId, ...place, data: kept });
    assert.deepEqual(await messages.next(), { ...answer, batchEvent: null, groupDissolve: null });

    const second = await ask(op.REPORT_DATA, { nodeId: hostId, data: [{ key: 'speed', value: '2' }] });
    assert.deepEqual(second.nodeStatus.data, [{ key: 'speed', value: '2' }]);
    assert.ok(second.nodeStatus.timestamp > timestamp);
    assert.deepEqual((await messages.next()).nodeStatus, second.nodeStatus);

    const merged = await call(op.NODE_STATUS, { nodeId: hostId });
    const byKey = merged.data.map(({ key, value }) => [key, value]);
    assert.deepEqual(Object.fromEntries(byKey), { [ODD_KEY]: '\ufffd', speed: '2' });
    assert.equal(merged.timestamp, second.nodeStatus.timestamp);
    const inForce = [{ ...answer.nodeStatus, data: [kept[0]] }, second.nodeStatus];
    assert.deepEqual(await ask(op.LIST_STATUSES), inForce);
    assert.equal(await call(op.NODE_STATUS, { nodeId: newId() }), null);
  });

  test('hundreds of events of one call arrive as one message, as they were sent', async () => {
    const { ask, hostId, join, listen, place } = await newClassroom(library);
    const nodeId = await join();
    const { messages } = await listen();
    // In the order sent, which is not the order of the times or the order keys.
    const events = newEvents(500).reverse();
    events[0] = { eventName: '', firedAt: '2026-04-01T18:00:00.5+09:00' };
    const { batchEvent: answered } = await ask(op.FIRE_EVENTS, { nodeId, events });
    const { batchEvent } = await messages.next();
    assert.deepEqual(batchEvent, answered);
    const arrived = essence(batchEvent.events);
    assert.deepEqual(arrived[0], ['', null, '2026-04-01T09:00:00.500Z', null]);
    assert.deepEqual(arrived.slice(1), essence(events).slice(1));
    const sender = { firedByNodeId: nodeId, ...place };
    for (const one of [batchEvent, ...batchEvent.events]) {
      const { firedByNodeId, groupId, domain } = one;
      assert.deepEqual({ firedByNodeId, groupId, domain }, sender);
    }

    // "Set the variable, then broadcast" must arrive so, also at the next subscriber of the same socket.
    const another = await listen();
    await ask(op.REPORT_DATA, { nodeId: hostId, data: [{ key: 'x', value: '1' }] });
    await ask(op.FIRE_EVENTS, { nodeId: hostId, events: newEvents(1) });
    for (const inbox of [messages, another.messages]) {
      assert.equal((await inbox.next()).nodeStatus.data[0].value, '1');
      assert.equal((await inbox.next()).batchEvent.events[0].name, 'tick 0');
    }
  });

  test('a group hears nothing of another, and a stopped subscription nothing at all', async () => {
    const [here, there] = [await newClassroom(library), await newClassroom(library)];
    const [heard, stopped, elsewhere] = [await here.listen(), await here.listen(), await there.listen()];
    await stopped.stop();
    await there.ask(op.FIRE_EVENTS, { nodeId: there.hostId, events: newEvents(1, 'there') });
    await here.ask(op.FIRE_EVENTS, { nodeId: here.hostId, events: newEvents(1, 'here') });
    // The first thing here was fired second.
    assert.equal((await heard.messages.next()).batchEvent.events[0].name, 'here 0');
    assert.equal((await elsewhere.messages.next()).batchEvent.events[0].name, 'there 0');
    assert.ok(stopped.messages.isEmpty());
  });

  test('a polling member and a WebSocket member hear each other', async () => {
    const { ask, hostId, join, listen } = await newClassroom(library);
    const { messages } = await listen();
    const poller = await join(false);
    await ask(op.REPORT_DATA, { nodeId: hostId, data: [{ key: 'x', value: '1' }] });
    await messages.next();

    const fired = newEvents(3, 'fired');
    await ask(op.FIRE_EVENTS, { nodeId: hostId, events: fired });
    assert.deepEqual(essence((await messages.next()).batchEvent.events), essence(fired));
    const first = await ask(op.POLL, { since: '' });
    assert.deepEqual(essence(first.events), essence(fired));
    assert.deepEqual(
      first.nodeStatuses.map(status => [status.nodeId, status.data]),
      [[hostId, [{ key: 'x', value: '1' }]]],
    );
    const since = first.events.at(-1).cursor;
    assert.deepEqual((await ask(op.POLL, { since })).events, []);

    // Recorded events are sorted by their order keys; more than 100 take a poll more.
    const recorded = newEvents(150, 'recorded');
    const answer = await ask(op.RECORD_EVENTS, { nodeId: poller, events: recorded.toReversed() });
    assert.equal(answer.recordedCount, 150);
    const { batchEvent } = await messages.next();
    assert.equal(batchEvent.firedByNodeId, poller);
    assert.deepEqual(essence(batchEvent.events), essence(recorded));
    const page = await ask(op.EVENTS_SINCE, { since: answer.nextSince });
    const rest = await ask(op.EVENTS_SINCE, { since: page.at(-1).cursor });
    assert.deepEqual([page.length, rest.length], [100, 50]);
    assert.deepEqual(essence([...page, ...rest]), essence(recorded));

    // Clients go on from nextSince after recording. It must not pass over what others did since their last poll.
    await ask(op.FIRE_EVENTS, { nodeId: hostId, events: newEvents(1, 'meanwhile') });
    const own = await ask(op.RECORD_EVENTS, { nodeId: poller, events: newEvents(2, 'own') });
    const next = await ask(op.POLL, { since: own.nextSince });
    assert.deepEqual(
      next.events.map(event => event.name),
      ['meanwhile 0', 'own 0', 'own 1'],
    );

    // Before they have any cursor they go on from a time.
    const aMinuteAgo = new Date(Date.now() - 60_000).toISOString();
    assert.equal((await ask(op.POLL, { since: aMinuteAgo })).events[0].name, 'fired 0');
  });

  test('heartbeats leave the end of the group where it is', async () => {
    const { ask, group, hostId, join, place } = await newClassroom(library);
    const nodeId = await join();
    const { expiresAt } = group;
    const host = await ask(op.RENEW_HEARTBEAT, { hostId });
    assert.deepEqual(host, { ...place, expiresAt, heartbeatIntervalSeconds: 60 });
    const member = await ask(op.SEND_MEMBER_HEARTBEAT, { nodeId });
    assert.deepEqual(member, { nodeId, ...place, expiresAt, heartbeatIntervalSeconds: 120 });
  });

  test('a member leaves and takes its values along', async () => {
    const { ask, join, place } = await newClassroom(library);
    const nodeId = await join();
    await ask(op.REPORT_DATA, { nodeId, data: [{ key: 'x', value: '1' }] });
    const { message, ...left } = await ask(op.LEAVE_GROUP, { nodeId });
    assert.equal(typeof message, 'string');
    assert.deepEqual(left, { peerId: nodeId, ...place });
    assert.deepEqual(await ask(op.LIST_NODES), []);
    assert.deepEqual(await ask(op.LIST_STATUSES), []);
  });

  const endings = {
    'when its host dissolves it': ({ ask, hostId }) => ask(op.DISSOLVE_GROUP, { hostId }),
    'when its host leaves': ({ ask, hostId }) => ask(op.LEAVE_GROUP, { nodeId: hostId }),
    'when its time is over': () => {},
  };
  for (const [when, end] of Object.entries(endings)) {
    test(`the subscribers of a group hear its end ${when}`, async () => {
      const life = when.includes('time') ? { maxConnectionTimeSeconds: 2 } : {};
      const classroom = await newClassroom(library, life);
      const { messages } = await classroom.listen();
      await end(classroom);
      const { groupDissolve, ...rest } = await messages.next();
      assert.match(groupDissolve.message, /dissolved/);
      assert.deepEqual(rest, { ...classroom.place, nodeStatus: null, batchEvent: null });
      assert.deepEqual(await call(op.LIST_GROUPS, { domain: classroom.place.domain }), []);
    });
  }
};
