import type { Clock } from "./clock.js";
import type { SessionEvents } from "./events.js";
import type { Picture } from "./picture.js";
import { Repeats } from "./repeats.js";
import { Replay, type Heard } from "./replay.js";
import type { NodeStatus, WireEvent } from "./wire.js";

/** Tells the session's listeners. */
export type Tell = <Type extends keyof SessionEvents>(type: Type, detail: SessionEvents[Type]) => void;

/** What a node makes of what it hears, by whatever way that came. */
export class Hearing {
  readonly #nodeId: string;
  readonly #picture: Picture;
  readonly #tell: Tell;
  readonly #repeats: Repeats;
  readonly #replay: Replay;

  constructor(nodeId: string, picture: Picture, clock: Clock, tell: Tell) {
    this.#nodeId = nodeId;
    this.#picture = picture;
    this.#tell = tell;
    this.#repeats = new Repeats();
    this.#replay = new Replay(clock, (heard) => this.#play(heard));
  }

  /** Hears values. */
  values(statuses: readonly NodeStatus[]): void {
    const changes = statuses.flatMap((status) => this.#picture.take(status));
    this.moves();
    for (const change of changes) if (change.nodeId !== this.#nodeId) this.#tell("value", change);
  }

  /** Hears events: others', and each once. `firedBy` counts where an event does not say who fired it. */
  events(events: readonly WireEvent[], firedBy: string | null): void {
    const heard: Heard[] = [];
    for (const event of events) {
      const sender = event.firedByNodeId ?? firedBy;
      if (sender === null || sender === this.#nodeId || !this.#repeats.isNew(sender, event)) continue;
      this.#picture.heard(sender);
      heard.push({ sender, event });
    }
    this.moves();
    this.#replay.add(heard);
  }

  /** Tells which nodes came and went. */
  moves(): void {
    const moves = this.#picture.moves();
    if (moves) this.#tell("nodes", moves);
  }

  /** Plays what still waits at once, or forgets it. */
  end(playRest: boolean): void {
    if (playRest) this.#replay.flush();
    this.#replay.clear();
  }

  #play({ sender, event: { name, payload, timestamp } }: Heard): void {
    this.#tell("event", { name: name ?? "", payload, nodeId: sender, firedAt: timestamp });
  }
}
