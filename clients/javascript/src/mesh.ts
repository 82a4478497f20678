/** The class `Mesh`: the entry point of the package. */
import { Api, MAX_TRIES } from "./api.js";
import { orAborted, systemClock, type Clock } from "./clock.js";
import { isUnknownArgument } from "./errors.js";
import { Identities, newIdentity, type Identity } from "./identities.js";
import { Network } from "./network.js";
import {
  apiKeyOf,
  endpointOf,
  intervalOf,
  joinable,
  type CallOptions,
  type CreateOptions,
  type JoinOptions,
  type MeshOptions,
} from "./options.js";
import { currentPage, type Page } from "./page.js";
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

/** The polling interval where the server names none, in seconds. */
const POLLING_SECONDS = 2;
/** The heartbeat interval where the server names none, in seconds. */
const HEARTBEAT_SECONDS = 60;

/** Whether the missing WebSocket was reported. */
let hasWarned = false;

/** Finds, creates and joins groups. It keeps no connection open; only sessions do. */
export class Mesh {
  readonly #clock: Clock;
  readonly #api: Api;
  readonly #socket: SocketOptions;
  readonly #page: Page | undefined;
  readonly #identities: Identities;
  readonly #intervals: { eventInterval: number; dataInterval: number; syncInterval: number };
  #domain: Promise<string> | undefined;
  /** Whether the server knows node secrets and names. */
  #knowsSecrets = true;

  constructor(given: MeshOptions) {
    const options: Partial<MeshOptions> = given ?? {};
    const { clock = systemClock, page = currentPage() } = options;
    const endpoint = endpointOf(options.endpoint);
    const apiKey = apiKeyOf(options.apiKey);
    const url = options.realtimeEndpoint ?? realtimeEndpoint(endpoint);
    if (options.domain !== undefined) this.#domain = Promise.resolve(options.domain);
    this.#clock = clock;
    this.#page = page;
    this.#identities = new Identities(page, endpoint.href);
    this.#api = new Api({
      endpoint: endpoint.href,
      apiKey,
      // A browser's `fetch` must be called as a function of its window.
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      clock,
      network: new Network(endpoint, page?.url),
    });
    this.#socket = { webSocket: options.webSocket ?? globalWebSocket(), url, host: endpoint.host, apiKey, clock };
    this.#intervals = {
      eventInterval: intervalOf("eventInterval", options.eventInterval),
      dataInterval: intervalOf("dataInterval", options.dataInterval),
      syncInterval: options.syncInterval === 0 ? 0 : intervalOf("syncInterval", options.syncInterval ?? 15_000, 3_600_000),
    };
  }

  /** The domain of the groups. */
  async domain({ signal }: CallOptions = {}): Promise<string> {
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
  async create({ name, maxConnectionTimeSeconds, hostId, secret, signal }: CreateOptions): Promise<Session> {
    const domain = await orAborted(this.domain(), signal);
    const identity = this.#identities.of(domain, hostId);
    const open = () => Socket.open(this.#socket);
    const create = async (socket: Socket | undefined): Promise<Membership> => {
      const created = await this.#callAsNode(secret ?? identity.secret, async (secret) => {
        const useWebSocket = !!socket;
        const variables = { name, hostId: identity.nodeId, domain, maxConnectionTimeSeconds, useWebSocket, secret };
        return (await this.#call(CREATE_GROUP, variables)).createGroup;
      });
      // If this fails, the session starts with polling.
      await socket?.subscribe({ groupId: created.answer.id, domain }).catch(() => {});
      return { ...identity, ...created, group: created.answer, nodeName: undefined, isHost: true };
    };
    return this.#enter(open, create, signal);
  }

  /** Joins a group from {@link groups} or {@link search}, or any group whose id and domain are known. */
  async join(group: Pick<Group, "id" | "domain"> & Partial<Group>, options: JoinOptions = {}): Promise<Session> {
    const { id, domain } = joinable(group);
    const { name, nodeId, secret, signal } = options;
    const groupRef = { groupId: id, domain };
    const identity = nodeId === undefined ? newIdentity() : this.#identities.of(id, nodeId);
    // The subscription begins before the join, so that the member misses no message.
    const open = () => this.#subscribe(groupRef);
    const join = async (socket: Socket | undefined): Promise<Membership> => {
      const joined = await this.#callAsNode(secret ?? identity.secret, async (secret) => {
        const useWebSocket = !!socket;
        const variables = { ...groupRef, nodeId: identity.nodeId, useWebSocket, name: secret && name, secret };
        return (await this.#call(JOIN_GROUP, variables)).joinGroup;
      });
      const { answer } = joined;
      const whole = group.hostId ? group : { ...group, ...(await this.#find(groupRef)) };
      const shown = { ...whole, id, domain, fullId: `${id}@${domain}`, expiresAt: answer.expiresAt };
      return { ...identity, ...joined, group: shown, nodeName: answer.name, isHost: false };
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

  /**
   * Creates or joins as a node with this secret. A server from before secrets and names refuses these
   * arguments, and has done nothing. Then the node is not protected, as before: call it without them.
   */
  async #callAsNode<T>(secret: string, call: (secret: string | undefined) => Promise<T>): Promise<Called<T>> {
    if (this.#knowsSecrets) {
      try {
        return { answer: await call(secret), secret };
      } catch (error) {
        if (!isUnknownArgument(error)) throw error;
        this.#knowsSecrets = false;
      }
    }
    return { answer: await call(undefined), secret: undefined };
  }

  #session({ answer, ...membership }: Membership): Session {
    const { createdAt, expiresAt, heartbeatIntervalSeconds, pollingIntervalSeconds } = answer;
    const { group, isNew } = membership;
    return new Session({
      ...membership,
      api: this.#api,
      clock: this.#clock,
      page: this.#page,
      since: createdAt ?? "",
      // Both times are by the server's clock. They tell the remaining time only for a node that is new.
      lifeLeft: isNew && createdAt && expiresAt ? Date.parse(expiresAt) - Date.parse(createdAt) : undefined,
      heartbeatSeconds: heartbeatIntervalSeconds ?? HEARTBEAT_SECONDS,
      pollInterval: (pollingIntervalSeconds ?? POLLING_SECONDS) * 1_000,
      ...this.#intervals,
      subscribe: () => this.#subscribe({ groupId: group.id, domain: group.domain }),
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

/** An answer, and the secret that the server knows; undefined if it knows no secrets. */
interface Called<T> {
  readonly answer: T;
  readonly secret: string | undefined;
}

/** The result of creating or joining a group. */
interface Membership extends Omit<Identity, "secret">, Called<Omit<Joined, keyof WireNode> & Pick<WireNode, "createdAt">> {
  readonly group: SessionGroup;
  /** The node's name; undefined for a host, which has none. */
  readonly nodeName: string | undefined;
  readonly isHost: boolean;
}

/** The WebSocket class of browsers and of Node since version 22. Where there is none, that is reported once. */
function globalWebSocket(): WebSocketConstructor | undefined {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (!WebSocket && !hasWarned) {
    hasWarned = true;
    console.warn(
      "mesh-v2-client: there is no WebSocket here, so sessions poll. Node before 22: npm install ws, new Mesh({ webSocket, ... })",
    );
  }
  return WebSocket;
}
