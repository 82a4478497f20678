import type { Cancel, Clock } from "./clock.js";
import type { WireEvent } from "./wire.js";

/** No event is held back longer than this, in milliseconds, whatever its nodeId's clock says. */
export const LONGEST_SPAN = 10_000;
/** Events that are due within this time are played together: a quarter of a frame, in milliseconds. */
const CLOSE_ENOUGH = 4;

/** An event and the node that fired it. */
export interface ReceivedEvent {
  readonly nodeId: string;
  readonly event: WireEvent;
}

/** An event with the steady time at which it is to be played. */
export interface ScheduledEvent extends ReceivedEvent {
  readonly due: number;
}

/**
 * When to play events that arrived together at `arrival`, in the order of the server's log.
 *
 * A run of events of one nodeId is a batch: ordered by time, then by order key, and played with the
 * offsets from its first event. Clocks of different senders are never compared; but runs begin in the
 * log's order, and a nodeId's events never overtake each other. `lastDue` holds when each nodeId's last
 * event is due, and is kept up to date here.
 */
export function schedule(received: readonly ReceivedEvent[], arrival: number, lastDue: Map<string, number>): ScheduledEvent[] {
  const timed: ScheduledEvent[] = [];
  const anchors = new Map<string, { firedAt: number; due: number }>();
  let runBegin = arrival;
  for (const run of runs(received)) {
    const { nodeId, event } = run[0]!;
    const firedAt = timeOf(event);
    const anchor = anchors.get(nodeId);
    const natural = anchor ? anchor.due + (firedAt - anchor.firedAt) : arrival;
    const latest = arrival + LONGEST_SPAN;
    const begin = Math.min(latest, Math.max(natural, runBegin, lastDue.get(nodeId) ?? arrival));
    for (const { event } of run) {
      const due = Math.min(latest, begin + (timeOf(event) - firedAt));
      timed.push({ nodeId, event, due });
      lastDue.set(nodeId, due);
    }
    anchors.set(nodeId, { firedAt, due: begin });
    runBegin = begin;
  }
  return timed;
}

/** Splits events into runs of one nodeId each, every run in the order of firing. */
function runs(received: readonly ReceivedEvent[]): ReceivedEvent[][] {
  const runs: ReceivedEvent[][] = [];
  for (const one of received) {
    const run = runs.at(-1);
    if (run?.[0]!.nodeId === one.nodeId) run.push(one);
    else runs.push([one]);
  }
  for (const run of runs) run.sort((one, other) => inOrder(one.event, other.event));
  return runs;
}

function inOrder(one: WireEvent, other: WireEvent): number {
  const apart = timeOf(one) - timeOf(other);
  if (apart || one.orderKey === null || other.orderKey === null || one.orderKey === other.orderKey) return apart;
  return one.orderKey < other.orderKey ? -1 : 1;
}

function timeOf(event: WireEvent): number {
  return Date.parse(event.timestamp ?? "") || 0;
}

/** Plays events with the offsets that they were fired with. */
export class Replay {
  readonly #clock: Clock;
  readonly #play: (received: ReceivedEvent) => void;
  readonly #lastDue = new Map<string, number>();
  /** In the order of playing. */
  #waiting: ScheduledEvent[] = [];
  #cancel: Cancel | undefined;

  constructor(clock: Clock, play: (received: ReceivedEvent) => void) {
    this.#clock = clock;
    this.#play = play;
  }

  /** Takes events that just arrived together; what is due is played before this returns. */
  add(received: readonly ReceivedEvent[]): void {
    this.#waiting.push(...schedule(received, this.#clock.steady(), this.#lastDue));
    // Stable, and nearly sorted already.
    this.#waiting.sort((one, other) => one.due - other.due);
    this.#playUntil(() => this.#clock.steady() + CLOSE_ENOUGH);
  }

  /** Plays everything that waits at once. */
  flush(): void {
    this.#playUntil(() => Infinity);
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#cancel?.();
    this.#waiting = [];
  }

  #playUntil(time: () => number): void {
    this.#cancel?.();
    for (let next; (next = this.#waiting[0]) && next.due <= time(); ) {
      // Taken before it is played: who hears it may end the session, or wait for the next one.
      this.#waiting.shift();
      this.#play(next);
    }
    const [next] = this.#waiting;
    if (!next) return this.#lastDue.clear();
    this.#cancel?.();
    const wait = Math.max(0, next.due - CLOSE_ENOUGH - this.#clock.steady());
    this.#cancel = this.#clock.after(wait, () => this.#playUntil(() => this.#clock.steady() + CLOSE_ENOUGH));
  }
}
