/**
 * The operations of schema.graphql that a node uses, and their types.
 *
 * Subscribers get only the fields that the sender's mutation selected. So every mutation that makes a live
 * message selects all fields, as the subscription does.
 */

/** A group, as lists of groups show it. */
export interface Group {
  readonly id: string;
  readonly domain: string;
  /** `id@domain` */
  readonly fullId: string;
  readonly name: string;
  readonly hostId: string;
  /** ISO date-time in UTC with milliseconds, as all times here. */
  readonly createdAt: string;
  /** When the group ends at the latest. It never changes. */
  readonly expiresAt: string;
  readonly heartbeatIntervalSeconds: number | null;
  readonly useWebSocket: boolean;
  readonly pollingIntervalSeconds: number | null;
}

/** A node, as the list of nodes shows it. */
export interface WireNode {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string | null;
  readonly useWebSocket: boolean | null;
}

/** The answer of joinGroup. */
export interface Joined extends WireNode {
  readonly expiresAt: string | null;
  readonly heartbeatIntervalSeconds: number | null;
  readonly pollingIntervalSeconds: number | null;
}

/** One value of a node. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** Values of one node that were reported together. Fields that the node's mutation did not select are null. */
export interface NodeStatus {
  readonly nodeId: string | null;
  readonly data: readonly KeyValue[] | null;
  /** When the server stored them, by the server's clock. */
  readonly timestamp: string | null;
}

/** An event as it is sent. */
export interface EventInput {
  readonly eventName: string;
  readonly payload: string | null;
  readonly firedAt: string;
  readonly orderKey: string;
}

/** An event as it arrives. Fields that the node's mutation did not select are null. */
export interface WireEvent {
  readonly name: string | null;
  readonly firedByNodeId: string | null;
  readonly payload: string | null;
  /** When it was fired, by the clock of its node. */
  readonly timestamp: string | null;
  /** Its position in the group's log; null if it was not recorded. */
  readonly cursor: string | null;
  readonly orderKey: string | null;
}

/** Events of one node that were fired together. */
export interface BatchEvent {
  readonly events: readonly WireEvent[] | null;
  readonly firedByNodeId: string | null;
  /** When the server received it, by the server's clock. */
  readonly timestamp: string | null;
}

/** A live message. One of its fields is set. */
export interface MeshMessage {
  readonly nodeStatus: NodeStatus | null;
  readonly batchEvent: BatchEvent | null;
  readonly groupDissolve: { readonly message: string | null } | null;
}

/** The answer of a poll. */
export interface PollPage {
  readonly events: readonly WireEvent[];
  readonly nodeStatuses: readonly NodeStatus[];
  /** False when events after `since` are no longer kept. */
  readonly complete: boolean;
}

/** How many events the answer of a poll has at most. */
export const PAGE_EVENTS = 100;

/** A group, as arguments of an operation. */
export interface GroupRef {
  readonly groupId: string;
  readonly domain: string;
}

/** A node of a group. */
export interface NodeRef extends GroupRef {
  readonly nodeId: string;
}

/** The secret of the node that calls; undefined if the server knows no secrets. */
export interface WithSecret {
  readonly secret: string | undefined;
}

/** The node that calls, as arguments of a mutation. */
export type AsNode = NodeRef & WithSecret;

/** The host that calls, as arguments of a mutation. */
export type AsHost = GroupRef & WithSecret & { readonly hostId: string };

/** An operation with variables of type `V` and data of type `D`. */
export interface Operation<V, D> {
  readonly kind: string;
  /** The names of its variables, which are the arguments of its root fields. */
  readonly variables: readonly string[];
  /** Its root fields and their selections. */
  readonly fields: Readonly<Record<string, string>>;
  /** Never set; it only carries the types. */
  readonly types?: (variables: V) => D;
}

/** The GraphQL types of variables. The same name has the same type in all operations. */
const TYPES: Record<string, string> = {
  data: "[SensorDataInput!]!",
  events: "[EventInput!]!",
  limit: "Int",
  maxConnectionTimeSeconds: "Int",
  useWebSocket: "Boolean",
};

/** The GraphQL type of a variable: an id if its name says so, or else a text. */
function typeOf(name: string): string {
  return TYPES[name] ?? (name.endsWith("Id") ? "ID!" : "String!");
}

/**
 * The document of an operation with these variables. Variables that are undefined are left out of it,
 * because an older server may not know them.
 */
export function documentOf<V extends object>(operation: Operation<V, unknown>, variables: V): string {
  const { kind, fields } = operation;
  const names = operation.variables.filter((name) => (variables as Record<string, unknown>)[name] !== undefined);
  const list = (part: (name: string) => string) => (names.length ? `(${names.map(part).join(",")})` : "");
  const head = list((name) => `$${name}:${typeOf(name)}`);
  const body = Object.entries(fields).map(([field, wanted]) => field + list((name) => `${name}:$${name}`) + wanted);
  const name = Object.keys(fields)[0]!;
  return `${kind} ${name}${head}{${body.join(" ")}}`;
}

function operation<V, D>(kind: string, variables: string, fields: Record<string, string>): Operation<V, D> {
  return { kind, variables: variables ? variables.split(" ") : [], fields };
}

const GROUP =
  "{id domain fullId name hostId createdAt expiresAt heartbeatIntervalSeconds useWebSocket pollingIntervalSeconds}";
const NODE = "{id name createdAt useWebSocket expiresAt heartbeatIntervalSeconds pollingIntervalSeconds}";
const STATUS = "{nodeId groupId domain data{key value} timestamp}";
const EVENT = "{name firedByNodeId groupId domain payload timestamp cursor orderKey}";
const BATCH = `{events${EVENT} firedByNodeId groupId domain timestamp}`;
const MESSAGE = `{groupId domain nodeStatus${STATUS} batchEvent${BATCH} groupDissolve{groupId domain message}}`;
const BEAT = "{heartbeatIntervalSeconds}";

type Beat = { heartbeatIntervalSeconds: number | null };

export const CREATE_DOMAIN = operation<object, { createDomain: string }>("mutation", "", { createDomain: "" });

export const LIST_GROUPS = operation<{ domain: string }, { listGroupsByDomain: Group[] }>("query", "domain", {
  listGroupsByDomain: GROUP,
});

export const SEARCH_GROUPS = operation<
  { namePrefix: string; limit: number | undefined },
  { searchGroupsByNamePrefix: Group[] }
>("query", "namePrefix limit", { searchGroupsByNamePrefix: GROUP });

export const CREATE_GROUP = operation<
  WithSecret & {
    name: string;
    hostId: string;
    domain: string;
    maxConnectionTimeSeconds: number | undefined;
    useWebSocket: boolean;
  },
  { createGroup: Group }
>("mutation", "name hostId domain maxConnectionTimeSeconds useWebSocket secret", { createGroup: GROUP });

export const JOIN_GROUP = operation<AsNode & { useWebSocket: boolean; name: string | undefined }, { joinGroup: Joined }>(
  "mutation",
  "groupId domain nodeId useWebSocket name secret",
  { joinGroup: NODE },
);

export const LEAVE_GROUP = operation<AsNode, unknown>("mutation", "groupId domain nodeId secret", { leaveGroup: "{peerId}" });

export const DISSOLVE_GROUP = operation<AsHost, unknown>("mutation", "groupId domain hostId secret", {
  dissolveGroup: MESSAGE,
});

export const RENEW_HEARTBEAT = operation<AsHost, { renewHeartbeat: Beat }>("mutation", "groupId domain hostId secret", {
  renewHeartbeat: BEAT,
});

export const MEMBER_HEARTBEAT = operation<AsNode, { sendMemberHeartbeat: Beat }>(
  "mutation",
  "groupId domain nodeId secret",
  { sendMemberHeartbeat: BEAT },
);

export const REPORT_DATA = operation<
  AsNode & { data: readonly KeyValue[] },
  { reportDataByNode: { nodeStatus: NodeStatus } | null }
>("mutation", "groupId domain nodeId data secret", { reportDataByNode: MESSAGE });

export const FIRE_EVENTS = operation<AsNode & { events: readonly EventInput[] }, unknown>(
  "mutation",
  "groupId domain nodeId events secret",
  { fireEventsByNode: MESSAGE },
);

export const RECORD_EVENTS = operation<AsNode & { events: readonly EventInput[] }, unknown>(
  "mutation",
  "groupId domain nodeId events secret",
  { recordEventsByNode: "{recordedCount}" },
);

export const SYNC = operation<GroupRef, { listNodesInGroup: WireNode[]; listGroupStatuses: NodeStatus[] }>(
  "query",
  "groupId domain",
  { listNodesInGroup: NODE, listGroupStatuses: STATUS },
);

export const POLL = operation<GroupRef & { since: string }, { pollGroupData: PollPage }>("query", "groupId domain since", {
  pollGroupData: `{events${EVENT} nodeStatuses${STATUS} complete}`,
});

export const ON_MESSAGE = operation<GroupRef, { onMessageInGroup: MeshMessage }>("subscription", "groupId domain", {
  onMessageInGroup: MESSAGE,
});
