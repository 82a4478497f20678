import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn, textOf } from './support/project.js';
import { FAILED, FAILURES } from './support/failures.js';
import { FieldError, loadResolver } from './support/resolver.js';
import { fields } from './support/schema.js';

const invoke = await loadResolver('invoke');
const publish = await loadResolver('publish');

/** A resolver's context, with all that AppSync puts into one and no function may see. */
const contextOf = event => ({
  args: event.arguments,
  arguments: event.arguments,
  identity: { accountId: '123456789012' },
  source: null,
  stash: {},
  request: { headers: { 'x-api-key': 'da2-secret', 'x-forwarded-for': '203.0.113.7, 130.176.0.1' }, domainName: null },
  info: { ...event.info, selectionSetGraphQL: '{ id }', variables: { secret: 1 } },
});

test('functions are handed exactly what the events of the project have', () => {
  const names = namesIn('events').filter(name => name.endsWith('.json'));
  assert.ok(names.length > 0);
  for (const name of names) {
    const given = JSON.parse(textOf(`events/${name}`));
    // Some leave out what a function can do without.
    const event = { info: { fieldName: given.field, parentTypeName: 'Mutation' }, ...given };
    const { operation, payload } = invoke.request(contextOf(event));
    assert.equal(operation, 'Invoke');
    assert.deepEqual(JSON.parse(JSON.stringify(payload)), event, name);
  }
});

test('no function is handed a key, and createDomain alone an address', () => {
  for (const { field } of fields) {
    const text = JSON.stringify(invoke.request(contextOf({ arguments: {}, info: { fieldName: field } })));
    assert.doesNotMatch(text, /da2-secret/, field);
    assert.equal(text.includes('203.0.113.7'), field === 'createDomain', field);
  }
});

test("a function's data is the field's, null included", () => {
  for (const data of [{ id: 'g' }, [], 'text', null]) {
    assert.deepEqual(invoke.response({ result: { data } }), data);
  }
});

/** What a call of `response` raises. */
const raised = context => {
  try {
    return invoke.response(context);
  } catch (error) {
    assert.ok(error instanceof FieldError);
    return { message: error.message, type: error.type };
  }
};

test('an error that the function returned has its type', () => {
  const error = { type: 'NodeNotFound', message: 'Node not found: bob' };
  assert.deepEqual(raised({ result: { error } }), error);
});

for (const [what, context] of Object.entries(FAILURES)) {
  test(`${what} is an InternalFailure, which clients try again`, () => {
    assert.deepEqual(raised(context), FAILED);
  });
}

test('what clients read of a failure does not end their session', () => {
  assert.doesNotMatch(FAILED.message, /not found|expired|unauthorized/i);
});

test('publishing needs no data source, and answers every field of what it is given', () => {
  const place = { groupId: 'g', domain: 'd' };
  const events = [
    { name: 'a', firedByNodeId: 'n', payload: '', timestamp: 't1', cursor: 'c1', orderKey: 'k1' },
    { name: 'b', firedByNodeId: 'n', timestamp: 't2' },
  ];
  assert.deepEqual(publish.request(), { payload: null });
  assert.deepEqual(publish.response({ args: { ...place, nodeId: 'n', events, timestamp: 't3' } }), {
    ...place,
    batchEvent: {
      ...place,
      firedByNodeId: 'n',
      timestamp: 't3',
      events: [
        { ...events[0], ...place },
        { ...events[1], ...place },
      ],
    },
  });
});
