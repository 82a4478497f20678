import type { Api } from "./api.js";
import type { Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { Outbox } from "./outbox.js";
import type { GroupState } from "./group-state.js";
import { Reporter } from "./reporter.js";
import { batchMessageSize, MAX_MESSAGE_BYTES, reportMessageSize, type MessageSize } from "./size.js";
import { stamper } from "./stamp.js";
import { FIRE_EVENTS, RECORD_EVENTS, REPORT_DATA, type EventInput, type NodeRef, type KeyValue } from "./wire.js";

/** What can be set or sent: everything travels as text. */
export type Scalar = string | number | boolean;

/** The most characters of a key. */
const KEY_CHARACTERS = 256;

/** How long a node gathers what it sends, in milliseconds. */
export interface SenderIntervals {
  readonly eventInterval: number;
  readonly dataInterval: number;
}

/** What a node's sending works with. */
export interface SenderOptions extends SenderIntervals {
  readonly api: Api;
  readonly clock: Clock;
  readonly me: NodeRef;
  readonly groupState: GroupState;
  /** Aborted when nothing more is to be sent. */
  readonly signal: AbortSignal;
  /** Whether this node hears its group by polling. */
  polls(): boolean;
  /** Told what will never be sent. */
  refused(error: unknown, what: { events: EventInput[] } | { data: KeyValue[] }): void;
}

/** What a node says: its values and its events, the events after the values that were set before them. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #stamp: () => { firedAt: string; orderKey: string };
  readonly #reportMessageSize: MessageSize<KeyValue>;
  readonly #reporter: Reporter;
  readonly #outbox: Outbox;

  constructor(options: SenderOptions) {
    const { clock, me, eventInterval, dataInterval } = options;
    this.#options = options;
    this.#stamp = stamper(() => clock.now());
    this.#reportMessageSize = reportMessageSize(me);
    this.#reporter = new Reporter({
      clock,
      interval: dataInterval,
      size: this.#reportMessageSize,
      send: (data) => this.#report(data),
    });
    this.#outbox = new Outbox({
      clock,
      interval: eventInterval,
      size: batchMessageSize(me),
      before: () => this.#reporter.settled(),
      send: (events) => this.#fire(events),
    });
  }

  /** Takes values, all or, if one of them cannot be sent, none. */
  set(values: Iterable<readonly [string, Scalar]>): void {
    const items = Array.from(values, ([key, value]) => ({ key, value: String(value) }));
    for (const item of items) this.#check(item);
    for (const { key, value } of items) if (this.#reporter.set(key, value)) this.#options.groupState.setOwn(key, value);
  }

  /** Takes an event, with the time at which that happens. */
  fire(name: string, payload: Scalar | null): void {
    this.#outbox.add({ eventName: name, payload: payload === null ? null : String(payload), ...this.#stamp() });
  }

  /** Sends at once; done when everything that was taken by now is answered. */
  async flush(): Promise<void> {
    await Promise.all([this.#reporter.settled(), this.#outbox.flush()]);
  }

  /** Forgets what was not sent. */
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
    const { api, me, groupState, signal } = this.#options;
    try {
      const { reportDataByNode } = await api.callUntilAnswered(REPORT_DATA, { ...me, data }, signal);
      if (reportDataByNode) groupState.applyStatus(reportDataByNode.nodeStatus);
    } catch (error) {
      for (const { key, value } of data) groupState.revertOwn(key, value);
      this.#options.refused(error, { data });
      throw error;
    }
  }

  async #fire(events: EventInput[]): Promise<void> {
    const { api, me, signal } = this.#options;
    // The same operation at every try: a recorded call is known again, a fired one by who hears it.
    const operation = this.#options.polls() ? RECORD_EVENTS : FIRE_EVENTS;
    try {
      await api.callUntilAnswered(operation, { ...me, events }, signal);
    } catch (error) {
      this.#options.refused(error, { events });
    }
  }
}
