/** AppSync's realtime protocol, with the test as the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket } from "../../dist/socket.js";
import { FakeClock } from "../support/clock.js";

/** A socket whose server is the test. */
function connection() {
  const clock = new FakeClock();
  const sent = [];
  let raw;
  class WebSocket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, isOpen: true });
      raw = this;
    }
    send(text) {
      sent.push(JSON.parse(text));
    }
    close() {
      this.isOpen = false;
    }
  }
  const options = { webSocket: WebSocket, url: "ws://mesh.test/graphql/realtime", host: "mesh.test", apiKey: "key ?>~", clock };
  const opening = Socket.open(options);
  const says = (frame) => raw.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  return { clock, sent, opening, says, get raw() { return raw; }, options };
}

async function opened(ack = { connectionTimeoutMs: 300_000 }) {
  const one = connection();
  one.raw.onopen({});
  await one.clock.run(0);
  one.says({ type: "connection_ack", payload: ack });
  return Object.assign(one, { socket: await one.opening });
}

async function subscribed() {
  const one = await opened();
  const subscribing = one.socket.subscribe({ groupId: "g", domain: "d" });
  one.says({ type: "start_ack", id: "1" });
  await subscribing;
  return one;
}

const data = (number) => ({ type: "data", id: "1", payload: { data: { onMessageInGroup: { number } } } });

test("the key goes with the upgrade as a sub-protocol, and with the subscription", async () => {
  const { raw, sent } = await subscribed();
  const [protocol, header] = raw.protocols;
  assert.equal(protocol, "graphql-ws");
  // Sub-protocols are tokens: no =, + or /.
  assert.match(header, /^header-[\w-]+$/);
  assert.deepEqual(JSON.parse(Buffer.from(header.slice(7), "base64url")), { host: "mesh.test", "x-api-key": "key ?>~" });
  assert.equal(sent[0].type, "connection_init");
  assert.deepEqual(sent[1].payload.extensions.authorization, { host: "mesh.test", "x-api-key": "key ?>~" });
  assert.deepEqual(JSON.parse(sent[1].payload.data).variables, { groupId: "g", domain: "d" });
});

test("three seconds without an answer at any step is a failure", async () => {
  const steps = [
    async () => connection(),
    async () => {
      const one = connection();
      one.raw.onopen({});
      return one;
    },
    async () => {
      const one = await opened();
      return Object.assign(one, { opening: one.socket.subscribe({ groupId: "g", domain: "d" }) });
    },
  ];
  for (const step of steps) {
    const one = await step();
    const failed = assert.rejects(one.opening, { type: "WebSocketError", message: /within 3000 ms/ });
    await one.clock.run(2_999);
    assert.ok(one.raw.isOpen);
    await one.clock.run(1);
    await failed;
    assert.ok(!one.raw.isOpen);
    assert.equal(one.clock.pending, 0);
  }
});

test("a refusal, a close, and anything that is not AppSync's protocol fail at once", async () => {
  for (const happens of [
    (one) => one.raw.onerror({}),
    (one) => one.raw.onclose({}),
    (one) => one.says({ type: "connection_error", payload: { errors: [{ message: "wrong key" }] } }),
    (one) => one.says("<html>"),
    (one) => one.says("null"),
    (one) => one.says({ type: "surprise" }),
  ]) {
    const one = connection();
    const failed = assert.rejects(one.opening, { type: "WebSocketError" });
    one.raw.onopen({});
    await one.clock.run(0);
    happens(one);
    await failed;
    assert.equal(one.clock.pending, 0);
  }
  await assert.rejects(Socket.open({ ...connection().options, webSocket: undefined }), { type: "WebSocketError" });
});

test("messages before `listen` are kept, in order", async () => {
  const one = await subscribed();
  one.says(data(1));
  one.says(data(2));
  const heard = [];
  one.socket.listen(({ number }) => heard.push(number));
  one.says(data(3));
  assert.deepEqual(heard, [1, 2, 3]);
});

test("a socket is closed after 75 seconds without a frame; keep-alives keep it open", async () => {
  const one = await subscribed();
  let lost = 0;
  one.socket.onclose = () => lost++;
  for (let minute = 0; minute < 5; minute++) {
    await one.clock.run(60_000);
    one.says({ type: "ka" });
  }
  await one.clock.run(74_999);
  assert.equal(lost, 0);
  await one.clock.run(1);
  assert.equal(lost, 1);
  assert.ok(one.socket.closed && !one.raw.isOpen);
});

test("a shorter timeout of the server is followed", async () => {
  const one = await opened({ connectionTimeoutMs: 5_000 });
  await one.clock.run(5_000);
  assert.ok(one.socket.closed);
});

test("the end of the subscription closes the socket, and no message follows", async () => {
  for (const frame of [{ type: "complete", id: "1" }, { type: "error", id: "1", payload: { errors: [{ message: "no" }] } }]) {
    const one = await subscribed();
    const heard = [];
    let lost = 0;
    one.socket.onclose = () => lost++;
    one.socket.listen((message) => heard.push(message));
    one.says(frame);
    one.says(data(1));
    one.raw.onclose({});
    assert.deepEqual([heard, lost], [[], 1]);
  }
});

test("a message that was promised and does not come closes the socket after five seconds", async () => {
  const one = await subscribed();
  await one.clock.run(1_000);
  one.socket.expectMessage(one.clock.steady());
  await one.clock.run(4_000);
  one.socket.expectMessage(one.clock.steady());
  await one.clock.run(999);
  assert.ok(!one.socket.closed);
  await one.clock.run(1);
  assert.ok(one.socket.closed, "a later message gives no more time");
  assert.equal(one.clock.pending, 0);
});

test("any frame since the call was sent shows that the socket is alive", async () => {
  const one = await subscribed();
  await one.clock.run(1_000);
  const sentAt = one.clock.steady();
  one.says(data(1));
  one.socket.expectMessage(sentAt);
  await one.clock.run(10_000);
  one.socket.expectMessage(one.clock.steady());
  await one.clock.run(4_000);
  one.says({ type: "ka" });
  await one.clock.run(60_000);
  assert.ok(!one.socket.closed);
});
