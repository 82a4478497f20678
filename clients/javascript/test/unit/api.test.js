/** HTTP calls: errors, timeouts, retries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../../dist/api.js";
import { backoff } from "../../dist/clock.js";
import { endReason, MeshError } from "../../dist/errors.js";
import { CREATE_DOMAIN } from "../../dist/wire.js";
import { FakeClock } from "../support/clock.js";

const never = new AbortController().signal;

/** An API whose server gives these answers, [status, body] or an error, the last one for ever. */
function api(...answers) {
  const clock = new FakeClock();
  const requests = [];
  const fetch = async (url, init) => {
    requests.push({ at: clock.steady(), url, ...init });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === "silence") {
      return new Promise((_, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
    }
    if (answer instanceof Error) throw answer;
    const [status, body] = answer;
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
  };
  return { clock, requests, api: new Api("http://mesh.test/graphql", "key", fetch, clock) };
}

const fine = [200, { data: { createDomain: "d" } }];
const graphqlError = (errorType, message) => [200, { data: null, errors: [{ errorType, message }] }];

test("a call is a POST with the key, and answers the data", async () => {
  const { api: one, requests } = api(fine);
  assert.deepEqual(await one.call(CREATE_DOMAIN, {}, never), { createDomain: "d" });
  const [{ url, method, headers, body }] = requests;
  assert.deepEqual([url, method, headers["x-api-key"]], ["http://mesh.test/graphql", "POST", "key"]);
  assert.deepEqual(JSON.parse(body), { query: "mutation createDomain{createDomain}", variables: {} });
});

test("errors have the server's type, and know whether a later try may succeed", async () => {
  for (const [answer, type, retryable] of [
    [graphqlError("GroupNotFound", "Group not found: g@d"), "GroupNotFound", false],
    [graphqlError("InternalFailure", "The change was not saved, try again"), "InternalFailure", true],
    [[401, { errors: [{ errorType: "UnauthorizedException", message: "No" }] }], "UnauthorizedException", false],
    [[429, { errors: [{ errorType: "LimitExceededError", message: "Too many" }] }], "LimitExceededError", true],
    [[503, "busy"], "NetworkError", true],
    [[403, "<html>Blocked by the school</html>"], "NetworkError", true],
    [[200, "<html>Log in to this network</html>"], "NetworkError", true],
    [[200, { errors: [{ message: "odd" }] }], "ServerError", false],
    [new TypeError("fetch failed"), "NetworkError", true],
  ]) {
    await assert.rejects(api(answer).api.call(CREATE_DOMAIN, {}, never), (error) => {
      assert.ok(error instanceof MeshError);
      assert.deepEqual([error.type, error.retryable], [type, retryable]);
      return true;
    });
  }
});

test("which errors end a session, and why", () => {
  const reason = (type, message = "") => endReason(new MeshError(type, message));
  assert.equal(reason("GroupNotFound", "Group not found: g@d"), "groupNotFound");
  assert.equal(reason("GroupNotFound", "Group expired: g@d"), "expired");
  assert.equal(reason("NodeNotFound"), "nodeNotFound");
  assert.equal(reason("Unauthorized"), "unauthorized");
  assert.equal(reason("UnauthorizedException"), "unauthorized");
  assert.equal(reason("ValidationError"), undefined);
  assert.equal(reason("constructor"), undefined);
  assert.equal(endReason(new TypeError("GroupNotFound")), undefined);
});

test("an answer that does not come is a network error after 15 seconds", async () => {
  const { clock, api: one } = api("silence");
  await assert.rejects(clock.settled(one.call(CREATE_DOMAIN, {}, never)), { type: "NetworkError", retryable: true });
  assert.equal(clock.steady(), 15_000);
  assert.equal(clock.pending, 0);
});

test("an abort ends a call, and the wait between tries, with its own reason", async () => {
  for (const answer of ["silence", [503, ""]]) {
    const { clock, api: one } = api(answer);
    const controller = new AbortController();
    const call = one.callUntilAnswered(CREATE_DOMAIN, {}, controller.signal);
    await clock.run(100);
    controller.abort(new Error("enough"));
    await assert.rejects(clock.settled(call), { message: "enough" });
    assert.equal(clock.pending, 0);
  }
  const { api: one, requests } = api(fine);
  await assert.rejects(one.call(CREATE_DOMAIN, {}, AbortSignal.abort(new Error("before"))), { message: "before" });
  assert.equal(requests.length, 0);
});

test("only errors that may pass are tried again", async () => {
  const { clock, api: one, requests } = api(new TypeError("fetch failed"), [503, ""], fine);
  assert.deepEqual(await clock.settled(one.callUntilAnswered(CREATE_DOMAIN, {}, never)), { createDomain: "d" });
  assert.equal(requests.length, 3);
  assert.ok(requests[1].at >= 250 && requests[1].at <= 500);
  assert.ok(requests[2].at - requests[1].at >= 500 && requests[2].at - requests[1].at <= 1_000);

  const refused = api(graphqlError("ValidationError", "name"));
  await assert.rejects(refused.clock.settled(refused.api.callUntilAnswered(CREATE_DOMAIN, {}, never)));
  assert.equal(refused.requests.length, 1);

  const limited = api([503, ""]);
  await assert.rejects(limited.clock.settled(limited.api.callUntilAnswered(CREATE_DOMAIN, {}, never, 3)));
  assert.equal(limited.requests.length, 3);
});

test("a call that did not get through is tried again as soon as another one does", async () => {
  const down = new TypeError("fetch failed");
  const { clock, api: one, requests } = api(...Array(9).fill(down), fine);
  const waiting = one.callUntilAnswered(CREATE_DOMAIN, {}, never);
  for (let failures = 0; failures < 8; failures++) await clock.run(requests.length < 9 ? 30_000 : 0);
  assert.equal(requests.length, 9);
  await clock.settled(one.call(CREATE_DOMAIN, {}, never));
  const { at } = requests[9];
  assert.deepEqual(await clock.settled(waiting), { createDomain: "d" });
  assert.equal(requests[10].at, at);
  assert.equal(clock.pending, 0);

  // A server that has too much to do is not asked sooner because it answers others.
  const busy = api([429, { errors: [{ errorType: "LimitExceededError", message: "Too many" }] }], fine);
  const limited = busy.api.callUntilAnswered(CREATE_DOMAIN, {}, never);
  await busy.clock.run(0);
  await busy.clock.settled(busy.api.call(CREATE_DOMAIN, {}, never));
  await busy.clock.settled(limited);
  assert.ok(busy.requests[2].at >= 250, `${busy.requests[2].at}`);
});

test("a call on unload is sent with keepalive, and never rejects", async () => {
  const { api: one, requests } = api(new TypeError("fetch failed"));
  one.callOnUnload(CREATE_DOMAIN, {});
  assert.equal(requests[0].keepalive, true);
});

test("waits double up to half a minute, and differ from node to node", () => {
  const clock = new FakeClock();
  const waits = (failures) => Array.from({ length: 200 }, () => backoff(failures, clock));
  for (const [failures, most] of [[0, 500], [1, 1_000], [5, 16_000], [6, 30_000], [1_000, 30_000]]) {
    const all = waits(failures);
    assert.ok(Math.min(...all) >= most / 2 && Math.max(...all) <= most);
    assert.ok(Math.max(...all) - Math.min(...all) > most / 4, "spread");
  }
});
