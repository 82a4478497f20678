import { TRIES } from "./api.js";
import { Attendance, type AttendanceSettings } from "./attendance.js";
import { sleep } from "./clock.js";
import { endReason, MeshError, type EndReason } from "./errors.js";
import { Emitter } from "./emitter.js";
import { Hearing } from "./hearing.js";
import { Link, type State } from "./link.js";
import { watchPage, type Page } from "./page.js";
import { Picture, type MeshNode, type Value } from "./picture.js";
import { Sending, type Scalar, type SendingIntervals } from "./sending.js";
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
export interface SessionParts extends AttendanceSettings, SendingIntervals {
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
const LAST_WORDS = 2_000;
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

  readonly #parts: SessionParts;
  readonly #place: wire.Place;
  readonly #picture: Picture;
  readonly #hearing: Hearing;
  readonly #sending: Sending;
  readonly #link: Link;
  readonly #attendance: Attendance;
  readonly #stop = new AbortController();
  /** When the group ends, by the steady clock. */
  readonly #expiry: number;
  #unwatchPage = () => {};
  #leaving: Promise<void> | undefined;

  /** @internal */
  constructor(parts: SessionParts) {
    super();
    const { clock, group, nodeId } = parts;
    this.#parts = parts;
    this.group = group;
    this.nodeId = nodeId;
    this.isHost = parts.isHost;
    this.#place = { groupId: group.id, domain: group.domain };
    this.#expiry = clock.steady() + (parts.lifeLeft ?? Infinity);
    this.#picture = new Picture(nodeId, group.hostId);
    this.#hearing = new Hearing(nodeId, this.#picture, clock, (type, detail) => this.tell(type, detail));
    this.#sending = new Sending({
      ...parts,
      me: { ...this.#place, nodeId },
      picture: this.#picture,
      signal: this.#stop.signal,
      polls: () => this.state === "polling",
      refused: (error, what) => {
        this.#failed(error);
        if (!this.#isOver && error instanceof MeshError) this.tell("error", { error, ...what });
      },
    });
    this.#link = new Link({
      clock,
      pollInterval: parts.pollInterval,
      subscribe: () => parts.subscribe(),
      poll: (since) => this.#poll(since),
      hear: (message) => this.#hear(message),
      hearPolled: (events) => this.#hearing.events(events, null),
      changed: (state, recovered) => this.tell("state", { state, recovered }),
      failed: (error) => this.#failed(error),
    });
    this.#attendance = new Attendance({
      ...parts,
      place: this.#place,
      signal: this.#stop.signal,
      picture: this.#picture,
      hearing: this.#hearing,
      failed: (error) => this.#failed(error),
    });
  }

  /** How the session hears its group. */
  get state(): State {
    return this.#link.state;
  }

  /** The nodes of the group, this one included, by id. That one left is noticed within `syncInterval`. */
  get nodes(): ReadonlyMap<string, MeshNode> {
    return this.#picture.nodes;
  }

  /** All values: node id -> key -> value. This node's own are there as soon as they are set. */
  get values(): ReadonlyMap<string, ReadonlyMap<string, Value>> {
    return this.#picture.values;
  }

  /** The newest value of a key over all nodes, by the server's time; undefined if no node has one. */
  value(key: string): string | undefined {
    return this.#picture.newest(key);
  }

  /** Sets a value of this node. Only changes are sent. Throws if the key or the value is too large. */
  set(key: string, value: Scalar): void {
    this.setAll([[key, value]]);
  }

  /** Sets several values of this node, from an object, a `Map` or pairs; all, or none if it throws. */
  setAll(values: Readonly<Record<string, Scalar>> | Iterable<readonly [string, Scalar]>): void {
    if (this.#isOver) return;
    const isIterable = (given: object): given is Iterable<readonly [string, Scalar]> => Symbol.iterator in given;
    this.#sending.set(isIterable(values) ? values : Object.entries(values));
  }

  /** Fires an event: all others hear it, after the values that were set before. Throws if it is too large. */
  fire(name: string, payload: Scalar | null = null): void {
    if (!this.#isOver) this.#sending.fire(name, payload);
  }

  /** Sends at once; done when everything that was set and fired by now is answered. */
  flush(): Promise<void> {
    return this.#sending.flush();
  }

  /** Leaves the group; a host dissolves it. What was set and fired before is sent, if that does not take long. */
  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  /** Begins with a subscribed socket, or without one. Rejects if the server refuses. @internal */
  async begin(socket: Socket | undefined): Promise<void> {
    try {
      await this.#attendance.lookAround(TRIES);
      const newest = this.#picture.newestTime();
      const { since } = this.#parts;
      await this.#link.begin(socket, newest > since ? newest : since);
      // The group may have ended meanwhile.
      this.#stop.signal.throwIfAborted();
    } catch (error) {
      socket?.close();
      this.#halt("The session did not begin");
      if (!this.#leaving) this.#leaveAtLast();
      throw error;
    }
    this.#unwatchPage = watchPage(this.#parts.page, () => this.#leaveAtLast(), () => this.#link.renew());
    this.#attendance.keep();
  }

  // Hearing.

  #hear({ nodeStatus, batchEvent, groupDissolve }: wire.MeshMessage): void {
    if (this.#isOver) return;
    if (nodeStatus) this.#hearing.values([nodeStatus]);
    if (batchEvent) this.#hearing.events(batchEvent.events ?? [], batchEvent.firedByNodeId);
    if (groupDissolve) {
      // A group whose time is over is dissolved, too.
      const isExpired = this.#parts.clock.steady() > this.#expiry - EXPIRY_SLACK;
      this.#end(isExpired ? "expired" : "dissolved", groupDissolve.message ?? "The group was dissolved");
    }
  }

  async #poll(since: string): Promise<wire.PollPage> {
    const { signal } = this.#stop;
    // At first somebody waits; later it is the link that tries again.
    const tries = this.state === "connecting" ? TRIES : 1;
    const variables = { ...this.#place, since };
    const { pollGroupData } = await this.#parts.api.callUntilAnswered(wire.POLL, variables, signal, tries);
    this.#hearing.values(pollGroupData.nodeStatuses);
    return pollGroupData;
  }

  // Ending.

  get #isOver(): boolean {
    return this.state === "ended";
  }

  /** Makes the call with which this node goes. */
  #goodbye<T>(call: <V extends object>(operation: wire.Operation<V, unknown>, variables: V) => T): T {
    return this.isHost
      ? call(wire.DISSOLVE_GROUP, { ...this.#place, hostId: this.nodeId })
      : call(wire.LEAVE_GROUP, { ...this.#place, nodeId: this.nodeId });
  }

  async #leave(): Promise<void> {
    if (this.#isOver) return;
    const { api, clock } = this.#parts;
    const { signal } = this.#stop;
    await Promise.race([this.flush(), sleep(clock, LAST_WORDS, signal).catch(() => {})]);
    if (this.#isOver) return;
    this.#end("left", "This node left the group");
    const { signal: never } = new AbortController();
    // A server that cannot be told will notice.
    await this.#goodbye((...call) => api.callUntilAnswered(...call, never, TRIES)).catch(() => {});
  }

  /** Says goodbye where nothing can be waited for. Never for a host: its page may come back, and so may its group. */
  #leaveAtLast(): void {
    if (!this.isHost) this.#goodbye((...call) => this.#parts.api.callAtLast(...call));
  }

  #failed(error: unknown): void {
    const reason = endReason(error);
    if (reason) this.#end(reason, (error as MeshError).message);
  }

  #end(reason: EndReason, message: string): void {
    if (this.#isOver) return;
    this.#halt(message);
    this.#parts.ended();
    this.#hearing.end(reason !== "left");
    this.tell("state", { state: "ended" });
    this.tell("ended", { reason, message });
  }

  #halt(why: string): void {
    this.#link.end();
    this.#stop.abort(new MeshError("SessionEnded", why));
    this.#sending.clear();
    this.#unwatchPage();
  }
}
