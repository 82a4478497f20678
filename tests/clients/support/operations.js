// Every operation as the clients send it: named, with variables of the types that a strict validator compares.

const operation =
  kind =>
  (field, types, selection = '') => {
    const name = field[0].toUpperCase() + field.slice(1);
    const variables = types.replace(/(\w+):/g, '$$$1:');
    const args = types.replace(/(\w+): [^,]+/g, '$1: $$$1');
    return `${kind} ${name}${variables && `(${variables})`} { ${field}${args && `(${args})`} ${selection} }`;
  };
const query = operation('query');
const mutation = operation('mutation');
const subscription = operation('subscription');

const IN_GROUP = 'groupId: ID!, domain: String!';
const TERMS = 'createdAt expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds';
const GROUP = `{ id domain fullId name hostId ${TERMS} }`;
const NODE = `{ id name groupId domain ${TERMS} }`;
const STATUS = '{ nodeId groupId domain data { key value } timestamp }';
const EVENT = 'name firedByNodeId groupId domain payload timestamp orderKey';
const BATCH = `{ events { ${EVENT} } firedByNodeId groupId domain timestamp }`;
const DISSOLVE = '{ groupId domain message }';
const HEARTBEAT = 'groupId domain expiresAt heartbeatIntervalSeconds';

export const CREATE_DOMAIN = mutation('createDomain', '');
export const CREATE_GROUP = mutation(
  'createGroup',
  'name: String!, hostId: ID!, domain: String!, maxConnectionTimeSeconds: Int, useWebSocket: Boolean!',
  GROUP,
);
export const JOIN_GROUP = mutation('joinGroup', `${IN_GROUP}, nodeId: ID!, useWebSocket: Boolean`, NODE);
export const LEAVE_GROUP = mutation('leaveGroup', `${IN_GROUP}, nodeId: ID!`, '{ peerId groupId domain message }');
export const DISSOLVE_GROUP = mutation(
  'dissolveGroup',
  `${IN_GROUP}, hostId: ID!`,
  `{ groupId domain groupDissolve ${DISSOLVE} }`,
);
export const RENEW_HEARTBEAT = mutation('renewHeartbeat', `${IN_GROUP}, hostId: ID!`, `{ ${HEARTBEAT} }`);
export const SEND_MEMBER_HEARTBEAT = mutation(
  'sendMemberHeartbeat',
  `${IN_GROUP}, nodeId: ID!`,
  `{ nodeId ${HEARTBEAT} }`,
);
export const REPORT_DATA = mutation(
  'reportDataByNode',
  `${IN_GROUP}, nodeId: ID!, data: [SensorDataInput!]!`,
  `{ groupId domain nodeStatus ${STATUS} }`,
);
export const FIRE_EVENTS = mutation(
  'fireEventsByNode',
  `${IN_GROUP}, nodeId: ID!, events: [EventInput!]!`,
  `{ groupId domain batchEvent ${BATCH} }`,
);
export const RECORD_EVENTS = mutation(
  'recordEventsByNode',
  `${IN_GROUP}, nodeId: ID!, events: [EventInput!]!`,
  '{ groupId domain recordedCount nextSince }',
);
export const PUBLISH_EVENTS = mutation(
  'publishEventsByNode',
  `${IN_GROUP}, nodeId: ID!, events: [PublishedEventInput!]!, timestamp: AWSDateTime!`,
  '{ groupId domain }',
);
export const LIST_GROUPS = query('listGroupsByDomain', 'domain: String!', GROUP);
export const SEARCH_GROUPS = query('searchGroupsByNamePrefix', 'namePrefix: String!, limit: Int', GROUP);
export const NODE_STATUS = query('getNodeStatus', 'nodeId: ID!', STATUS);
export const LIST_STATUSES = query('listGroupStatuses', IN_GROUP, STATUS);
export const LIST_NODES = query('listNodesInGroup', IN_GROUP, NODE);
export const EVENTS_SINCE = query('getEventsSince', `${IN_GROUP}, since: String!`, `{ ${EVENT} cursor }`);
export const POLL = query(
  'pollGroupData',
  `${IN_GROUP}, since: String!`,
  `{ events { ${EVENT} cursor } nodeStatuses ${STATUS} }`,
);
export const ON_MESSAGE = subscription(
  'onMessageInGroup',
  IN_GROUP,
  `{ groupId domain nodeStatus ${STATUS} batchEvent ${BATCH} groupDissolve ${DISSOLVE} }`,
);
