// Starts the page with aws-amplify 6, as far as the library alone can do what mesh-v2-client does. Events are
// neither collected nor replayed, and those of a lost connection are lost.
import { run } from "./app.js";
import { texts } from "./texts.js";
import { Amplify, CONNECTION_STATE_CHANGE, generateClient, Hub } from "./vendor/aws-amplify.js";

const GROUP = "{ id domain name hostId createdAt expiresAt heartbeatIntervalSeconds }";
const STATUS = "{ nodeId groupId domain data { key value } timestamp }";
const EVENT = "{ name firedByNodeId groupId domain payload timestamp cursor orderKey }";
const MESSAGE = `{ groupId domain nodeStatus ${STATUS}
  batchEvent { events ${EVENT} firedByNodeId groupId domain timestamp } groupDissolve { groupId domain message } }`;

/** The document of one operation. Its variables have the names and types of the field's arguments. */
function operation(kind, field, variables, selection = "") {
  const types = variables && `(${variables.replace(/(\w+):/g, "$$$1:")})`;
  const given = variables && `(${variables.replace(/(\w+): [^,]+/g, "$1: $$$1")})`;
  return `${kind} ${field}${types} { ${field}${given} ${selection} }`;
}
const IN_GROUP = "groupId: ID!, domain: String!";
const AS_NODE = `${IN_GROUP}, nodeId: ID!`;
const AS_HOST = `${IN_GROUP}, hostId: ID!`;
const CREATE_DOMAIN = operation("mutation", "createDomain", "");
const LIST = operation("query", "listGroupsByDomain", "domain: String!", GROUP);
const SEARCH = operation("query", "searchGroupsByNamePrefix", "namePrefix: String!", GROUP);
const CREATE = operation("mutation", "createGroup", "name: String!, hostId: ID!, domain: String!", GROUP);
const JOIN = operation("mutation", "joinGroup", AS_NODE, "{ expiresAt heartbeatIntervalSeconds }");
const LEAVE = operation("mutation", "leaveGroup", AS_NODE, "{ peerId }");
const DISSOLVE = operation("mutation", "dissolveGroup", AS_HOST, MESSAGE);
const RENEW = operation("mutation", "renewHeartbeat", AS_HOST, "{ heartbeatIntervalSeconds }");
const BEAT = operation("mutation", "sendMemberHeartbeat", AS_NODE, "{ heartbeatIntervalSeconds }");
const REPORT = operation("mutation", "reportDataByNode", `${AS_NODE}, data: [SensorDataInput!]!`, MESSAGE);
const FIRE = operation("mutation", "fireEventsByNode", `${AS_NODE}, events: [EventInput!]!`, MESSAGE);
const STATUSES = operation("query", "listGroupStatuses", IN_GROUP, STATUS);
const NODES = operation("query", "listNodesInGroup", IN_GROUP, "{ id }");
const SUBSCRIBE = operation("subscription", "onMessageInGroup", IN_GROUP, MESSAGE);

/** How long changed values are collected before they are reported, in milliseconds. */
const REPORT_INTERVAL = 250;
/** How often the list of nodes is requested, in milliseconds. */
const SYNC_INTERVAL = 15_000;

/** The reasons for which a session ends, by the server's types of errors. */
const ENDS = { GroupNotFound: "groupNotFound", NodeNotFound: "nodeNotFound", Unauthorized: "unauthorized", UnauthorizedException: "unauthorized" };

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The part of the package's `Mesh` that the page uses. */
class AmplifyMesh {
  #client;
  #domain;

  constructor({ endpoint, apiKey, domain }) {
    // The library has one configuration for the whole page.
    Amplify.configure({ API: { GraphQL: { endpoint, apiKey, region: "local", defaultAuthMode: "apiKey" } } });
    this.#client = generateClient();
    this.#domain = domain;
  }

  /** The result of a query or mutation. The library throws an answer with errors as a plain object. */
  call = async (query, variables = {}) => {
    try {
      const { data } = await this.#client.graphql({ query, variables });
      return Object.values(data)[0];
    } catch ({ errors: [error] = [{}] }) {
      // Errors of the network and of the key have the library's own form.
      const type = error.errorType ?? error.originalError?.name ?? "NetworkError";
      throw Object.assign(new Error(error.message), { type });
    }
  };

  /** Subscribes to a group. Resolves when the server has the subscription. */
  subscribe(group, receive) {
    const subscription = this.#client.graphql({ query: SUBSCRIBE, variables: groupRef(group) }).subscribe({
      next: ({ data }) => receive(data.onMessageInGroup),
      error: (error) => console.warn("The subscription is over", error),
    });
    return new Promise((resolve) => {
      const stop = Hub.listen("api", ({ payload: { event, data } }) => {
        if (event !== CONNECTION_STATE_CHANGE || data.connectionState !== "Connected") return;
        stop();
        resolve(subscription);
      });
    });
  }

  async domain() {
    return (this.#domain ||= await this.call(CREATE_DOMAIN));
  }

  async groups() {
    return this.call(LIST, { domain: await this.domain() });
  }

  search(namePrefix) {
    return this.call(SEARCH, { namePrefix });
  }

  async create({ name }) {
    const nodeId = newId();
    const group = await this.call(CREATE, { name, hostId: nodeId, domain: await this.domain() });
    return new AmplifySession(this, group, nodeId, true).begin(group);
  }

  async join(group) {
    const nodeId = newId();
    const terms = await this.call(JOIN, { ...groupRef(group), nodeId });
    return new AmplifySession(this, group, nodeId, false).begin(terms);
  }
}

const groupRef = ({ id: groupId, domain }) => ({ groupId, domain });

/** The part of the package's `Session` that the page uses. */
class AmplifySession extends EventTarget {
  values = new Map();
  nodes = new Map();
  state = "connecting";
  #mesh;
  #subscription;
  #changed = new Map();
  #reporting;
  #timers = [];
  #stopHub = () => {};

  constructor(mesh, group, nodeId, isHost) {
    super();
    Object.assign(this, { group, nodeId, isHost });
    this.#mesh = mesh;
    this.nodes.set(group.hostId, { isHost: true });
    this.nodes.set(nodeId, { isHost });
  }

  async begin({ heartbeatIntervalSeconds }) {
    this.#subscription = await this.#mesh.subscribe(this.group, (message) => this.#receive(message));
    this.#stopHub = Hub.listen("api", ({ payload: { event, data } }) => {
      if (event === CONNECTION_STATE_CHANGE) this.#enter(data.connectionState === "Connected" ? "live" : "recovering");
    });
    for (const status of await this.#mesh.call(STATUSES, groupRef(this.group))) this.#applyStatus(status);
    await this.#syncNodes();
    const beat = () => this.#callOrEnd(...(this.isHost ? [RENEW, { hostId: this.nodeId }] : [BEAT, { nodeId: this.nodeId }]));
    this.#timers = [setInterval(beat, heartbeatIntervalSeconds * 1_000), setInterval(() => this.#syncNodes(), SYNC_INTERVAL)];
    this.state = "live";
    return this;
  }

  set(key, value) {
    this.#changed.set(key, String(value));
    this.#reporting ??= setTimeout(() => this.#report(), REPORT_INTERVAL);
  }

  async fire(eventName, payload) {
    const firedAt = new Date().toISOString();
    // Values that were set before must arrive before the event.
    await this.#report();
    await this.#callOrEnd(FIRE, { nodeId: this.nodeId, events: [{ eventName, payload, firedAt }] });
  }

  async leave() {
    this.#end("left");
    await this.#mesh.call(...(this.isHost ? [DISSOLVE, this.#as("hostId")] : [LEAVE, this.#as("nodeId")])).catch(() => {});
  }

  #as = (name) => ({ ...groupRef(this.group), [name]: this.nodeId });

  #report() {
    clearTimeout(this.#reporting);
    this.#reporting = undefined;
    const data = Array.from(this.#changed, ([key, value]) => ({ key, value }));
    this.#changed.clear();
    if (data.length) return this.#callOrEnd(REPORT, { nodeId: this.nodeId, data });
  }

  /** Calls the server. Ends the session if the server does not know it any more. */
  async #callOrEnd(query, variables) {
    try {
      return await this.#mesh.call(query, { ...groupRef(this.group), ...variables });
    } catch (error) {
      if (ENDS[error.type]) this.#end(ENDS[error.type]);
      else this.#emit("error", { error });
    }
  }

  async #syncNodes() {
    const listed = await this.#callOrEnd(NODES, {});
    if (!listed) return;
    const there = new Set([this.group.hostId, this.nodeId, ...listed.map(({ id }) => id)]);
    const joined = [...there].filter((id) => !this.nodes.has(id));
    const left = [...this.nodes.keys()].filter((id) => !there.has(id));
    for (const id of joined) this.nodes.set(id, { isHost: false });
    for (const id of left) {
      this.nodes.delete(id);
      this.values.delete(id);
    }
    if (joined.length || left.length) this.#emit("nodes", { joined, left });
  }

  #receive({ nodeStatus, batchEvent, groupDissolve }) {
    if (nodeStatus) this.#applyStatus(nodeStatus);
    for (const { name, payload, firedByNodeId: nodeId, timestamp } of batchEvent?.events ?? []) {
      if (nodeId !== this.nodeId) this.#emit("event", { name, payload, nodeId, firedAt: timestamp });
    }
    if (groupDissolve) this.#end("dissolved");
  }

  #applyStatus({ nodeId, data, timestamp }) {
    const values = this.values.get(nodeId) ?? new Map();
    this.values.set(nodeId, values);
    for (const { key, value } of data) {
      values.set(key, { value, timestamp });
      if (nodeId !== this.nodeId) this.#emit("value", { nodeId, key, value, timestamp });
    }
  }

  #enter(state) {
    if (this.state === state || this.state === "ended") return;
    this.state = state;
    this.#emit("state", { state });
  }

  #end(reason) {
    if (this.state === "ended") return;
    this.#stopHub();
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#reporting);
    this.#enter("ended");
    this.#subscription?.unsubscribe();
    this.#emit("ended", { reason });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A page on plain http has a server without TLS, but the library always connects with TLS.
run((options) => new AmplifyMesh(options), location.protocol === "http:" ? texts.wssOnly : undefined);
