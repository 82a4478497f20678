/** The class `Mesh`: the entry point of the package. */
import { Api, MAX_TRIES, type Fetch } from "./api.js";
import { orAborted, systemClock, type Clock } from "./clock.js";
import { currentPage, HostStorage, newId, type Page } from "./page.js";
import { Session, type SessionGroup } from "./session.js";
import { realtimeEndpoint, Socket, type SocketOptions, type WebSocketConstructor } from "./socket.js";
import {
  CREATE_DOMAIN,
  CREATE_GROUP,
  JOIN_GROUP,
  LIST_GROUPS,
  SEARCH_GROUPS,
  type Group,
  type Joined,
  type Operation,
  type GroupRef,
  type WireNode,
} from "./wire.js";

/** Where the server is, and how to use it. */
export interface MeshOptions {
  /** The API's URL, as `https://...appsync-api...amazonaws.com/graphql` or `http://192.168.0.5:4000/graphql`. */
  readonly endpoint: string;
  /** The API key. */
  readonly apiKey: string;
  /** The URL of sockets; by default derived from `endpoint` by AppSync's rules. */
  readonly realtimeEndpoint?: string;
  /** The domain of the groups; by default the one that the server gives this network. */
  readonly domain?: string;
  /** A WebSocket class, such as the package `ws` in Node 20. Without any, sessions poll. */
  readonly webSocket?: WebSocketConstructor;
  /** Used instead of the global `fetch`. */
  readonly fetch?: Fetch;
  /** Milliseconds for which events are collected before they are sent, 10 to 10,000; default 250. */
  readonly eventInterval?: number;
  /** The least milliseconds from one report of values to the next, 10 to 10,000; default 250. */
  readonly dataInterval?: number;
  /** Milliseconds between requests for all nodes and values; default 15,000, 0 for none. */
  readonly syncInterval?: number;
  /** Time and randomness, for tests. */
  readonly clock?: Clock;
  /** The web page, for tests; by default the current one. */
  readonly page?: Page;
}

/** Options of every call. */
export interface CallOptions {
  /** An abort ends the call, and also the session that it made. */
  readonly signal?: AbortSignal;
}

/** Options of `create`. */
export interface CreateOptions extends CallOptions {
  /** 1 to 256 characters. */
  readonly name: string;
  /** When the group ends at the latest; by default after the server's maximum. */
  readonly maxConnectionTimeSeconds?: number;
  /** The host's id; by default a new one or, after a reload of the page, the one used before. */
  readonly hostId?: string;
}

/** Options of `join`. */
export interface JoinOptions extends CallOptions {
  /** This node's id; by default a new one. */
  readonly nodeId?: string;
}

/** The polling interval where the server names none, in seconds. */
const POLLING_SECONDS = 2;
/** The heartbeat interval where the server names none, in seconds. */
const HEARTBEAT_SECONDS = 60;

/** Finds, creates and joins groups. It keeps no connection open; only sessions do. */
export class Mesh {
  readonly #options: MeshOptions;
  readonly #clock: Clock;
  readonly #api: Api;
  readonly #socket: SocketOptions;
  readonly #page: Page | undefined;
  readonly #intervals: { eventInterval: number; dataInterval: number; syncInterval: number };
  #domain: Promise<string> | undefined;

  constructor(options: MeshOptions) {
    const { endpoint, apiKey, clock = systemClock } = options;
    const webSocket = options.webSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
    // Other keys fit into no header and no sub-protocol. Every call would fail like a broken network.
    if (!/^[!-~]+$/.test(apiKey)) throw new TypeError("apiKey must be letters, digits and signs of ASCII, without spaces");
    const url = options.realtimeEndpoint ?? realtimeEndpoint(endpoint);
    this.#options = options;
    this.#clock = clock;
    // A browser's `fetch` must be called as a function of its window.
    this.#api = new Api(endpoint, apiKey, options.fetch ?? ((url, init) => fetch(url, init)), clock);
    this.#socket = { webSocket, url, host: new URL(endpoint).host, apiKey, clock };
    this.#page = options.page ?? currentPage();
    this.#intervals = {
      eventInterval: interval("eventInterval", options.eventInterval),
      dataInterval: interval("dataInterval", options.dataInterval),
      syncInterval: options.syncInterval ?? 15_000,
    };
  }

  /** The domain of the groups. */
  async domain({ signal }: CallOptions = {}): Promise<string> {
    if (this.#options.domain !== undefined) return this.#options.domain;
    const asked = (this.#domain ??= this.#call(CREATE_DOMAIN, {}).then(({ createDomain }) => createDomain));
    // After a failure the next call asks again.
    asked.catch(() => (this.#domain = undefined));
    return orAborted(asked, signal);
  }

  /** The living groups of the domain, oldest first. */
  async groups({ signal }: CallOptions = {}): Promise<Group[]> {
    const domain = await orAborted(this.domain(), signal);
    return (await this.#call(LIST_GROUPS, { domain }, signal)).listGroupsByDomain;
  }

  /** Living groups of all domains whose name begins with these 1 to 6 characters; `limit` is 10 by default. */
  async search(namePrefix: string, { limit, signal }: CallOptions & { readonly limit?: number } = {}): Promise<Group[]> {
    return (await this.#call(SEARCH_GROUPS, { namePrefix, limit }, signal)).searchGroupsByNamePrefix;
  }

  /** Creates a group with this node as its host. If this host has a group already, it gets that group again. */
  async create({ name, maxConnectionTimeSeconds, hostId, signal }: CreateOptions): Promise<Session> {
    const domain = await orAborted(this.domain(), signal);
    const hostStorage = new HostStorage(hostId === undefined ? this.#page : undefined, this.#options.endpoint, domain);
    const known = hostId ?? hostStorage.load();
    const nodeId = known ?? newId();
    const open = () => Socket.open(this.#socket);
    const create = async (socket: Socket | undefined): Promise<Membership> => {
      const variables = { name, hostId: nodeId, domain, maxConnectionTimeSeconds, useWebSocket: !!socket };
      const { createGroup: group } = await this.#call(CREATE_GROUP, variables);
      hostStorage.save(nodeId);
      // If this fails, the session starts with polling.
      await socket?.subscribe({ groupId: group.id, domain }).catch(() => {});
      return { group, answer: group, nodeId, isHost: true, isNew: !known, ended: () => hostStorage.remove(nodeId) };
    };
    return this.#enter(open, create, signal);
  }

  /** Joins a group from {@link groups} or {@link search}, or any group whose id and domain are known. */
  async join(group: Pick<Group, "id" | "domain"> & Partial<Group>, { nodeId, signal }: JoinOptions = {}): Promise<Session> {
    const { id, domain } = group;
    const groupRef = { groupId: id, domain };
    const own = nodeId ?? newId();
    // The subscription begins before the join, so that the member misses no message.
    const open = () => this.#subscribe(groupRef);
    const join = async (socket: Socket | undefined): Promise<Membership> => {
      const { joinGroup: answer } = await this.#call(JOIN_GROUP, { ...groupRef, nodeId: own, useWebSocket: !!socket });
      const whole = group.hostId ? group : { ...group, ...(await this.#find(groupRef)) };
      const shown = { ...whole, id, domain, fullId: `${id}@${domain}`, expiresAt: answer.expiresAt };
      return { group: shown, answer, nodeId: own, isHost: false, isNew: nodeId === undefined, ended: () => {} };
    };
    return this.#enter(open, join, signal);
  }

  /** Opens a socket, creates or joins the group, and starts the session. If it is aborted too late, it leaves again. */
  async #enter(
    open: () => Promise<Socket>,
    enter: (socket: Socket | undefined) => Promise<Membership>,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const attempt = async () => {
      // If no socket can be opened, the session polls.
      const socket = await open().catch(() => undefined);
      try {
        signal?.throwIfAborted();
        return { socket, session: this.#session(await enter(socket)) };
      } catch (error) {
        socket?.close();
        throw error;
      }
    };
    const entered = attempt();
    const leave = () =>
      void entered.then(
        ({ socket, session }) => (socket?.close(), session.leave()),
        () => {},
      );
    signal?.addEventListener("abort", leave);
    try {
      const { socket, session } = await orAborted(entered, signal);
      session.addEventListener("ended", () => signal?.removeEventListener("abort", leave));
      await session.begin(socket);
      return session;
    } catch (error) {
      signal?.throwIfAborted();
      signal?.removeEventListener("abort", leave);
      throw error;
    }
  }

  #session({ group, answer, nodeId, isHost, isNew, ended }: Membership): Session {
    const { createdAt, expiresAt, heartbeatIntervalSeconds, pollingIntervalSeconds } = answer;
    return new Session({
      api: this.#api,
      clock: this.#clock,
      page: this.#page,
      group,
      nodeId,
      isHost,
      since: createdAt ?? "",
      // Both times are by the server's clock. They tell the remaining time only for a node that is new.
      lifeLeft: isNew && createdAt && expiresAt ? Date.parse(expiresAt) - Date.parse(createdAt) : undefined,
      heartbeatSeconds: heartbeatIntervalSeconds ?? HEARTBEAT_SECONDS,
      pollInterval: (pollingIntervalSeconds ?? POLLING_SECONDS) * 1_000,
      ...this.#intervals,
      subscribe: () => this.#subscribe({ groupId: group.id, domain: group.domain }),
      ended,
    });
  }

  #call<V extends object, D>(operation: Operation<V, D>, variables: V, signal?: AbortSignal): Promise<D> {
    return this.#api.callUntilAnswered(operation, variables, signal ?? new AbortController().signal, MAX_TRIES);
  }

  /** The group as the server lists it, if it does. */
  async #find({ groupId, domain }: GroupRef): Promise<Group | undefined> {
    const listed = await this.#call(LIST_GROUPS, { domain }).catch(() => undefined);
    return listed?.listGroupsByDomain.find(({ id }) => id === groupId);
  }

  async #subscribe(groupRef: GroupRef): Promise<Socket> {
    const socket = await Socket.open(this.#socket);
    await socket.subscribe(groupRef);
    return socket;
  }
}

/** The result of creating or joining a group. */
interface Membership {
  readonly group: SessionGroup;
  /** The answer of createGroup or joinGroup. */
  readonly answer: Omit<Joined, keyof WireNode> & Pick<WireNode, "createdAt">;
  readonly nodeId: string;
  readonly isHost: boolean;
  /** Whether this call made the node, so that `createdAt` is the current time of the server's clock. */
  readonly isNew: boolean;
  /** Called when the session has ended. */
  ended(): void;
}

function interval(name: string, milliseconds = 250): number {
  if (milliseconds >= 10 && milliseconds <= 10_000) return milliseconds;
  throw new RangeError(`${name} must be 10 to 10000 milliseconds`);
}
