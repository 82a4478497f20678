/** Heartbeats, which keep a node in its group, and the regular sync of the group state. */
import type { Api } from "./api.js";
import { sleep, type Clock } from "./clock.js";
import type { GroupState } from "./group-state.js";
import type { Receiver } from "./receiver.js";
import { MEMBER_HEARTBEAT, RENEW_HEARTBEAT, SYNC, type GroupRef } from "./wire.js";

/** The server is asked whether the group has ended this long after its expected end, in milliseconds. */
const EXPIRY_SLACK = 1_000;

/** The node that sends heartbeats, and the intervals. */
export interface HeartbeatSettings {
  readonly api: Api;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly isHost: boolean;
  /** The node's secret; undefined if the server knows no secrets. */
  readonly secret: string | undefined;
  /** Seconds until the first heartbeat. The answer of each heartbeat may change them. */
  readonly heartbeatSeconds: number;
  /** Milliseconds from one sync to the next; 0 for none. */
  readonly syncInterval: number;
  /** Milliseconds until the group ends, where that is known. */
  readonly lifeLeft: number | undefined;
}

/** What heartbeats are made with. */
export interface HeartbeatOptions extends HeartbeatSettings {
  readonly groupRef: GroupRef;
  readonly groupState: GroupState;
  readonly receiver: Receiver;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** Called with every error. */
  failed(error: unknown): void;
}

/** Sends the heartbeats of a node, and syncs its group state. */
export class Heartbeats {
  readonly #options: HeartbeatOptions;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Asks the server for all nodes and values of the group. */
  async sync(tries: number): Promise<void> {
    const { api, groupRef, groupState, receiver, signal } = this.#options;
    const mark = groupState.mark();
    const answer = await api.callUntilAnswered(SYNC, groupRef, signal, tries);
    groupState.applyNodeList(answer.listNodesInGroup, mark);
    receiver.receiveValues(answer.listGroupStatuses);
  }

  /** Sends heartbeats and syncs until the session ends. */
  start(): void {
    const { clock, heartbeatSeconds, lifeLeft, syncInterval } = this.#options;
    // A heartbeat shortly after the expected end: its answer says whether the group has really ended.
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

  /** Calls `act` again and again. It returns the milliseconds until its next call. */
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

  /** Sends a heartbeat, and returns the seconds until the next one. */
  async #beat(): Promise<number | null> {
    const { api, groupRef, nodeId, isHost, secret, signal } = this.#options;
    if (isHost) {
      const answer = await api.callUntilAnswered(RENEW_HEARTBEAT, { ...groupRef, hostId: nodeId, secret }, signal);
      return answer.renewHeartbeat.heartbeatIntervalSeconds;
    }
    const answer = await api.callUntilAnswered(MEMBER_HEARTBEAT, { ...groupRef, nodeId, secret }, signal);
    return answer.sendMemberHeartbeat.heartbeatIntervalSeconds;
  }
}
