/**
 * A small model of the server for tests under a fake clock: the operations that the client calls, the log
 * of events with cursors, subscriptions, and the failures that can happen between a client and a server.
 */
import { MAX_EVENTS, MAX_MESSAGE_BYTES } from "../../dist/size.js";

const LOOK_BACK = 4_000;
/** A page ends before its events pass this. */
const PAGE_BYTES = 1_048_576;
const iso = (time) => new Date(time).toISOString();

export class ModelServer {
  /** What happens to requests: `up`, `down` and `lost` (never arrive), `deaf` (the answer is lost), `unavailable` (503), `filtered` (a filter's page), `limited` (429). */
  http = "up";
  /** What happens to sockets: `up`, `refuse`, `silent` (never open), `mute` (open, but nothing is answered). */
  sockets = "up";
  /** Every request that arrived, as {field, variables, at}. */
  requests = [];
  /** All open sockets. */
  open = new Set();
  groups = new Map();
  settings = {
    eventTtl: 30_000,
    heartbeatIntervalSeconds: 60,
    pollingIntervalSeconds: 2,
    life: 2_100_000,
    /** A local server records every event. The cloud records only for groups with polling members. */
    recordsAlways: true,
    /** Servers from before node secrets and names refuse these arguments. */
    knowsSecrets: true,
    /** How long AppSync may lose messages after `start_ack`, in milliseconds. */
    lossAfterAck: 0,
  };
  #clock;
  #latency;
  #next = 1;

  constructor(clock, { latency = () => 20, ...settings } = {}) {
    this.#clock = clock;
    this.#latency = latency;
    Object.assign(this.settings, settings);
    const server = this;
    this.WebSocket = class {
      constructor(url, protocols) {
        server.#connect(this, url, protocols);
      }
      send(text) {
        server.#receive(this, JSON.parse(text));
      }
      close() {
        server.cut(this);
      }
    };
  }

  /** The options of a `Mesh` that uses this server. */
  get options() {
    const { fetch, WebSocket: webSocket } = this;
    return { endpoint: "http://mesh.test/graphql", apiKey: "key", domain: "d", clock: this.#clock, fetch, webSocket };
  }

  // HTTP.

  fetch = async (url, { body, signal, headers }) => {
    const { query, variables } = JSON.parse(body);
    const field = /\w+ (\w+)/.exec(query)[1];
    await this.#pass(signal);
    if (this.http === "lost") await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    if (this.http === "down") throw new TypeError("fetch failed");
    this.requests.push({ field, variables, at: this.#clock.steady(), headers });
    const answers = {
      unavailable: [503, "busy"],
      filtered: [200, "<html>Blocked</html>"],
      limited: [429, '{"errors":[{"errorType":"LimitExceededError","message":"Too many calls"}]}', { "retry-after": "2" }],
    };
    const [status, text, answerHeaders] = answers[this.http] ?? [200, JSON.stringify(this.#answer(field, variables))];
    await this.#pass(signal);
    if (this.http === "deaf") throw new TypeError("fetch failed");
    return new Response(text, { status, headers: answerHeaders });
  };

  #pass(signal) {
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      this.#clock.after(this.#latency(), resolve);
    });
  }

  #answer(field, variables) {
    try {
      if (this.failNext?.field === field) {
        const { error, times = 1 } = this.failNext;
        this.failNext = times > 1 ? { ...this.failNext, times: times - 1 } : undefined;
        throw error;
      }
      if (!this.settings.knowsSecrets && ("secret" in variables || (field === "joinGroup" && "name" in variables))) {
        throw refusal("ValidationError", `Validation error of type UnknownArgument: Unknown field argument secret @ '${field}'`);
      }
      return { data: { [field]: this[field](variables), ...(field === "listNodesInGroup" && this.#statuses(variables)) } };
    } catch (error) {
      if (!error.errorType) throw error;
      return { data: null, errors: [{ errorType: error.errorType, message: error.message }] };
    }
  }

  // Operations.

  createDomain() {
    return "d";
  }

  createGroup({ name, hostId, domain, useWebSocket, secret }) {
    const own = [...this.groups.values()].find((group) => group.hostId === hostId && group.domain === domain);
    if (own) return this.#node(own.id, hostId, secret) && own;
    const { life, heartbeatIntervalSeconds, pollingIntervalSeconds } = this.settings;
    const id = `g${this.#next++}`;
    const now = this.#clock.now();
    const group = {
      id, domain, fullId: `${id}@${domain}`, name, hostId, useWebSocket, heartbeatIntervalSeconds,
      createdAt: iso(now), expiresAt: iso(now + life), pollingIntervalSeconds: useWebSocket ? null : pollingIntervalSeconds,
    };
    const inside = { secrets: new Map([[hostId, secret]]), members: new Map(), values: new Map(), log: [], dropped: 0, droppedAt: -Infinity, polled: !useWebSocket };
    for (const [key, value] of Object.entries(inside)) Object.defineProperty(group, key, { value, writable: true });
    this.groups.set(id, group);
    return group;
  }

  listGroupsByDomain({ domain }) {
    return [...this.groups.values()].filter((group) => group.domain === domain);
  }

  searchGroupsByNamePrefix({ namePrefix }) {
    return [...this.groups.values()].filter((group) => group.name.startsWith(namePrefix));
  }

  joinGroup({ groupId, nodeId, useWebSocket, name = `Node ${nodeId}`, secret }) {
    const group = this.#group(groupId);
    if (group.members.has(nodeId)) this.#node(groupId, nodeId, secret);
    else group.secrets.set(nodeId, secret);
    group.polled ||= !useWebSocket;
    const node = { id: nodeId, name, createdAt: iso(this.#clock.now()), useWebSocket };
    group.members.set(nodeId, node);
    const { heartbeatIntervalSeconds, pollingIntervalSeconds } = this.settings;
    const polling = useWebSocket ? null : pollingIntervalSeconds;
    return { ...node, expiresAt: group.expiresAt, heartbeatIntervalSeconds, pollingIntervalSeconds: polling };
  }

  leaveGroup({ groupId, nodeId, secret }) {
    this.#node(groupId, nodeId, secret).members.delete(nodeId);
    this.#group(groupId).values.delete(nodeId);
    return { peerId: nodeId };
  }

  dissolveGroup({ groupId, hostId, secret }) {
    const group = this.#node(groupId, hostId, secret);
    if (group.hostId !== hostId) throw refusal("Unauthorized", "Only the host can dissolve the group");
    this.groups.delete(groupId);
    this.#publish(group, { groupDissolve: { groupId, domain: group.domain, message: "The group was dissolved" } });
    return {};
  }

  renewHeartbeat({ groupId, hostId, secret }) {
    this.#node(groupId, hostId, secret);
    return { heartbeatIntervalSeconds: this.settings.heartbeatIntervalSeconds };
  }

  sendMemberHeartbeat({ groupId, nodeId, secret }) {
    this.#node(groupId, nodeId, secret);
    return { heartbeatIntervalSeconds: this.settings.heartbeatIntervalSeconds };
  }

  reportDataByNode({ groupId, nodeId, data, secret }) {
    const group = this.#node(groupId, nodeId, secret);
    const timestamp = iso((group.reported = Math.max(this.#clock.now(), (group.reported ?? 0) + 1)));
    const values = group.values.get(nodeId) ?? new Map();
    group.values.set(nodeId, values);
    for (const { key, value } of data) values.set(key, { value, timestamp });
    return this.#publish(group, { nodeStatus: { nodeId, groupId, domain: group.domain, data, timestamp } });
  }

  fireEventsByNode({ groupId, nodeId, events, secret }) {
    const group = this.#node(groupId, nodeId, secret);
    if (events.length < 1 || events.length > MAX_EVENTS) throw refusal("ValidationError", "events must have 1 to 1000 items");
    const { domain } = group;
    const batch = events.map(({ eventName, payload, firedAt, orderKey }) => ({
      name: eventName, firedByNodeId: nodeId, groupId, domain, payload, timestamp: firedAt, cursor: null, orderKey,
    }));
    const at = this.#clock.now();
    if (group.polled || this.settings.recordsAlways) {
      for (const event of batch) {
        group.log.push({ event, at });
        event.cursor = `c-${group.dropped + group.log.length}`;
      }
    } else {
      group.dropped += batch.length;
      group.droppedAt = at;
    }
    return this.#publish(group, { batchEvent: { events: batch, firedByNodeId: nodeId, groupId, domain, timestamp: iso(at) } });
  }

  recordEventsByNode(variables) {
    const group = this.#node(variables.groupId, variables.nodeId, variables.secret);
    group.polled = true;
    const digest = JSON.stringify([variables.nodeId, variables.events]);
    group.recorded ??= new Set();
    if (!group.recorded.has(digest)) this.fireEventsByNode(variables);
    group.recorded.add(digest);
    return { recordedCount: variables.events.length };
  }

  pollGroupData({ groupId, since }) {
    const group = this.#group(groupId);
    group.polled = true;
    const oldest = this.#clock.now() - this.settings.eventTtl;
    while (group.log.length && group.log[0].at < oldest) {
      group.droppedAt = group.log.shift().at;
      group.dropped++;
    }
    let from = 0;
    let complete = group.dropped === 0;
    if (since.startsWith("c-")) {
      from = Number(since.slice(2)) - group.dropped;
      complete = from >= 0;
    } else if (since) {
      const time = Date.parse(since);
      from = group.log.findIndex(({ at }) => at >= time - LOOK_BACK);
      if (from < 0) from = group.log.length;
      complete = group.droppedAt < time;
    }
    const events = [];
    let bytes = 0;
    for (const { event } of group.log.slice(Math.max(0, from)).slice(0, 100)) {
      bytes += Buffer.byteLength(JSON.stringify(event));
      if (events.length && bytes > PAGE_BYTES) break;
      events.push(event);
    }
    return { events, complete, nodeStatuses: this.#statuses({ groupId }).listGroupStatuses };
  }

  listNodesInGroup({ groupId }) {
    return [...this.#group(groupId).members.values()];
  }

  #statuses({ groupId }) {
    const group = this.#group(groupId);
    const statuses = [];
    for (const [nodeId, values] of group.values) {
      for (const [key, { value, timestamp }] of values) statuses.push({ nodeId, data: [{ key, value }], timestamp });
    }
    return { listGroupStatuses: statuses.sort((one, other) => (one.timestamp < other.timestamp ? -1 : 1)) };
  }

  #group(id) {
    const group = this.groups.get(id);
    if (!group) throw refusal("GroupNotFound", `Group not found: ${id}@d`);
    if (Date.parse(group.expiresAt) <= this.#clock.now()) throw refusal("GroupNotFound", `Group expired: ${id}@d`);
    return group;
  }

  /** The group of a host or member that calls with this secret. */
  #node(groupId, nodeId, secret) {
    const group = this.#group(groupId);
    if (group.hostId !== nodeId && !group.members.has(nodeId)) throw refusal("NodeNotFound", `Node not found: ${nodeId}`);
    const bound = group.secrets.get(nodeId);
    if (bound !== undefined && bound !== secret) throw refusal("Unauthorized", "This node is protected by a secret");
    return group;
  }

  // Sockets.

  /** Breaks one socket or all of them. */
  cut(socket) {
    for (const one of socket ? [socket] : [...this.open]) {
      if (!one.isGone) this.#clock.after(0, () => one.onclose?.({ code: 1006 }));
      one.isGone = true;
      this.open.delete(one);
    }
  }

  /** All open sockets die in silence: nothing arrives on them, and they are not closed. */
  silence() {
    for (const socket of this.open) socket.isDead = true;
  }

  /** Sends keep-alives, as servers do every minute. */
  keepAlive() {
    for (const socket of this.open) this.#send(socket, { type: "ka" });
  }

  #connect(socket, url, protocols) {
    Object.assign(socket, { url, protocols, nextAt: 0 });
    this.#clock.after(this.#latency(), () => {
      if (this.sockets === "silent" || socket.isGone) return;
      if (this.sockets === "refuse") {
        socket.isGone = true;
        socket.onerror?.({});
        return socket.onclose?.({ code: 1006 });
      }
      this.open.add(socket);
      socket.onopen?.({});
    });
  }

  #receive(socket, { id, type, payload }) {
    if (this.sockets === "mute") return;
    if (type === "connection_init") {
      this.#send(socket, { type: "connection_ack", payload: { connectionTimeoutMs: 300_000 } });
      this.#send(socket, { type: "ka" });
    } else if (type === "start") {
      this.#clock.after(this.#latency(), () => {
        this.#send(socket, { type: "start_ack", id });
        const subscribe = () => (socket.groupId = JSON.parse(payload.data).variables.groupId);
        if (!this.settings.lossAfterAck) subscribe();
        else this.#clock.after(this.settings.lossAfterAck, subscribe);
      });
    }
  }

  #send(socket, frame) {
    socket.nextAt = Math.max(socket.nextAt, this.#clock.steady() + this.#latency());
    this.#clock.after(socket.nextAt - this.#clock.steady(), () => {
      if (!socket.isGone && !socket.isDead) socket.onmessage?.({ data: JSON.stringify(frame) });
    });
  }

  #publish({ id: groupId, domain }, part) {
    const message = { groupId, domain, nodeStatus: null, batchEvent: null, groupDissolve: null, ...part };
    const bytes = Buffer.byteLength(JSON.stringify({ data: { onMessageInGroup: message } }).toWellFormed());
    if (bytes > MAX_MESSAGE_BYTES) throw refusal("ValidationError", `the message has ${bytes} bytes`);
    for (const socket of this.open) {
      if (socket.groupId === groupId) this.#send(socket, { id: "1", type: "data", payload: { data: { onMessageInGroup: message } } });
    }
    return message;
  }
}

/** An error as the API answers it. */
export function refusal(errorType, message) {
  return Object.assign(new Error(message), { errorType });
}
