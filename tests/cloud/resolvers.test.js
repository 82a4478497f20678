import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesIn, textOf } from './support/project.js';
import { FieldError, loadResolver } from './support/resolver.js';

const invoke = await loadResolver('invoke');
const publish = await loadResolver('publish');

/** A resolver's context, with all that AppSync puts into one and no function may see. */
const contextOf = event => ({
  args: event.arguments,
  arguments: event.arguments,
  identity: event.identity,
  source: null,
  stash: {},
  request: { headers: event.request.headers, domainName: null },
  info: { ...event.info, selectionSetGraphQL: '{ id }', variables: { secret: 1 } },
});

test('functions are handed exactly what the events of the project have', () => {
  const names = namesIn('events').filter(name => name.endsWith('.json'));
  assert.ok(names.length > 0);
  for (const name of names) {
    const given = JSON.parse(textOf(`events/${name}`));
    const info = { fieldName: given.field, parentTypeName: 'Mutation' };
    // Some leave out what a function can do without.
    const event = { identity: null, request: { headers: {} }, info, ...given };
    const { operation, payload } = invoke.request(contextOf(event));
    assert.equal(operation, 'Invoke');
    assert.deepEqual(JSON.parse(JSON.stringify(payload)), event, name);
  }
});

test("a function's data is the field's, null included", () => {
  for (const data of [{ id: 'g' }, [], 'text', null]) {
    assert.deepEqual(invoke.response({ result: { data } }), data);
  }
});

const refusals = {
  'an error that the function returned': [
    { result: { error: { type: 'NodeNotFound', message: 'Node not found: bob' } } },
    new FieldError('Node not found: bob', 'NodeNotFound'),
  ],
  'an error of Lambda itself': [
    { error: { type: 'Lambda:Unhandled', message: 'it timed out' }, result: null },
    new FieldError('it timed out', 'Lambda:Unhandled'),
  ],
  'no answer at all': [{ result: null }, new FieldError('The change was not saved, try again', 'InternalFailure')],
};
for (const [what, [context, expected]] of Object.entries(refusals)) {
  test(`${what} is an error with its type`, () => {
    assert.throws(
      () => invoke.response(context),
      error => error.message === expected.message && error.type === expected.type,
    );
  });
}

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
