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

/** Where a mesh is and how to use it. */
export interface MeshOptions {
  /** The API's URL, as `https://...appsync-api...amazonaws.com/graphql` or `http://192.168.0.5:4000/graphql`. */
  readonly endpoint: string;
  /** The API key. */
  readonly apiKey: string;
  /** Where sockets connect; derived from `endpoint` by AppSync's rules if it is not given. */
  readonly realtimeEndpoint?: string;
  /** The domain that groups are found in; the one of this network if it is not given. */
  readonly domain?: string;
  /** A constructor of WebSockets: `ws` in Node 20. Without any, sessions poll. */
  readonly webSocket?: WebSocketConstructor;
  /** What to use instead of the global `fetch`. */
  readonly fetch?: Fetch;
  /** Milliseconds for which events are gathered before they are sent, 10 to 10,000; default 250. */
  readonly eventInterval?: number;
  /** Milliseconds from one report of values to the next at least, 10 to 10,000; default 250. */
  readonly dataInterval?: number;
  /** Milliseconds between looks at who is there; default 15,000, 0 for none. */
  readonly syncInterval?: number;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
  /** The page, for tests; by default the one that this runs on. */
  readonly page?: Page;
}

/** What every call can be given. */
export interface CallOptions {
  /** Ends the call and, once there is one, the session. */
  readonly signal?: AbortSignal;
}

/** How to create a group. */
export interface CreateOptions extends CallOptions {
  /** 1 to 256 characters. */
  readonly name: string;
  /** How long the group lives at most; the server's maximum if it is not given. */
  readonly maxConnectionTimeSeconds?: number;
  /** The host's id; by default a new one or, after a reload of the page, the one from before. */
  readonly hostId?: string;
}

/** How to join a group. */
export interface JoinOptions extends CallOptions {
  /** This node's id; a new one by default. */
  readonly nodeId?: string;
}

/** How often nodes poll where the server does not say, in seconds. */
const POLLING_SECONDS = 2;
/** How often nodes send a heartbeat where the server does not say, in seconds. */
const HEARTBEAT_SECONDS = 60;

/** A mesh: groups to find, to create and to join. It keeps nothing open; sessions do. */
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
    // Neither a header nor a sub-protocol could carry it, and that would look like a network without an answer.
    if (!/^[!-~]+$/.test(apiKey)) throw new TypeError("apiKey must be letters, digits and signs of ASCII, without spaces");
    const url = options.realtimeEndpoint ?? realtimeEndpoint(endpoint);
    this.#options = options;
    this.#clock = clock;
    // A browser's fetch wants to be called by its window.
    this.#api = new Api(endpoint, apiKey, options.fetch ?? ((url, init) => fetch(url, init)), clock);
    this.#socket = { webSocket, url, host: new URL(endpoint).host, apiKey, clock };
    this.#page = options.page ?? currentPage();
    this.#intervals = {
      eventInterval: interval("eventInterval", options.eventInterval),
      dataInterval: interval("dataInterval", options.dataInterval),
      syncInterval: options.syncInterval ?? 15_000,
    };
  }

  /** The domain that groups are found in. */
  async domain({ signal }: CallOptions = {}): Promise<string> {
    if (this.#options.domain !== undefined) return this.#options.domain;
    const asked = (this.#domain ??= this.#call(CREATE_DOMAIN, {}).then(({ createDomain }) => createDomain));
    // After a failure the next one asks again.
    asked.catch(() => (this.#domain = undefined));
    return orAborted(asked, signal);
  }

  /** The living groups of the domain, oldest first. */
  async groups({ signal }: CallOptions = {}): Promise<Group[]> {
    const domain = await orAborted(this.domain(), signal);
    return (await this.#call(LIST_GROUPS, { domain }, signal)).listGroupsByDomain;
  }

  /** Living groups of all domains whose name begins with these 1 to 6 characters; 10 of them if nothing is said. */
  async search(namePrefix: string, { limit, signal }: CallOptions & { readonly limit?: number } = {}): Promise<Group[]> {
    return (await this.#call(SEARCH_GROUPS, { namePrefix, limit }, signal)).searchGroupsByNamePrefix;
  }

  /** Creates a group and hosts it. The same host again gets the group that it has. */
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
      // Where this fails, the session begins by polling.
      await socket?.subscribe({ groupId: group.id, domain }).catch(() => {});
      return { group, answer: group, nodeId, isHost: true, isNew: !known, ended: () => hostStorage.remove(nodeId) };
    };
    return this.#enter(open, create, signal);
  }

  /** Joins a group from {@link groups} or {@link search}, or one that is known by its id and domain. */
  async join(group: Pick<Group, "id" | "domain"> & Partial<Group>, { nodeId, signal }: JoinOptions = {}): Promise<Session> {
    const { id, domain } = group;
    const groupRef = { groupId: id, domain };
    const own = nodeId ?? newId();
    // Subscribed before it joins, a member misses nothing from its first moment on.
    const open = () => this.#subscribe(groupRef);
    const join = async (socket: Socket | undefined): Promise<Membership> => {
      const { joinGroup: answer } = await this.#call(JOIN_GROUP, { ...groupRef, nodeId: own, useWebSocket: !!socket });
      const whole = group.hostId ? group : { ...group, ...(await this.#find(groupRef)) };
      const shown = { ...whole, id, domain, fullId: `${id}@${domain}`, expiresAt: answer.expiresAt };
      return { group: shown, answer, nodeId: own, isHost: false, isNew: nodeId === undefined, ended: () => {} };
    };
    return this.#enter(open, join, signal);
  }

  /** Enters a group and begins a session in it. After an abort it still leaves what it could not but enter. */
  async #enter(
    open: () => Promise<Socket>,
    enter: (socket: Socket | undefined) => Promise<Membership>,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const attempt = async () => {
      // Without a socket, where none gets through.
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
      // By the server's clock alone; what was created long ago says nothing about now.
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

  /** A group as it is listed, if it is. */
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

/** How a session came about. */
interface Membership {
  readonly group: SessionGroup;
  /** What creating or joining answered. */
  readonly answer: Omit<Joined, keyof WireNode> & Pick<WireNode, "createdAt">;
  readonly nodeId: string;
  readonly isHost: boolean;
  /** Whether the node was not there before, so that it was created by the server's clock just now. */
  readonly isNew: boolean;
  ended(): void;
}

function interval(name: string, milliseconds = 250): number {
  if (milliseconds >= 10 && milliseconds <= 10_000) return milliseconds;
  throw new RangeError(`${name} must be 10 to 10000 milliseconds`);
}
