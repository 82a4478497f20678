import { MAX_TRIES } from "./api.js";
import { Heartbeats, type HeartbeatSettings } from "./heartbeats.js";
import { sleep } from "./clock.js";
import { endReason, MeshError, type EndReason } from "./errors.js";
import { Emitter } from "./emitter.js";
import { Receiver } from "./receiver.js";
import { Connection, type State } from "./connection.js";
import { watchPage, type Page } from "./page.js";
import { GroupState, type MeshNode, type Value } from "./group-state.js";
import { Sender, type Scalar, type SenderIntervals } from "./sender.js";
import type { Socket } from "./socket.js";
import * as wire from "./wire.js";

/** The group of a session. */
export interface SessionGroup extends Pick<wire.Group, "id" | "domain" | "fullId"> {
  /** When the group ends at the latest: ISO date-time. */
  readonly expiresAt: string | null;
  /** Unknown if only the group's id was given, and it was not listed. */
  readonly name?: string | undefined;
  /** Unknown like the name. */
  readonly hostId?: string | undefined;
}

/** What a session works with. @internal */
export interface SessionOptions extends HeartbeatSettings, SenderIntervals {
  readonly page: Page | undefined;
  readonly group: SessionGroup;
  /** A time of the server's, not later than now: where hearing begins. */
  readonly since: string;
  /** Milliseconds from one poll to the next, where polling is needed. */
  readonly pollInterval: number;
  /** Opens a socket that is subscribed to the group. */
  subscribe(): Promise<Socket>;
  /** Told when the session is over. */
  ended(): void;
}

/** How long a leaving node waits for what it still has to send, in milliseconds. */
const LEAVE_TIMEOUT = 2_000;
/** How far the server's idea of the end may lie from this machine's, in milliseconds. */
const EXPIRY_SLACK = 1_000;

/**
 * A node's part in a group, from `mesh.create` or `mesh.join` until `ended`.
 *
 * It is an `EventTarget` (its events are {@link SessionEvents}) and can be iterated:
 * `for await (const { type, detail } of session)`. What it is told after its end is ignored.
 */
export class Session extends Emitter {
  /** The group. */
  readonly group: SessionGroup;
  /** This node's id. */
  readonly nodeId: string;
  /** Whether this node is the group's host, without whom the group ends. */
  readonly isHost: boolean;

  readonly #options: SessionOptions;
  readonly #groupRef: wire.GroupRef;
  readonly #groupState: GroupState;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #connection: Connection;
  readonly #heartbeats: Heartbeats;
  readonly #ending = new AbortController();
  /** When the group ends, by the steady clock. */
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
    this.#groupState = new GroupState(nodeId, group.hostId);
    this.#receiver = new Receiver(nodeId, this.#groupState, clock, (type, detail) => this.emit(type, detail));
    this.#sender = new Sender({
      ...options,
      me: { ...this.#groupRef, nodeId },
      groupState: this.#groupState,
      signal: this.#ending.signal,
      polls: () => this.state === "polling",
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

  /** How the session hears its group. */
  get state(): State {
    return this.#connection.state;
  }

  /** The nodes of the group, this one included, by id. That one left is noticed within `syncInterval`. */
  get nodes(): ReadonlyMap<string, MeshNode> {
    return this.#groupState.nodes;
  }

  /** All values: node id -> key -> value. This node's own are there as soon as they are set. */
  get values(): ReadonlyMap<string, ReadonlyMap<string, Value>> {
    return this.#groupState.values;
  }

  /** The newest value of a key over all nodes, by the server's time; undefined if no node has one. */
  value(key: string): string | undefined {
    return this.#groupState.newest(key);
  }

  /** Sets a value of this node. Only changes are sent. Throws if the key or the value is too large. */
  set(key: string, value: Scalar): void {
    this.setAll([[key, value]]);
  }

  /** Sets several values of this node, from an object, a `Map` or pairs; all, or none if it throws. */
  setAll(values: Readonly<Record<string, Scalar>> | Iterable<readonly [string, Scalar]>): void {
    if (this.#isOver) return;
    const isIterable = (given: object): given is Iterable<readonly [string, Scalar]> => Symbol.iterator in given;
    this.#sender.set(isIterable(values) ? values : Object.entries(values));
  }

  /** Fires an event: all others hear it, after the values that were set before. Throws if it is too large. */
  fire(name: string, payload: Scalar | null = null): void {
    if (!this.#isOver) this.#sender.fire(name, payload);
  }

  /** Sends at once; done when everything that was set and fired by now is answered. */
  flush(): Promise<void> {
    return this.#sender.flush();
  }

  /** Leaves the group; a host dissolves it. What was set and fired before is sent, if that does not take long. */
  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  /** Begins with a subscribed socket, or without one. Rejects if the server refuses. @internal */
  async begin(socket: Socket | undefined): Promise<void> {
    try {
      await this.#heartbeats.sync(MAX_TRIES);
      const newest = this.#groupState.newestTime();
      const { since } = this.#options;
      await this.#connection.begin(socket, newest > since ? newest : since);
      // The group may have ended meanwhile.
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

  // Receiver.

  #receive({ nodeStatus, batchEvent, groupDissolve }: wire.MeshMessage): void {
    if (this.#isOver) return;
    if (nodeStatus) this.#receiver.receiveValues([nodeStatus]);
    if (batchEvent) this.#receiver.receiveEvents(batchEvent.events ?? [], batchEvent.firedByNodeId);
    if (groupDissolve) {
      // A group whose time is over is dissolved, too.
      const isExpired = this.#options.clock.steady() > this.#expiry - EXPIRY_SLACK;
      this.#end(isExpired ? "expired" : "dissolved", groupDissolve.message ?? "The group was dissolved");
    }
  }

  async #poll(since: string): Promise<wire.PollPage> {
    const { signal } = this.#ending;
    // At first somebody waits; later it is the link that tries again.
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

  /** Makes the call with which this node goes. */
  #leaveCall<T>(call: <V extends object>(operation: wire.Operation<V, unknown>, variables: V) => T): T {
    return this.isHost
      ? call(wire.DISSOLVE_GROUP, { ...this.#groupRef, hostId: this.nodeId })
      : call(wire.LEAVE_GROUP, { ...this.#groupRef, nodeId: this.nodeId });
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    const { api, clock } = this.#options;
    const { signal } = this.#ending;
    await Promise.race([this.flush(), sleep(clock, LEAVE_TIMEOUT, signal).catch(() => {})]);
    if (this.#isOver) return;
    this.#end("left", "This node left the group");
    const { signal: never } = new AbortController();
    // A server that cannot be told will notice.
    await this.#leaveCall((...call) => api.callUntilAnswered(...call, never, MAX_TRIES)).catch(() => {});
  }

  /** Says goodbye where nothing can be waited for. Never for a host: its page may come back, and so may its group. */
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
