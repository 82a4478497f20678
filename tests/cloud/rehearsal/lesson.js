// A lesson in which every operation is called, rightly and wrongly. Both homes are asked the same.

const STATUS = '{ nodeId groupId domain data { key value } timestamp }';
const EVENT = 'name firedByNodeId groupId domain payload timestamp orderKey';
const TERMS = 'createdAt expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds';
const GROUP = `{ __typename id domain fullId name hostId ${TERMS} }`;
const NODE = `{ id name groupId domain ${TERMS} }`;
const BATCH = `{ events { ${EVENT} } firedByNodeId groupId domain timestamp }`;
const RECORDED = `{ events { ${EVENT} cursor } firedByNodeId groupId domain timestamp }`;
const DISSOLVE = '{ groupId domain message }';
const message = batch => `{ groupId domain nodeStatus ${STATUS} batchEvent ${batch} groupDissolve ${DISSOLVE} }`;

const FIRED_AT = '2026-04-01T18:00:00.5+09:00';
const events = (count, word, orderKey) =>
  Array.from({ length: count }, (_, at) => ({ eventName: `${word} ${at}`, payload: `${at}`, firedAt: FIRED_AT, orderKey: orderKey?.(at) }));

/** What a mutation or query says of its arguments: `groupId: ID!` to `$groupId: ID!` and `groupId: $groupId`. */
const document = (kind, field, types, selection) => {
  const declared = types && `(${types.replace(/(\w+):/g, '$$$1:')})`;
  const passed = types && `(${types.replace(/(\w+): [^,]+/g, '$1: $$$1')})`;
  return `${kind} Rehearsal${declared} { ${field}${passed} ${selection} }`;
};
const PLACE = 'groupId: ID!, domain: String!';
const NODE_IN = `${PLACE}, nodeId: ID!`;
const query = (field, types, selection) => document('query', field, types, selection);
const mutation = (field, types, selection) => document('mutation', field, types, selection);
const CREATE = mutation('createGroup', 'name: String!, hostId: ID!, domain: String!, maxConnectionTimeSeconds: Int, useWebSocket: Boolean', GROUP);
const JOIN = mutation('joinGroup', `${NODE_IN}, useWebSocket: Boolean`, NODE);
const REPORT = mutation('reportDataByNode', `${NODE_IN}, data: [SensorDataInput!]!`, message(BATCH));
const REPORT_STATUS = mutation('reportStatus', `${NODE_IN}, data: [SensorDataInput!]!`, message(BATCH));
const fire = batch => mutation('fireEventsByNode', `${NODE_IN}, events: [EventInput!]!`, message(batch));
const RECORD = mutation('recordEventsByNode', `${NODE_IN}, events: [EventInput!]!`, '{ groupId domain recordedCount nextSince }');
const RENEW = mutation('renewHeartbeat', `${PLACE}, hostId: ID!`, '{ groupId domain expiresAt heartbeatIntervalSeconds }');
const BEAT = mutation('sendMemberHeartbeat', NODE_IN, '{ nodeId groupId domain expiresAt heartbeatIntervalSeconds }');
const LEAVE = mutation('leaveGroup', NODE_IN, '{ peerId groupId domain message }');
const DISSOLVE_GROUP = mutation('dissolveGroup', `${PLACE}, hostId: ID!`, message(BATCH));
const GROUPS = query('listGroupsByDomain', 'domain: String!', GROUP);
const SEARCH = query('searchGroupsByNamePrefix', 'namePrefix: String!, limit: Int', GROUP);
const NODE_STATUS = query('getNodeStatus', 'nodeId: ID!', STATUS);
const STATUSES = query('listGroupStatuses', PLACE, STATUS);
const NODES = query('listNodesInGroup', PLACE, NODE);
const SINCE = query('getEventsSince', `${PLACE}, since: String!`, `{ ${EVENT} cursor }`);
const POLL = query('pollGroupData', `${PLACE}, since: String!`, `{ events { ${EVENT} cursor } nodeStatuses ${STATUS} complete }`);

/** Holds the lesson: `ask(what, query, variables)` sends one request and gives its data. */
export const holdLesson = async ask => {
  const domain = 'room #1 @組';
  await ask('createDomain', 'mutation { createDomain }', {});
  await ask('createDomain twice in one request', 'mutation { one: createDomain two: createDomain }', {});

  const hosted = { name: 'Cats and 犬', hostId: 'alice#1', domain };
  const { createGroup: cats } = await ask('createGroup', CREATE, hosted);
  await ask('createGroup again, with another name', CREATE, { ...hosted, name: 'Dogs' });
  const pollers = { name: 'Cats that poll', hostId: 'zoe', domain, maxConnectionTimeSeconds: 120, useWebSocket: false };
  const { createGroup: polling } = await ask('createGroup of pollers', CREATE, pollers);
  await ask('createGroup with a long name', CREATE, { ...hosted, name: 'x'.repeat(257) });
  await ask('createGroup for too long', CREATE, { ...hosted, maxConnectionTimeSeconds: 301 });
  await ask('listGroupsByDomain', GROUPS, { domain });
  await ask('listGroupsByDomain of nobody', GROUPS, { domain: 'empty' });
  await ask('searchGroupsByNamePrefix', SEARCH, { namePrefix: 'Cats a' });
  await ask('searchGroupsByNamePrefix for two', SEARCH, { namePrefix: 'Cats', limit: 2 });
  await ask('searchGroupsByNamePrefix for too many', SEARCH, { namePrefix: 'Cats', limit: 101 });

  const place = { groupId: cats.id, domain };
  await ask('joinGroup', JOIN, { ...place, nodeId: 'bob' });
  await ask('joinGroup again', JOIN, { ...place, nodeId: 'bob' });
  await ask('joinGroup elsewhere', JOIN, { ...place, domain: 'empty', nodeId: 'bob' });
  await ask('joinGroup of an unknown group', JOIN, { groupId: 'unknown', domain, nodeId: 'bob' });
  await ask('joinGroup with a control character', JOIN, { ...place, nodeId: 'b\nb' });

  const data = [{ key: 'スコア "#@🐈', value: 'a\ud83d' }, { key: 'x', value: '' }];
  await ask('reportDataByNode', REPORT, { ...place, nodeId: 'bob', data });
  await ask('reportStatus by the host', REPORT_STATUS, { ...place, nodeId: 'alice#1', data: [{ key: 'x', value: '1' }] });
  await ask('reportDataByNode once more', REPORT, { ...place, nodeId: 'bob', data: [{ key: 'x', value: '2' }] });
  await ask('reportDataByNode by a stranger', REPORT, { ...place, nodeId: 'eve', data });
  await ask('reportDataByNode of nothing', REPORT, { ...place, nodeId: 'bob', data: [] });
  await ask('getNodeStatus', NODE_STATUS, { nodeId: 'bob' });
  await ask('getNodeStatus of nobody', NODE_STATUS, { nodeId: 'nobody' });
  await ask('listGroupStatuses', STATUSES, place);
  await ask('listNodesInGroup', NODES, place);

  // In a group of its own: where nobody polls, one machine records what is fired, and the cloud does not.
  const { createGroup: dogs } = await ask('createGroup of another host', CREATE, { name: 'Dogs', hostId: 'dave', domain });
  const dave = { groupId: dogs.id, domain, nodeId: 'dave' };
  const odd = [{ eventName: '', firedAt: FIRED_AT }, ...events(2, 'fired')];
  await ask('fireEventsByNode', fire(BATCH), { ...dave, events: odd });
  await ask('fireEventsByNode by a stranger', fire(BATCH), { ...dave, nodeId: 'eve', events: odd });
  await ask('fireEventsByNode of nothing', fire(BATCH), { ...dave, events: [] });

  const carol = { ...place, nodeId: 'carol' };
  await ask('joinGroup of a poller', JOIN, { ...carol, useWebSocket: false });
  await ask('fireEventsByNode for pollers', fire(RECORDED), { ...place, nodeId: 'alice#1', events: events(2, 'told') });
  const own = { ...carol, events: events(110, 'own', at => `20260401-${String(200 - at).padStart(4, '0')}`) };
  const { recordEventsByNode: recorded } = await ask('recordEventsByNode', RECORD, own);
  await ask('recordEventsByNode again', RECORD, own);
  const { getEventsSince: first } = await ask('getEventsSince nextSince', SINCE, { ...place, since: recorded.nextSince });
  await ask('getEventsSince the last cursor', SINCE, { ...place, since: first.at(-1).cursor });
  await ask('getEventsSince an hour ago', SINCE, { ...place, since: new Date(Date.now() - 3_600_000).toISOString() });
  await ask('getEventsSince now, in words', SINCE, { ...place, since: 'now' });
  const { pollGroupData: all } = await ask('pollGroupData', POLL, { ...place, since: '' });
  await ask('pollGroupData behind that', POLL, { ...place, since: all.events.at(-1).cursor });
  await ask('pollGroupData of pollers', POLL, { groupId: polling.id, domain, since: '' });

  await ask('renewHeartbeat', RENEW, { ...place, hostId: 'alice#1' });
  await ask('renewHeartbeat by another', RENEW, { ...place, hostId: 'bob' });
  await ask('sendMemberHeartbeat', BEAT, { ...place, nodeId: 'bob' });
  await ask('sendMemberHeartbeat by the host', BEAT, { ...place, nodeId: 'alice#1' });
  await ask('sendMemberHeartbeat by a stranger', BEAT, { ...place, nodeId: 'eve' });

  await ask('leaveGroup', LEAVE, { ...place, nodeId: 'bob' });
  await ask('leaveGroup again', LEAVE, { ...place, nodeId: 'bob' });
  await ask('listNodesInGroup without bob', NODES, place);
  await ask('dissolveGroup by another', DISSOLVE_GROUP, { ...place, hostId: 'carol' });
  await ask('dissolveGroup', DISSOLVE_GROUP, { ...place, hostId: 'alice#1' });
  await ask('dissolveGroup again', DISSOLVE_GROUP, { ...place, hostId: 'alice#1' });
  await ask('reportDataByNode to no group', REPORT, { ...place, nodeId: 'carol', data });
  await ask("leaveGroup by the pollers' host", LEAVE, { groupId: polling.id, domain, nodeId: 'zoe' });
  await ask("leaveGroup by the last host", LEAVE, dave);
  await ask('listGroupsByDomain, all gone', GROUPS, { domain });
  await ask('createGroup anew', CREATE, hosted);
};
