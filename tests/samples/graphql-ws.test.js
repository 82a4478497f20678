/** graphql-ws 6 when something goes wrong: what its users see, and that it comes back by itself. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { newFolder } from "../clients/support/folders.js";
import { startServer } from "../clients/support/server.js";
import { until } from "../../clients/javascript/test/support/wait.js";

const LISTEN = `subscription ($groupId: ID!) { onMessageInGroup(groupId: $groupId, domain: "room") {
  groupId batchEvent { events { name } } } }`;
const FIRE = `mutation ($groupId: ID!, $events: [EventInput!]!) {
  fireEventsByNode(groupId: $groupId, domain: "room", nodeId: "host", events: $events) {
    groupId domain batchEvent { events { name } firedByNodeId groupId domain timestamp } } }`;

let server;

before(async () => (server = await startServer(newFolder())));
after(() => server?.stop());

const connect = (key, options) =>
  createClient({
    url: server.endpoint.replace("http", "ws"),
    connectionParams: { "x-api-key": key },
    webSocketImpl: WebSocket,
    ...options,
  });

/** A query's or mutation's only answer. */
const ask = async (client, query, variables) => {
  const answers = [];
  for await (const answer of client.iterate({ query, variables })) answers.push(answer);
  assert.equal(answers.length, 1);
  return answers[0];
};

test("a wrong key is a close event with a reason", async () => {
  const client = connect("da2-wrong", { retryAttempts: 0 });
  await assert.rejects(ask(client, "{ __typename }"), ({ code, reason }) => {
    assert.equal(code, 4403);
    assert.match(reason, /x-api-key/);
    return true;
  });
});

test("a document that does not fit is an error of its own, and the socket stays", async () => {
  const sockets = new Set();
  const client = connect(server.apiKey, { lazy: false, on: { connected: (socket) => sockets.add(socket) } });
  await assert.rejects(ask(client, "{ nope }"), ([{ errorType, message }]) => {
    assert.equal(errorType, "ValidationError");
    assert.match(message, /nope/);
    return true;
  });
  const { data, errors } = await ask(client, 'query { listNodesInGroup(groupId: "none", domain: "room") { id } }');
  assert.deepEqual([data, errors[0].errorType], [null, "GroupNotFound"]);
  assert.equal(sockets.size, 1);
  await client.dispose();
});

test("a server that comes back finds its subscriptions again", async () => {
  let connected = 0;
  let pongs = 0;
  const on = { connected: () => connected++, pong: () => pongs++ };
  // Without `shouldRetry` it gives up when a connection is refused, as while the server starts.
  const patience = { retryAttempts: Infinity, retryWait: () => sleep(50), shouldRetry: () => true };
  const client = connect(server.apiKey, { keepAlive: 100, ...patience, on });
  const create = 'mutation { createGroup(name: "Cats", hostId: "host", domain: "room") { id } }';
  const groupId = (await ask(client, create)).data.createGroup.id;
  const heard = [];
  client.subscribe(
    { query: LISTEN, variables: { groupId } },
    { next: ({ data }) => heard.push(data.onMessageInGroup.batchEvent.events[0].name), error: () => {}, complete: () => {} },
  );
  const fireUntilHeard = async (eventName) => {
    const events = [{ eventName, firedAt: new Date().toISOString() }];
    await until(async () => {
      await ask(client, FIRE, { groupId, events });
      return heard.includes(eventName);
    });
  };
  await fireUntilHeard("before");
  await until(() => pongs > 0);
  const connectedBefore = connected;
  await server.stop();
  await server.start();
  await until(() => connected > connectedBefore);
  await fireUntilHeard("after");
  await client.dispose();
});
