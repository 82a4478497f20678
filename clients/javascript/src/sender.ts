/** Sends what a node sets and fires. */
import type { Api } from "./api.js";
import type { Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { Outbox } from "./outbox.js";
import type { GroupState } from "./group-state.js";
import { Reporter } from "./reporter.js";
import { batchMessageSize, MAX_MESSAGE_BYTES, reportMessageSize, type MessageSize } from "./size.js";
import { stamper } from "./stamp.js";
import { FIRE_EVENTS, RECORD_EVENTS, REPORT_DATA, type EventInput, type NodeRef, type KeyValue } from "./wire.js";

/** What can be set or fired. It is sent as text. */
export type Scalar = string | number | boolean;

/** How many characters a key may have. */
const KEY_CHARACTERS = 256;

/** How long values and events are collected before they are sent, in milliseconds. */
export interface SenderIntervals {
  readonly eventInterval: number;
  readonly dataInterval: number;
}

/** What a sender is made with. */
export interface SenderOptions extends SenderIntervals {
  readonly api: Api;
  readonly clock: Clock;
  readonly self: NodeRef;
  readonly groupState: GroupState;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** Whether this node receives messages by polling. */
  polls(): boolean;
  /** Called with values or events that the server refused. They are not sent again. */
  refused(error: unknown, what: { events: EventInput[] } | { data: KeyValue[] }): void;
}

/** Sends a node's values and events. An event is sent after all values that were set before it. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #stamp: () => { firedAt: string; orderKey: string };
  readonly #reportMessageSize: MessageSize<KeyValue>;
  readonly #reporter: Reporter;
  readonly #outbox: Outbox;

  constructor(options: SenderOptions) {
    const { clock, self, eventInterval, dataInterval } = options;
    this.#options = options;
    this.#stamp = stamper(() => clock.now());
    this.#reportMessageSize = reportMessageSize(self);
    this.#reporter = new Reporter({
      clock,
      interval: dataInterval,
      size: this.#reportMessageSize,
      send: (data) => this.#report(data),
    });
    this.#outbox = new Outbox({
      clock,
      interval: eventInterval,
      size: batchMessageSize(self),
      before: () => this.#reporter.settled(),
      send: (events) => this.#fire(events),
    });
  }

  /** Sets values. If one of them cannot be sent, it throws and sets none. */
  set(values: Iterable<readonly [string, Scalar]>): void {
    const items = Array.from(values, ([key, value]) => ({ key, value: String(value) }));
    for (const item of items) this.#check(item);
    for (const { key, value } of items) if (this.#reporter.set(key, value)) this.#options.groupState.setOwn(key, value);
  }

  /** Fires an event with the current time. */
  fire(name: string, payload: Scalar | null): void {
    this.#outbox.add({ eventName: name, payload: payload === null ? null : String(payload), ...this.#stamp() });
  }

  /** Sends at once. Resolves when everything that was set and fired before is answered. */
  async flush(): Promise<void> {
    await Promise.all([this.#reporter.settled(), this.#outbox.flush()]);
  }

  /** Drops what was not sent. */
  clear(): void {
    this.#outbox.clear();
    this.#reporter.clear();
  }

  #check(item: KeyValue): void {
    const characters = [...item.key].length;
    if (characters < 1 || characters > KEY_CHARACTERS) {
      throw new MeshError("ValidationError", `A key must have 1 to ${KEY_CHARACTERS} characters`);
    }
    const { empty, of } = this.#reportMessageSize;
    const excess = empty + of(item) - MAX_MESSAGE_BYTES;
    if (excess > 0) throw new MeshError("ValidationError", `The value is ${excess} bytes too large (240 KB are allowed)`);
  }

  async #report(data: KeyValue[]): Promise<void> {
    const { api, self, groupState, signal } = this.#options;
    try {
      const { reportDataByNode } = await api.callUntilAnswered(REPORT_DATA, { ...self, data }, signal);
      if (reportDataByNode) groupState.applyStatus(reportDataByNode.nodeStatus);
    } catch (error) {
      for (const { key, value } of data) groupState.revertOwn(key, value);
      this.#options.refused(error, { data });
      throw error;
    }
  }

  async #fire(events: EventInput[]): Promise<void> {
    const { api, self, signal } = this.#options;
    // Every try uses the same operation: the server knows a repeated record call, receivers know repeated events.
    const operation = this.#options.polls() ? RECORD_EVENTS : FIRE_EVENTS;
    try {
      await api.callUntilAnswered(operation, { ...self, events }, signal);
    } catch (error) {
      this.#options.refused(error, { events });
    }
  }
}
