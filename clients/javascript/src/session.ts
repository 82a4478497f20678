/** The class `Session`: a node in a group. */
import { MAX_TRIES } from "./api.js";
import { Heartbeats, type HeartbeatSettings } from "./heartbeats.js";
import { sleep } from "./clock.js";
import { endReason, MeshError, type EndReason } from "./errors.js";
import { Emitter } from "./emitter.js";
import { Receiver } from "./receiver.js";
import { Connection, type State } from "./connection.js";
import { watchPage, type Page } from "./page.js";
import { GroupState, type MeshNode, type Value } from "./group-state.js";
import { Sender, type SenderIntervals } from "./sender.js";
import type { Socket } from "./socket.js";
import type { Scalar } from "./values.js";
import * as wire from "./wire.js";

/** The group that a session belongs to. */
export interface SessionGroup extends Pick<wire.Group, "id" | "domain" | "fullId"> {
  /** When the group ends at the latest: ISO date-time. */
  readonly expiresAt: string | null;
  /** Undefined if only the id of the group was given, and the server did not list it. */
  readonly name?: string | undefined;
  /** Undefined in the same case. */
  readonly hostId?: string | undefined;
}

/** What a session is made with. @internal */
export interface SessionOptions extends HeartbeatSettings, SenderIntervals {
  readonly page: Page | undefined;
  readonly group: SessionGroup;
  /** The node's name; undefined for a host, which has none. */
  readonly nodeName: string | undefined;
  /** Whether the node did not exist before. */
  readonly isNew: boolean;
  /** A time by the server's clock, not later than now. Earlier events are ignored. */
  readonly since: string;
  /** Milliseconds from one poll to the next. */
  readonly pollInterval: number;
  /** Opens a socket that is subscribed to the group. */
  subscribe(): Promise<Socket>;
  /** Called when the session has ended. */
  ended(): void;
}

/** How long `leave` waits for the last values and events to be sent, in milliseconds. */
const LEAVE_TIMEOUT = 2_000;
/** How much earlier than expected a group may expire, in milliseconds: two clocks never agree completely. */
const EXPIRY_SLACK = 1_000;

/**
 * The membership of one node in one group, from `mesh.create` or `mesh.join` until the event `ended`.
 *
 * It is an `EventTarget` (its events are {@link SessionEvents}) and can be iterated:
 * `for await (const { type, detail } of session)`. Calls after the end do nothing.
 */
export class Session extends Emitter {
  /** The group. */
  readonly group: SessionGroup;
  /** This node's id. */
  readonly nodeId: string;
  /** Whether this node is the group's host. The group ends when its host leaves. */
  readonly isHost: boolean;

  readonly #options: SessionOptions;
  readonly #groupRef: wire.GroupRef;
  readonly #groupState: GroupState;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #connection: Connection;
  readonly #heartbeats: Heartbeats;
  readonly #ending = new AbortController();
  /** When the group ends, by `clock.steady`. */
  readonly #expiry: number;
  #unwatchPage = () => {};
  #leaving: Promise<void> | undefined;

  /** @internal */
  constructor(options: SessionOptions) {
    super();
    const { clock, group, nodeId } = options;
    this.#options = options;
    this.group = group;
    this.nodeId = nodeId;
    this.isHost = options.isHost;
    this.#groupRef = { groupId: group.id, domain: group.domain };
    this.#expiry = clock.steady() + (options.lifeLeft ?? Infinity);
    this.#groupState = new GroupState(nodeId, group.hostId, options.nodeName);
    this.#receiver = new Receiver(nodeId, this.#groupState, clock, (type, detail) => this.emit(type, detail));
    this.#sender = new Sender({
      ...options,
      self: { ...this.#groupRef, nodeId, secret: options.secret },
      groupState: this.#groupState,
      signal: this.#ending.signal,
      polls: () => this.state === "polling",
      published: (sentAt) => this.#connection.expectMessage(sentAt),
      refused: (error, what) => {
        this.#failed(error);
        if (!this.#isOver && error instanceof MeshError) this.emit("error", { error, ...what });
      },
    });
    this.#connection = new Connection({
      clock,
      pollInterval: options.pollInterval,
      subscribe: () => options.subscribe(),
      poll: (since) => this.#poll(since),
      sync: () => this.#heartbeats.sync(1),
      receive: (message) => this.#receive(message),
      receivePolled: (events) => this.#receiver.receiveEvents(events, null),
      changed: (state, recovered) => this.emit("state", { state, recovered }),
      failed: (error) => this.#failed(error),
    });
    this.#heartbeats = new Heartbeats({
      ...options,
      groupRef: this.#groupRef,
      signal: this.#ending.signal,
      groupState: this.#groupState,
      receiver: this.#receiver,
      failed: (error) => this.#failed(error),
    });
  }

  /** How the session receives messages. */
  get state(): State {
    return this.#connection.state;
  }

  /** The nodes of the group by id, this one included. A node that left is removed within `syncInterval`. */
  get nodes(): ReadonlyMap<string, MeshNode> {
    return this.#groupState.nodes;
  }

  /** All values: node id -> key -> value. Own values are in it as soon as they are set. */
  get values(): ReadonlyMap<string, ReadonlyMap<string, Value>> {
    return this.#groupState.values;
  }

  /** The newest value of a key over all nodes, by the server's clock; undefined if no node has one. */
  value(key: string): string | undefined {
    return this.#groupState.newest(key);
  }

  /**
   * Sets a value of this node. Only changes are sent. Throws a {@link MeshError} if the value is neither a
   * string nor a number nor a boolean, or if the key or the value is too large.
   */
  set(key: string, value: Scalar): void {
    this.setAll([[key, value]]);
  }

  /** Sets several values of this node, from an object, a `Map` or pairs. If it throws, none is set. */
  setAll(values: Readonly<Record<string, Scalar>> | Iterable<readonly [string, Scalar]>): void {
    if (!this.#isOver) this.#sender.set(values);
  }

  /**
   * Fires an event. All other nodes receive it, after the values that were set before it. Throws a
   * {@link MeshError} if there is no name, if the payload is no text, or if the event is too large.
   */
  fire(name: string, payload: Scalar | null = null): void {
    if (!this.#isOver) this.#sender.fire(name, payload);
  }

  /** Sends at once. Resolves when everything that was set and fired before is answered. */
  flush(): Promise<void> {
    return this.#sender.flush();
  }

  /** Leaves the group; a host dissolves it. What was set and fired before is sent first, for up to two seconds. */
  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  /** Starts the session, with a subscribed socket or without one. Rejects if the server refuses. @internal */
  async begin(socket: Socket | undefined): Promise<void> {
    try {
      await this.#heartbeats.sync(MAX_TRIES);
      const { since, isNew } = this.#options;
      // A node that is new starts where it was created. A later start could skip the first events, as AppSync
      // may lose messages shortly after `start_ack`. A node that continues has received what is older.
      const newest = isNew ? "" : this.#groupState.newestTime();
      await this.#connection.begin(socket, newest > since ? newest : since);
      // The group may have ended during these calls.
      this.#ending.signal.throwIfAborted();
    } catch (error) {
      socket?.close();
      this.#shutDown("The session did not begin");
      if (!this.#leaving) this.#leaveOnUnload();
      throw error;
    }
    this.#unwatchPage = watchPage(this.#options.page, () => this.#leaveOnUnload(), () => this.#connection.renew());
    this.#heartbeats.start();
  }

  // Receiving.

  #receive({ nodeStatus, batchEvent, groupDissolve }: wire.MeshMessage): void {
    if (this.#isOver) return;
    if (nodeStatus) this.#receiver.receiveValues([nodeStatus]);
    if (batchEvent) this.#receiver.receiveEvents(batchEvent.events ?? [], batchEvent.firedByNodeId);
    if (groupDissolve) {
      // The server sends the same message for a group that has expired.
      const isExpired = this.#options.clock.steady() > this.#expiry - EXPIRY_SLACK;
      this.#end(isExpired ? "expired" : "dissolved", groupDissolve.message ?? "The group was dissolved");
    }
  }

  async #poll(since: string): Promise<wire.PollPage> {
    const { signal } = this.#ending;
    // While connecting, `create` or `join` waits for the answer. Later the connection itself polls again.
    const tries = this.state === "connecting" ? MAX_TRIES : 1;
    const variables = { ...this.#groupRef, since };
    const { pollGroupData } = await this.#options.api.callUntilAnswered(wire.POLL, variables, signal, tries);
    this.#receiver.receiveValues(pollGroupData.nodeStatuses);
    return pollGroupData;
  }

  // Ending.

  get #isOver(): boolean {
    return this.state === "ended";
  }

  /** Calls `call` with the operation that ends this node's membership. */
  #leaveCall<T>(call: <V extends object>(operation: wire.Operation<V, unknown>, variables: V) => T): T {
    return this.isHost
      ? call(wire.DISSOLVE_GROUP, { ...this.#groupRef, hostId: this.nodeId, secret: this.#options.secret })
      : call(wire.LEAVE_GROUP, { ...this.#groupRef, nodeId: this.nodeId, secret: this.#options.secret });
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    const { api, clock } = this.#options;
    const { signal } = this.#ending;
    await Promise.race([this.flush(), sleep(clock, LEAVE_TIMEOUT, signal).catch(() => {})]);
    if (this.#isOver) return;
    this.#end("left", "This node left the group");
    const { signal: never } = new AbortController();
    // If this does not reach the server, missing heartbeats end the membership.
    await this.#leaveCall((...call) => api.callUntilAnswered(...call, never, MAX_TRIES)).catch(() => {});
  }

  /** Leaves without waiting, because the page is being closed. A host stays: its page may be reloaded, and continue. */
  #leaveOnUnload(): void {
    if (!this.isHost) this.#leaveCall((...call) => this.#options.api.callOnUnload(...call));
  }

  #failed(error: unknown): void {
    const reason = endReason(error);
    if (reason) this.#end(reason, (error as MeshError).message);
  }

  #end(reason: EndReason, message: string): void {
    if (this.#isOver) return;
    this.#shutDown(message);
    this.#options.ended();
    this.#receiver.end(reason !== "left");
    this.emit("state", { state: "ended" });
    this.emit("ended", { reason, message });
  }

  #shutDown(why: string): void {
    this.#connection.end();
    this.#ending.abort(new MeshError("SessionEnded", why));
    this.#sender.clear();
    this.#unwatchPage();
  }
}
