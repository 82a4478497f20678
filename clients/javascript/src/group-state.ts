import type { NodeStatus, WireNode } from "./wire.js";

/** A value of a node. */
export interface Value {
  readonly value: string;
  /** When the server took it (ISO date-time); null while a value of this node is on its way there. */
  readonly timestamp: string | null;
}

/** A node of the group. */
export interface MeshNode {
  readonly id: string;
  readonly name: string;
  readonly isHost: boolean;
}

/** A value that changed. */
export interface ValueChange extends Value {
  readonly nodeId: string;
  readonly key: string;
}

/** Nodes that came and went. */
export interface NodesChange {
  readonly joined: string[];
  readonly left: string[];
}

/** What this node knows of the group: who is in it, and everybody's values. */
export class GroupState {
  readonly values = new Map<string, Map<string, Value>>();
  readonly nodes = new Map<string, MeshNode>();
  readonly #own: string;
  readonly #host: string | undefined;
  /** When each node was last heard, in steps of {@link mark}. */
  readonly #lastActive = new Map<string, number>();
  #step = 0;
  #change: NodesChange = { joined: [], left: [] };

  constructor(own: string, host: string | undefined) {
    this.#own = own;
    this.#host = host;
    if (host) this.#addNode(host);
    this.#addNode(own);
  }

  /** A moment, for {@link applyNodeList}: what is heard from now on is newer than a list asked for now. */
  mark(): number {
    return ++this.#step;
  }

  /** Takes a node's values; returns those that changed. Older ones than are known change nothing. */
  applyStatus({ nodeId, data, timestamp: time }: NodeStatus): ValueChange[] {
    if (nodeId === null) return [];
    const timestamp = time ?? "";
    this.markActive(nodeId);
    const values = this.values.get(nodeId) ?? new Map<string, Value>();
    this.values.set(nodeId, values);
    return (data ?? []).flatMap(({ key, value }) => {
      const known = values.get(key);
      // The server's word on an own value that has been replaced since is no news.
      const isOld = known && (known.timestamp === null ? known.value !== value : known.timestamp > timestamp);
      if (isOld) return [];
      values.set(key, { value, timestamp });
      return known?.value === value ? [] : [{ nodeId, key, value, timestamp }];
    });
  }

  /** Takes a value of this node itself, which the server does not have yet. */
  setOwn(key: string, value: string): void {
    const values = this.values.get(this.#own) ?? new Map<string, Value>();
    this.values.set(this.#own, values.set(key, { value, timestamp: null }));
  }

  /** Forgets a value of this node that the server refused. */
  revertOwn(key: string, value: string): void {
    const values = this.values.get(this.#own);
    const known = values?.get(key);
    if (known?.timestamp === null && known.value === value) values?.delete(key);
  }

  /** The newest value of a key over all nodes. */
  newest(key: string): string | undefined {
    let newest: Value | undefined;
    for (const values of this.values.values()) {
      const value = values.get(key);
      if (value && (!newest || isNewer(value, newest))) newest = value;
    }
    return newest?.value;
  }

  /** The newest time of the server's that any value has, or "". */
  newestTime(): string {
    const all = [...this.values.values()].flatMap((values) => [...values.values()]);
    return all.reduce((newest, { timestamp }) => (timestamp && timestamp > newest ? timestamp : newest), "");
  }

  /** Notes that a node spoke: it is there, whether it was listed or not. */
  markActive(nodeId: string): void {
    this.#lastActive.set(nodeId, this.#step);
    this.#addNode(nodeId);
  }

  /** Takes the list of nodes that was asked for at `mark`, and forgets whoever is not in it. */
  applyNodeList(listed: readonly WireNode[], mark: number): void {
    const present = new Set([this.#own, this.#host]);
    for (const { id, name } of listed) {
      present.add(id);
      this.#addNode(id, name);
    }
    for (const id of this.nodes.keys()) {
      if (present.has(id) || (this.#lastActive.get(id) ?? 0) >= mark) continue;
      for (const known of [this.nodes, this.values, this.#lastActive]) known.delete(id);
      this.#change.left.push(id);
    }
  }

  /** The nodes that came and went since this was last asked, if any did. */
  takeNodesChange(): NodesChange | undefined {
    const change = this.#change;
    if (!change.joined.length && !change.left.length) return undefined;
    this.#change = { joined: [], left: [] };
    return change;
  }

  #addNode(id: string, name = `Node ${id}`): void {
    if (this.nodes.has(id)) return;
    this.nodes.set(id, { id, name, isHost: id === this.#host });
    this.#change.joined.push(id);
  }
}

function isNewer(one: Value, other: Value): boolean {
  return other.timestamp !== null && (one.timestamp === null || one.timestamp > other.timestamp);
}
