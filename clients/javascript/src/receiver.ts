/** Handles everything that a node receives from its group, by WebSocket or by polling. */
import type { Clock } from "./clock.js";
import { Deduplicator } from "./deduplicator.js";
import type { SessionEvents } from "./events.js";
import type { GroupState } from "./group-state.js";
import { Replay, type ReceivedEvent } from "./replay.js";
import type { NodeStatus, WireEvent } from "./wire.js";

/** Calls the session's listeners. */
export type Emit = <Type extends keyof SessionEvents>(type: Type, detail: SessionEvents[Type]) => void;

/** Updates the group state, and emits what changed: each event once, with its original timing. */
export class Receiver {
  readonly #nodeId: string;
  readonly #groupState: GroupState;
  readonly #emit: Emit;
  readonly #deduplicator: Deduplicator;
  readonly #replay: Replay;

  constructor(nodeId: string, groupState: GroupState, clock: Clock, emit: Emit) {
    this.#nodeId = nodeId;
    this.#groupState = groupState;
    this.#emit = emit;
    this.#deduplicator = new Deduplicator();
    this.#replay = new Replay(clock, (received) => this.#play(received));
  }

  /** Receives values. */
  receiveValues(statuses: readonly NodeStatus[]): void {
    const changes = statuses.flatMap((status) => this.#groupState.applyStatus(status));
    this.emitNodesChange();
    for (const change of changes) if (change.nodeId !== this.#nodeId) this.#emit("value", change);
  }

  /**
   * Receives events. Own events and repeated ones are ignored. `firedBy` is the batch's node, for events
   * that do not name their own.
   */
  receiveEvents(events: readonly WireEvent[], firedBy: string | null): void {
    const received: ReceivedEvent[] = [];
    for (const event of events) {
      const nodeId = event.firedByNodeId ?? firedBy;
      if (nodeId === null || nodeId === this.#nodeId || !this.#deduplicator.isNew(nodeId, event)) continue;
      this.#groupState.markActive(nodeId);
      received.push({ nodeId, event });
    }
    this.emitNodesChange();
    this.#replay.add(received);
  }

  /** Emits which nodes joined and left, if any did. */
  emitNodesChange(): void {
    const change = this.#groupState.takeNodesChange();
    if (change) this.#emit("nodes", change);
  }

  /** Plays the events that still wait at once, or drops them. */
  end(playRest: boolean): void {
    if (playRest) this.#replay.flush();
    this.#replay.clear();
  }

  #play({ nodeId, event: { name, payload, timestamp } }: ReceivedEvent): void {
    this.#emit("event", { name: name ?? "", payload, nodeId, firedAt: timestamp });
  }
}
