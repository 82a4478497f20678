/** How applications receive a session's events: with listeners, or with `for await`. */
import { MeshError } from "./errors.js";
import type { AnySessionEvent, SessionEvents } from "./events.js";

/** All types of events of a session. */
const TYPES: readonly (keyof SessionEvents)[] = ["value", "event", "nodes", "state", "error", "ended"];

/** A listener for events with this detail. */
export type Listener<Detail> =
  | ((event: CustomEvent<Detail>) => void)
  | { handleEvent(event: CustomEvent<Detail>): void }
  | null;

/** An `EventTarget` for the events of a session that can also be iterated. */
export class Emitter extends EventTarget {
  readonly #streams = new Set<{ end(): void }>();
  #ended = false;

  /**
   * Calls `listener` with the detail of every event of this type. Returns a function that removes the
   * listener. Throws if there is no such type.
   */
  on<Type extends keyof SessionEvents>(type: Type, listener: (detail: SessionEvents[Type]) => void): () => void {
    if (!TYPES.includes(type)) throw new MeshError("ValidationError", `There is no event ${type}, but ${TYPES.join(", ")}`);
    const receive = (event: Event) => listener((event as CustomEvent<SessionEvents[Type]>).detail);
    this.addEventListener(type, receive);
    return () => this.removeEventListener(type, receive);
  }

  /** The details of one type of event, from now on until the session ends or `signal` is aborted. */
  stream<Type extends keyof SessionEvents>(
    type: Type,
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<SessionEvents[Type]> {
    return this.#stream([type], ({ detail }) => detail as SessionEvents[Type], options.signal);
  }

  /** All events, from now on until the session has ended. */
  [Symbol.asyncIterator](): AsyncIterableIterator<AnySessionEvent> {
    return this.#stream(TYPES, ({ type, detail }) => ({ type, detail }) as AnySessionEvent);
  }

  /** Calls listeners and fills streams. `ended` is the last event. @internal */
  emit<Type extends keyof SessionEvents>(type: Type, detail: SessionEvents[Type]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    if (type !== "ended") return;
    this.#ended = true;
    for (const stream of this.#streams) stream.end();
  }

  #stream<T>(types: readonly (keyof SessionEvents)[], item: (event: CustomEvent) => T, signal?: AbortSignal): Stream<T> {
    const push = (event: Event) => stream.push(item(event as CustomEvent));
    const end = () => stream.end();
    const stream = new Stream<T>(() => {
      for (const type of types) this.removeEventListener(type, push);
      signal?.removeEventListener("abort", end);
      this.#streams.delete(stream);
    });
    this.#streams.add(stream);
    for (const type of types) this.addEventListener(type, push);
    signal?.addEventListener("abort", end);
    if (this.#ended || signal?.aborted) stream.end();
    return stream;
  }
}

/** Types of listeners by the type of the event. */
export interface Emitter {
  addEventListener<Type extends keyof SessionEvents>(
    type: Type,
    listener: Listener<SessionEvents[Type]>,
    options?: AddEventListenerOptions | boolean,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Type extends keyof SessionEvents>(
    type: Type,
    listener: Listener<SessionEvents[Type]>,
    options?: EventListenerOptions | boolean,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: EventListenerOptions | boolean,
  ): void;
}

/** A queue of items: `push` adds one, `next` waits for one. */
export class Stream<T> implements AsyncIterableIterator<T> {
  readonly #close: () => void;
  #ready: T[] = [];
  #awaiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;

  /** `close` is called once, when either side ends the stream. */
  constructor(close: () => void) {
    this.#close = close;
  }

  /** Adds an item. */
  push(value: T): void {
    if (this.#ended) return;
    const next = this.#awaiting.shift();
    if (next) next({ value, done: false });
    else this.#ready.push(value);
  }

  /** Accepts no more items. Those in the queue can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const next of this.#awaiting.splice(0)) next({ value: undefined, done: true });
    this.#close();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ready.length) return Promise.resolve({ value: this.#ready.shift()!, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((next) => this.#awaiting.push(next));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#ready = [];
    this.end();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
