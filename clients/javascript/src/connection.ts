/**
 * How a node receives the messages of its group: over a WebSocket where one can be opened, and by polling
 * where none can. The change from one to the other neither loses nor repeats an event.
 *
 * ```text
 *                      socket subscribed
 *   connecting ─────────────────────────────────────────▶ live ◀──────────┐
 *       │                                            lost │ ▲             │
 *       │ no socket can be opened                         ▼ │ caught up   │ caught up
 *       │                                           recovering            │
 *       │                                     poll answers│ ▲             │
 *       │                                                 ▼ │ poll fails  │
 *       └─────────────────────────────────────────────▶ polling ──────────┘
 *
 *   any of them ── left, dissolved, GroupNotFound, NodeNotFound, Unauthorized ──▶ ended
 * ```
 *
 * - In `recovering` and `polling`, opening a socket is tried again and again, with pauses of {@link backoff}.
 * - A socket is used from `start_ack` on. Its messages wait until all earlier events were polled, from the
 *   last known position in the group's log. So no event is missing in between. An event that arrives both
 *   ways is dropped once by the receiver (see deduplicator.ts).
 * - Two polls never run at the same time, so the position only moves forward.
 */
import { backoff, type Cancel, type Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { jsonBytes } from "./size.js";
import type { Socket } from "./socket.js";
import { PAGE_EVENTS, type MeshMessage, type PollPage, type WireEvent } from "./wire.js";

/** How a session receives messages; see the diagram in connection.ts and in the README. */
export type State = "connecting" | "live" | "polling" | "recovering" | "ended";

/** A socket that is lost sooner than this after it went live counts as a failed try, in milliseconds. */
const STABLE_AFTER = 10_000;

/**
 * AppSync may lose messages for a moment after `start_ack`. So the same is asked for again this long after a
 * subscription began, in milliseconds.
 */
const CHECK_AFTER = 1_000;
/** The server ends a page before 100 events if it would be too large. Such a page is larger than this, in bytes. */
const LARGE_PAGE = 250_000;

/** What a connection is made with. */
export interface ConnectionOptions {
  readonly clock: Clock;
  /** Milliseconds from one poll to the next. */
  readonly pollInterval: number;
  /** Opens a socket that is subscribed to the group. */
  subscribe(): Promise<Socket>;
  /** Polls once. The values in the answer are applied before this returns. */
  poll(since: string): Promise<PollPage>;
  /** Asks for all nodes and values. */
  sync(): Promise<void>;
  /** Receives a live message. */
  receive(message: MeshMessage): void;
  /** Receives polled events. */
  receivePolled(events: readonly WireEvent[]): void;
  /** Called after every change of state. `recovered` is false when events were lost for good. */
  changed(state: State, recovered?: boolean): void;
  /** Called with every error. Ends the session if the error means that. */
  failed(error: unknown): void;
}

/** Receives the messages of one group for one node. */
export class Connection {
  readonly #options: ConnectionOptions;
  #state: State = "connecting";
  /** The position in the group's log up to which all events were received. */
  #since = "";
  /** Whether the log still had all events after that position when it was last polled. */
  #isComplete = true;
  /** Whether events were lost since the last call of `changed` with `recovered`. */
  #hasLost = false;
  #socket: Socket | undefined;
  #liveAt = 0;
  #failedSockets = 0;
  #failedPolls = 0;
  #cancelSocket: Cancel | undefined;
  #cancelPoll: Cancel | undefined;
  #cancelCheck: Cancel | undefined;
  /** The position at which the current subscription began, until the events since then are checked. */
  #unchecked: string | undefined;
  #polls: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Begins with a subscribed socket. Without a socket it begins with a poll, whose failure rejects.
   * `since` is a time by the server's clock: events fired before it are ignored.
   */
  async begin(socket: Socket | undefined, since: string): Promise<void> {
    this.#since = since;
    if (socket && !socket.closed) {
      this.#attach(socket);
      this.#goLive(socket);
      this.#checkLater(since, () => this.#options.sync());
    } else {
      // Events that were fired before this node joined are not for it.
      await this.#catchUp(() => {});
      this.#hasLost = false;
      this.#enter("polling");
      this.#pollLater(this.#options.pollInterval);
      this.#openLater();
    }
  }

  /** Opens a new socket at once. Called when the network may have changed, so earlier failures do not count. */
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
    this.#cancelCheck?.();
    this.#socket?.close();
  }

  /** Called when the server has published a message of this node. A dead socket is found by it. */
  expectMessage(sentAt: number): void {
    if (this.#state === "live") this.#socket?.expectMessage(sentAt);
  }

  get #ended(): boolean {
    return this.#state === "ended";
  }

  #enter(state: State): void {
    if (this.#ended) return;
    const isReceiving = state !== "recovering";
    if (this.#state === state && !(isReceiving && this.#hasLost)) return;
    this.#state = state;
    if (!isReceiving) return this.#options.changed(state);
    const recovered = !this.#hasLost;
    this.#hasLost = false;
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
    // Meanwhile the session may have ended, or `renew` may have opened another socket.
    if (this.#ended || this.#socket) return socket.close();
    this.#attach(socket);
    this.#cancelPoll?.();
    const since = this.#since;
    try {
      await this.#catchUp((events) => this.#options.receivePolled(events));
    } catch (error) {
      this.#options.failed(error);
      // Going live now would skip the events that could not be polled.
      return socket.close();
    }
    if (this.#socket !== socket) return;
    this.#goLive(socket);
    // Events that arrived live already are dropped as repeated ones.
    this.#checkLater(since, () => this.#pollPages(() => since, (events) => this.#options.receivePolled(events)));
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.onclose = () => this.#lost();
    // A socket that is already closed does not call `onclose` any more.
    if (socket.closed) this.#lost();
  }

  #goLive(socket: Socket): void {
    this.#liveAt = this.#options.clock.steady();
    this.#enter("live");
    socket.listen((message) => {
      if (message.batchEvent) this.#moveTo(message.batchEvent.events ?? [], message.batchEvent.timestamp);
      this.#options.receive(message);
    });
  }

  /** Checks what was received since the position at which the subscription began. */
  #checkLater(since: string, check: () => Promise<unknown>): void {
    const { clock, failed } = this.#options;
    const socket = this.#socket;
    this.#unchecked = since;
    this.#cancelCheck = clock.after(CHECK_AFTER, async () => {
      try {
        await check();
        if (this.#socket === socket) this.#unchecked = undefined;
      } catch (error) {
        failed(error);
        if (this.#socket === socket && !this.#ended) this.#checkLater(since, check);
      }
    });
  }

  #lost(): void {
    this.#socket = undefined;
    this.#cancelCheck?.();
    // Live messages moved the position, but without the check events before it may be missing.
    this.#since = this.#unchecked ?? this.#since;
    this.#unchecked = undefined;
    if (this.#ended) return;
    const wasStable = this.#state === "live" && this.#options.clock.steady() - this.#liveAt >= STABLE_AFTER;
    this.#failedSockets = wasStable ? 0 : this.#failedSockets + 1;
    if (this.#state === "live") this.#enter("recovering");
    this.#openLater();
    // Usually a new socket is open before this poll begins, and cancels it.
    this.#pollLater(this.#options.pollInterval);
  }

  // Polls.

  #pollLater(wait: number): void {
    this.#cancelPoll?.();
    this.#cancelPoll = this.#options.clock.after(wait, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    let retryAfter = 0;
    try {
      await this.#catchUp((events) => this.#options.receivePolled(events));
      this.#failedPolls = 0;
    } catch (error) {
      this.#failedPolls++;
      retryAfter = (error instanceof MeshError && error.retryAfter) || 0;
      this.#options.failed(error);
    }
    // A socket that was opened meanwhile polls by itself.
    if (this.#socket || this.#ended) return;
    this.#enter(this.#failedPolls ? "recovering" : "polling");
    const { clock, pollInterval } = this.#options;
    this.#pollLater(this.#failedPolls ? Math.max(backoff(this.#failedPolls, clock), retryAfter) : pollInterval);
  }

  /** Polls all events after the known position. */
  #catchUp(receive: (events: readonly WireEvent[]) => void): Promise<void> {
    return this.#pollPages(() => this.#since, (events, complete) => {
      // While the position stays, the server reports the same gap at every poll: it counts once.
      if (!complete && this.#isComplete) this.#hasLost = true;
      this.#isComplete = complete;
      this.#moveTo(events, null);
      receive(events);
    });
  }

  /** Polls all events after a position, page by page. The position is read when the polls before are done. */
  #pollPages(since: () => string, receive: (events: readonly WireEvent[], complete: boolean) => void): Promise<void> {
    const run = async () => {
      for (let next: string | null | undefined = since(); typeof next === "string"; ) {
        const { events, complete } = await this.#options.poll(next);
        if (this.#ended) return;
        receive(events, complete);
        const isFull = events.length >= PAGE_EVENTS || jsonBytes(events) > LARGE_PAGE;
        next = isFull ? events.at(-1)?.cursor : null;
      }
    };
    const done = this.#polls.then(run);
    this.#polls = done.catch(() => {});
    return done;
  }

  /**
   * Moves the position behind these events: to the last cursor, or to the given time where the events were
   * not recorded.
   */
  #moveTo(events: readonly WireEvent[], timestamp: string | null): void {
    const position = events.at(-1)?.cursor ?? timestamp;
    if (!position) return;
    this.#since = position;
    this.#isComplete = true;
  }
}
