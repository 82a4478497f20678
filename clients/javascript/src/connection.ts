/**
 * How a node hears its group: over a WebSocket where one gets through, by polling where none does, and
 * from one to the other without losing or repeating an event.
 *
 * ```text
 *                      socket subscribed
 *   connecting ─────────────────────────────────────────▶ live ◀──────────┐
 *       │                                            lost │ ▲             │
 *       │ no socket gets through                          ▼ │ caught up   │ caught up
 *       │                                           recovering            │
 *       │                                     poll answers│ ▲             │
 *       │                                                 ▼ │ poll fails  │
 *       └─────────────────────────────────────────────▶ polling ──────────┘
 *
 *   any of them ── left, dissolved, GroupNotFound, NodeNotFound, Unauthorized ──▶ ended
 * ```
 *
 * - `recovering` and `polling` both try for a socket again and again, with {@link backoff}.
 * - A socket counts from `start_ack` on. What arrives on it is held back until everything before it was
 *   polled, from the place in the group's log that was reached last: so nothing is missing in between.
 *   What comes both ways is dropped by whoever hears it (see deduplicator.ts).
 * - Polls never overlap, so the place only moves forward.
 */
import { backoff, type Cancel, type Clock } from "./clock.js";
import type { Socket } from "./socket.js";
import { PAGE_EVENTS, type MeshMessage, type PollPage, type WireEvent } from "./wire.js";

/** How a session hears its group; see the diagram in connection.ts and in the README. */
export type State = "connecting" | "live" | "polling" | "recovering" | "ended";

/** A socket that was lost sooner than this after it went live is no success, in milliseconds. */
const STABLE_AFTER = 10_000;

/** What a link works with. */
export interface ConnectionOptions {
  readonly clock: Clock;
  /** Milliseconds from one poll to the next. */
  readonly pollInterval: number;
  /** Opens a socket that is subscribed to the group. */
  subscribe(): Promise<Socket>;
  /** Polls once, and takes the values that come along. */
  poll(since: string): Promise<PollPage>;
  /** Hears a live message. */
  receive(message: MeshMessage): void;
  /** Hears polled events. */
  receivePolled(events: readonly WireEvent[]): void;
  /** Told of every change; `recovered` is false when events were missed for good. */
  changed(state: State, recovered?: boolean): void;
  /** Ends the session if that is what an error means. */
  failed(error: unknown): void;
}

/** One node's hearing, from its first moment to its last. */
export class Connection {
  readonly #options: ConnectionOptions;
  #state: State = "connecting";
  /** Everything before this place of the group's log was heard. */
  #since = "";
  /** Whether the log still had everything behind that place when it was last asked. */
  #whole = true;
  /** Whether events were missed since the last change of state said so. */
  #missed = false;
  #socket: Socket | undefined;
  #liveAt = 0;
  #failedSockets = 0;
  #failedPolls = 0;
  #cancelSocket: Cancel | undefined;
  #cancelPoll: Cancel | undefined;
  #polls: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Begins with a subscribed socket or, without one, with a poll that may reject. `since` is a time of
   * the server's: what was fired before it is not heard.
   */
  async begin(socket: Socket | undefined, since: string): Promise<void> {
    this.#since = since;
    if (socket && !socket.closed) {
      this.#attach(socket);
      this.#goLive(socket);
    } else {
      // What was fired before this node came is not for it.
      await this.#catchUp(() => {});
      this.#missed = false;
      this.#enter("polling");
      this.#pollLater(this.#options.pollInterval);
      this.#openLater();
    }
  }

  /** Tries for a new socket at once: the network is another one now, and whatever was tried before means nothing. */
  renew(): void {
    if (this.#state === "ended" || this.#state === "connecting") return;
    this.#socket?.close();
    this.#failedSockets = 0;
    this.#cancelSocket?.();
    void this.#open();
  }

  /** Stops everything. */
  end(): void {
    this.#state = "ended";
    this.#cancelSocket?.();
    this.#cancelPoll?.();
    this.#socket?.close();
  }

  get #ended(): boolean {
    return this.#state === "ended";
  }

  #enter(state: State): void {
    if (this.#ended) return;
    const hears = state !== "recovering";
    if (this.#state === state && !(hears && this.#missed)) return;
    this.#state = state;
    if (!hears) return this.#options.changed(state);
    const recovered = !this.#missed;
    this.#missed = false;
    this.#options.changed(state, recovered);
  }

  // Sockets.

  #openLater(): void {
    const { clock } = this.#options;
    this.#cancelSocket?.();
    this.#cancelSocket = clock.after(backoff(this.#failedSockets, clock), () => void this.#open());
  }

  async #open(): Promise<void> {
    if (this.#socket || this.#ended) return;
    let socket: Socket;
    try {
      socket = await this.#options.subscribe();
    } catch {
      this.#failedSockets++;
      if (this.#ended) return;
      this.#openLater();
      if (this.#state === "recovering" && !this.#failedPolls) this.#pollLater(0);
      return;
    }
    // It ended, or another try was faster.
    if (this.#ended || this.#socket) return socket.close();
    this.#attach(socket);
    this.#cancelPoll?.();
    try {
      await this.#catchUp((events) => this.#options.receivePolled(events));
    } catch (error) {
      this.#options.failed(error);
      // Without the events before it, a socket is of no use.
      return socket.close();
    }
    if (this.#socket === socket) this.#goLive(socket);
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.onclose = () => this.#lost();
    // It may be lost already, and then says so no more.
    if (socket.closed) this.#lost();
  }

  #goLive(socket: Socket): void {
    this.#liveAt = this.#options.clock.steady();
    this.#enter("live");
    socket.listen((message) => {
      if (message.batchEvent) this.#move(message.batchEvent.events ?? [], message.batchEvent.timestamp);
      this.#options.receive(message);
    });
  }

  #lost(): void {
    this.#socket = undefined;
    if (this.#ended) return;
    const wasStable = this.#state === "live" && this.#options.clock.steady() - this.#liveAt >= STABLE_AFTER;
    this.#failedSockets = wasStable ? 0 : this.#failedSockets + 1;
    if (this.#state === "live") this.#enter("recovering");
    this.#openLater();
    // By then a new socket is there, mostly.
    this.#pollLater(this.#options.pollInterval);
  }

  // Polls.

  #pollLater(wait: number): void {
    this.#cancelPoll?.();
    this.#cancelPoll = this.#options.clock.after(wait, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    try {
      await this.#catchUp((events) => this.#options.receivePolled(events));
      this.#failedPolls = 0;
    } catch (error) {
      this.#failedPolls++;
      this.#options.failed(error);
    }
    // A socket that came meanwhile catches up by itself.
    if (this.#socket || this.#ended) return;
    this.#enter(this.#failedPolls ? "recovering" : "polling");
    const { clock, pollInterval } = this.#options;
    this.#pollLater(this.#failedPolls ? backoff(this.#failedPolls, clock) : pollInterval);
  }

  /** Polls everything behind the place that was reached, page by page. */
  #catchUp(receive: (events: readonly WireEvent[]) => void): Promise<void> {
    const run = async () => {
      for (let more = true; more && !this.#ended; ) {
        const { events, complete } = await this.#options.poll(this.#since);
        if (this.#ended) return;
        // The same gap is told once.
        if (!complete && this.#whole) this.#missed = true;
        this.#whole = complete;
        const hasMoved = this.#move(events, null);
        receive(events);
        more = hasMoved && events.length >= PAGE_EVENTS;
      }
    };
    const done = this.#polls.then(run);
    this.#polls = done.catch(() => {});
    return done;
  }

  /** Notes the place behind these events, by cursor or, where they were not recorded, by time; says whether it is known. */
  #move(events: readonly WireEvent[], timestamp: string | null): boolean {
    const position = events.at(-1)?.cursor ?? timestamp;
    if (!position) return false;
    this.#since = position;
    this.#whole = true;
    return true;
  }
}
