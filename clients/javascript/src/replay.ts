/** Plays received events at the right time. */
import type { Cancel, Clock } from "./clock.js";
import type { WireEvent } from "./wire.js";

/** The longest time for which an event waits, in milliseconds, even if the clock of its node is wrong. */
export const LONGEST_SPAN = 10_000;
/** Events that are due within this time are played together, in milliseconds: a quarter of a frame. */
const CLOSE_ENOUGH = 4;

/** An event and the node that fired it. */
export interface ReceivedEvent {
  readonly nodeId: string;
  readonly event: WireEvent;
}

/** An event with the time at which it is played, by `clock.steady`. */
export interface ScheduledEvent extends ReceivedEvent {
  readonly due: number;
}

/**
 * Decides when to play events that arrived together at `arrival`. They are in the order of the server's log.
 *
 * Successive events of one node are a run. Its events are ordered by time, then by order key, and keep
 * their distance from the first event of the run. Clocks of different nodes are never compared. But runs
 * begin in the order of the log, and the events of one node stay in order. `lastDue` holds the time of each
 * node's last event, and is updated here.
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

/** Splits events into runs of one node each, and sorts every run by the time of firing. */
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

/** Plays events with the intervals in which they were fired. */
export class Replay {
  readonly #clock: Clock;
  readonly #play: (received: ReceivedEvent) => void;
  readonly #lastDue = new Map<string, number>();
  /** Sorted by `due`. */
  #waiting: ScheduledEvent[] = [];
  #cancel: Cancel | undefined;

  constructor(clock: Clock, play: (received: ReceivedEvent) => void) {
    this.#clock = clock;
    this.#play = play;
  }

  /** Adds events that arrived together. Those that are due are played before this returns. */
  add(received: readonly ReceivedEvent[]): void {
    this.#waiting.push(...schedule(received, this.#clock.steady(), this.#lastDue));
    // `sort` is stable: events with the same time keep their order.
    this.#waiting.sort((one, other) => one.due - other.due);
    this.#playUntil(() => this.#clock.steady() + CLOSE_ENOUGH);
  }

  /** Plays all waiting events at once. */
  flush(): void {
    this.#playUntil(() => Infinity);
  }

  /** Drops all waiting events. */
  clear(): void {
    this.#cancel?.();
    this.#waiting = [];
  }

  #playUntil(time: () => number): void {
    this.#cancel?.();
    for (let next; (next = this.#waiting[0]) && next.due <= time(); ) {
      // Removed before it is played, because the listener may end the session.
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
