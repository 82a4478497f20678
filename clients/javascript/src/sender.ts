/** Sends what a node sets and fires. */
import type { Api } from "./api.js";
import type { Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import type { GroupState } from "./group-state.js";
import { Outbox } from "./outbox.js";
import { Reporter } from "./reporter.js";
import { batchMessageSize, MAX_MESSAGE_BYTES, reportMessageSize, type MessageSize } from "./size.js";
import { stamper } from "./stamp.js";
import { eventNameOf, keyOf, pairsOf, textOf } from "./values.js";
import { FIRE_EVENTS, RECORD_EVENTS, REPORT_DATA, type AsNode, type EventInput, type KeyValue } from "./wire.js";

/** How long values and events are collected before they are sent, in milliseconds. */
export interface SenderIntervals {
  readonly eventInterval: number;
  readonly dataInterval: number;
}

/** What a sender is made with. */
export interface SenderOptions extends SenderIntervals {
  readonly api: Api;
  readonly clock: Clock;
  readonly self: AsNode;
  readonly groupState: GroupState;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** Whether this node receives messages by polling. */
  polls(): boolean;
  /** Called when the server has published a message of this node. `sentAt` is by `clock.steady`. */
  published(sentAt: number): void;
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
      send: (take) => this.#report(take),
    });
    this.#outbox = new Outbox({
      clock,
      interval: eventInterval,
      size: batchMessageSize(self),
      before: () => this.#reporter.settled(),
      send: (events) => this.#fire(events),
    });
  }

  /** Sets values, from an object, a `Map` or pairs. If one of them cannot be sent, it throws and sets none. */
  set(values: unknown): void {
    const items = pairsOf(values).map(([key, value]) => this.#checked(key, value));
    for (const { key, value } of items) if (this.#reporter.set(key, value)) this.#options.groupState.setOwn(key, value);
  }

  /** Fires an event with the current time. */
  fire(name: unknown, payload: unknown): void {
    const eventName = eventNameOf(name);
    const text = payload === null || payload === undefined ? null : textOf("The payload of an event", payload);
    this.#outbox.add({ eventName, payload: text, ...this.#stamp() });
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

  #checked(key: unknown, given: unknown): KeyValue {
    const item = { key: keyOf(key), value: textOf("A value", given) };
    const { empty, of } = this.#reportMessageSize;
    const excess = empty + of(item) - MAX_MESSAGE_BYTES;
    if (excess > 0) throw new MeshError("ValidationError", `The value is ${excess} bytes too large (240 KB are allowed)`);
    return item;
  }

  /** Sends a report. `take` returns the values of each try, so that a later try sends the newest ones. */
  async #report(take: () => KeyValue[]): Promise<void> {
    const { api, clock, self, groupState, signal, published } = this.#options;
    let data: KeyValue[] = [];
    let sentAt = 0;
    const variables = () => {
      data = take();
      sentAt = clock.steady();
      return { ...self, data };
    };
    try {
      const { reportDataByNode } = await api.callUntilAnswered(REPORT_DATA, variables, signal);
      if (reportDataByNode) groupState.applyStatus(reportDataByNode.nodeStatus);
      published(sentAt);
    } catch (error) {
      for (const { key, value } of data) groupState.revertOwn(key, value);
      this.#options.refused(error, { data });
      throw error;
    }
  }

  async #fire(events: EventInput[]): Promise<void> {
    const { api, clock, self, signal, polls, published } = this.#options;
    // Every try uses the same operation: the server knows a repeated record call, receivers know repeated events.
    const operation = polls() ? RECORD_EVENTS : FIRE_EVENTS;
    let sentAt = 0;
    const variables = () => {
      sentAt = clock.steady();
      return { ...self, events };
    };
    try {
      await api.callUntilAnswered(operation, variables, signal);
      published(sentAt);
    } catch (error) {
      this.#options.refused(error, { events });
    }
  }
}
