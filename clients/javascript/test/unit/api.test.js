/** HTTP calls: errors, timeouts, retries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../../dist/api.js";
import { backoff } from "../../dist/clock.js";
import { endReason, isUnknownArgument, MeshError } from "../../dist/errors.js";
import { Network } from "../../dist/network.js";
import { CREATE_DOMAIN, SEARCH_GROUPS } from "../../dist/wire.js";
import { FakeClock } from "../support/clock.js";

const never = new AbortController().signal;

/** An API whose server gives these answers, [status, body, headers] or an error, the last one for ever. */
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
    const [status, body, headers] = answer;
    return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
  };
  const endpoint = new URL("http://mesh.test/graphql");
  const options = { endpoint: endpoint.href, apiKey: "key", fetch, clock, network: new Network(endpoint, undefined) };
  return { clock, requests, api: new Api(options) };
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
    [graphqlError("Lambda:Unhandled", "..."), "Lambda:Unhandled", true],
    [graphqlError("Lambda:ExecutionTimeoutException", "..."), "Lambda:ExecutionTimeoutException", true],
    [graphqlError("ExecutionTimeout", "..."), "ExecutionTimeout", true],
    [graphqlError("Lambda:TooManyRequestsException", "Rate Exceeded"), "Lambda:TooManyRequestsException", true],
    [graphqlError("DynamoDB:ThrottlingException", "..."), "DynamoDB:ThrottlingException", true],
    [[429, { errors: [{ errorType: "LimitExceededError", message: "Too many" }] }], "LimitExceededError", true],
    [[500, { errors: [{ errorType: "Odd", message: "..." }] }], "Odd", true],
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

test("a server that does not know an argument says so in AppSync's words or in those of mesh serve", () => {
  const isUnknown = (message) => isUnknownArgument(new MeshError("ValidationError", message));
  assert.ok(isUnknown("Validation error of type UnknownArgument: Unknown field argument secret @ 'joinGroup'"));
  assert.ok(isUnknown("Validation error of type InvalidDocument: the argument `name` is not supported by `Mutation.joinGroup`"));
  assert.ok(!isUnknown("Validation error of type UnknownArgument: Unknown field argument limit @ 'joinGroup'"));
  assert.ok(!isUnknown("name must have 1 to 40 characters"));
  assert.ok(!isUnknownArgument(new TypeError("UnknownArgument: secret")));
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

test("a server that names a time to wait is asked no sooner, and at most a minute later", async () => {
  for (const [header, least, most] of [["7", 7_000, 7_000], ["3600", 60_000, 60_000], ["0", 250, 500], ["soon", 250, 500]]) {
    const limited = [429, { errors: [{ errorType: "LimitExceededError", message: "Too many" }] }, { "retry-after": header }];
    const { clock, api: one, requests } = api(limited, fine);
    await clock.settled(one.callUntilAnswered(CREATE_DOMAIN, {}, never), 100_000);
    assert.ok(requests[1].at >= least && requests[1].at <= most, `${header}: ${requests[1].at}`);
  }
});

test("a call that fails in the server is tried eight times, a throttled one for as long as it takes", async () => {
  const failing = api(graphqlError("Lambda:Unhandled", "..."));
  await assert.rejects(failing.clock.settled(failing.api.callUntilAnswered(CREATE_DOMAIN, {}, never), 300_000), { type: "Lambda:Unhandled" });
  assert.equal(failing.requests.length, 8);
  const throttled = api(...Array(20).fill(graphqlError("Lambda:TooManyRequestsException", "Rate Exceeded")), fine);
  await throttled.clock.settled(throttled.api.callUntilAnswered(CREATE_DOMAIN, {}, never), 3_600_000);
  assert.equal(throttled.requests.length, 21);
});

test("variables that are a function are asked for at each try; those that are undefined are left out", async () => {
  const { clock, api: one, requests } = api([503, ""], fine);
  let tries = 0;
  const variables = () => ({ namePrefix: `p${++tries}`, limit: undefined });
  await clock.settled(one.callUntilAnswered(SEARCH_GROUPS, variables, never));
  const bodies = requests.map(({ body }) => JSON.parse(body));
  assert.deepEqual(bodies.map(({ variables }) => variables), [{ namePrefix: "p1" }, { namePrefix: "p2" }]);
  assert.match(bodies[0].query, /^query searchGroupsByNamePrefix\(\$namePrefix:String!\)\{searchGroupsByNamePrefix\(namePrefix:\$namePrefix\)\{/);
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
