import assert from 'node:assert/strict';
import { test } from 'node:test';
import { essence, newClassroom, newEvents } from './classroom.js';
import { nextFrame } from './globals.js';
import * as op from './operations.js';

/** The server is killed in the middle of a lesson. Only the library's own reconnecting brings its subscription back. */
export const crash = (library, server) =>
  test('a lesson goes on after a crash of the server', async () => {
    const { ask, group, hostId, join, listen } = await newClassroom(library);
    const member = await join();
    const poller = await join(false);
    const { messages, stop } = await listen();
    const { nodeStatus } = await ask(op.REPORT_DATA, { nodeId: member, data: [{ key: 'x', value: '1' }] });
    const recorded = newEvents(3, 'before');
    const { nextSince: since } = await ask(op.RECORD_EVENTS, { nodeId: poller, events: recorded });
    await messages.next();
    await messages.next();

    await server.kill();
    const subscribedAgain = nextFrame('start_ack');
    await server.start();
    await subscribedAgain;

    assert.deepEqual(await ask(op.LIST_GROUPS), [group]);
    const [first, second] = await ask(op.LIST_NODES);
    assert.deepEqual([first.id, second.id], [member, poller]);
    assert.deepEqual(await ask(op.LIST_STATUSES), [nodeStatus]);
    assert.deepEqual(essence(await ask(op.EVENTS_SINCE, { since })), essence(recorded));
    await ask(op.RENEW_HEARTBEAT, { hostId });
    await ask(op.SEND_MEMBER_HEARTBEAT, { nodeId: member });
    await ask(op.REPORT_DATA, { nodeId: member, data: [{ key: 'x', value: '2' }] });
    await ask(op.FIRE_EVENTS, { nodeId: hostId, events: newEvents(1, 'after') });
    const report = (await messages.next()).nodeStatus;
    assert.equal(report.data[0].value, '2');
    assert.ok(report.timestamp > nodeStatus.timestamp);
    assert.equal((await messages.next()).batchEvent.events[0].name, 'after 0');
    await stop();
  });
