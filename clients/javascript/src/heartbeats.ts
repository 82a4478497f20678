import type { Api } from "./api.js";
import { sleep, type Clock } from "./clock.js";
import type { Receiver } from "./receiver.js";
import type { GroupState } from "./group-state.js";
import { SYNC, MEMBER_HEARTBEAT, RENEW_HEARTBEAT, type GroupRef } from "./wire.js";

/** The end of a group is asked about this long after it should have come, in milliseconds. */
const EXPIRY_SLACK = 1_000;

/** Who attends, and how often that is said. */
export interface HeartbeatSettings {
  readonly api: Api;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly isHost: boolean;
  /** Seconds until the first heartbeat; each one's answer may change them. */
  readonly heartbeatSeconds: number;
  /** Milliseconds from one look around to the next; 0 for none. */
  readonly syncInterval: number;
  /** Milliseconds until the group ends, where that is known. */
  readonly lifeLeft: number | undefined;
}

/** What attendance works with. */
export interface HeartbeatOptions extends HeartbeatSettings {
  readonly groupRef: GroupRef;
  readonly groupState: GroupState;
  readonly receiver: Receiver;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** Told what went wrong. */
  failed(error: unknown): void;
}

/** Stays in the group, and knows who else does: heartbeats, and looking around every now and then. */
export class Heartbeats {
  readonly #options: HeartbeatOptions;

  constructor(ports: HeartbeatOptions) {
    this.#options = ports;
  }

  /** Asks who is there, and for everybody's values. */
  async sync(tries: number): Promise<void> {
    const { api, groupRef, groupState, receiver, signal } = this.#options;
    const mark = groupState.mark();
    const answer = await api.callUntilAnswered(SYNC, groupRef, signal, tries);
    groupState.applyNodeList(answer.listNodesInGroup, mark);
    receiver.receiveValues(answer.listGroupStatuses);
  }

  /** Keeps at it until the session ends. */
  start(): void {
    const { clock, heartbeatSeconds, lifeLeft, syncInterval } = this.#options;
    // Whether the group is really over by then, the server says.
    const expiry = clock.steady() + (lifeLeft ?? Infinity) + EXPIRY_SLACK;
    const untilBeat = (seconds: number) => Math.max(EXPIRY_SLACK, Math.min(seconds * 1_000, expiry - clock.steady()));
    let seconds = heartbeatSeconds;
    void this.#repeat(untilBeat(seconds), async () => {
      seconds = (await this.#beat()) ?? seconds;
      return untilBeat(seconds);
    });
    if (!syncInterval) return;
    void this.#repeat(syncInterval, async () => {
      await this.sync(1);
      return syncInterval;
    });
  }

  /** Does something again and again; it answers the milliseconds until the next time. */
  async #repeat(wait: number, act: () => Promise<number>): Promise<void> {
    const { clock, signal, failed } = this.#options;
    while (!signal.aborted) {
      try {
        await sleep(clock, wait, signal);
        wait = await act();
      } catch (error) {
        failed(error);
      }
    }
  }

  /** Sends a heartbeat; answers the seconds until the next one. */
  async #beat(): Promise<number | null | undefined> {
    const { api, groupRef, nodeId, isHost, signal } = this.#options;
    const { renewHeartbeat, sendMemberHeartbeat } = isHost
      ? await api.callUntilAnswered(RENEW_HEARTBEAT, { ...groupRef, hostId: nodeId }, signal)
      : await api.callUntilAnswered(MEMBER_HEARTBEAT, { ...groupRef, nodeId }, signal);
    return (renewHeartbeat ?? sendMemberHeartbeat)?.heartbeatIntervalSeconds;
  }
}
