// Before it hosts a group, Smalruby opens the socket without credentials and only waits for the open. If that fails,
// its whole group polls.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { newFolder } from './support/folders.js';
import { startServer } from './support/server.js';
import { within } from './support/within.js';

const server = await startServer(newFolder());
after(server.kill);

const url = `${server.endpoint.replace('http:', 'ws:')}/realtime`;

for (const [offer, protocols, answer] of [
  ['no sub-protocol', [], undefined],
  ['graphql-ws', ['graphql-ws'], 'graphql-ws'],
]) {
  test(`a socket opens without credentials, offering ${offer}`, async () => {
    const socket = new WebSocket(url, protocols);
    const [[{ headers }]] = await within(Promise.all([once(socket, 'upgrade'), once(socket, 'open')]), 'the open');
    // And nothing else: not every client looks for it in a list.
    assert.equal(headers.connection, 'Upgrade');
    // `ws` itself fails on an answer that was not offered.
    assert.equal(headers['sec-websocket-protocol'], answer);
    socket.close();
    await within(once(socket, 'close'), 'the close');
  });
}
