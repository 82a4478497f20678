/** What a node knows about its group: the nodes and their values. */
import type { NodeStatus, WireNode } from "./wire.js";

/** A value of a node. */
export interface Value {
  readonly value: string;
  /** When the server stored it (ISO date-time); null while a value of this node is not stored yet. */
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

/** The ids of nodes that joined, left, or have another name now. */
export interface NodesChange {
  readonly joined: string[];
  readonly left: string[];
  readonly renamed: string[];
}

/** The nodes of the group and the newest known values of each. */
export class GroupState {
  readonly values = new Map<string, Map<string, Value>>();
  readonly nodes = new Map<string, MeshNode>();
  readonly #own: string;
  readonly #host: string | undefined;
  /** The step of {@link mark} in which each node was last active. */
  readonly #lastActive = new Map<string, number>();
  #step = 0;
  #change = noChange();

  /** The group state of the node `own`. `name` is its name, if the server has told it. */
  constructor(own: string, host: string | undefined, name?: string) {
    this.#own = own;
    this.#host = host;
    if (host) this.#addNode(host);
    this.#addNode(own, name);
  }

  /** Begins a new step. Nodes that are active from now on are newer than a list that is requested now. */
  mark(): number {
    return ++this.#step;
  }

  /** Applies values of a node, and returns those that changed. A value older than the known one is ignored. */
  applyStatus({ nodeId, data, timestamp: time }: NodeStatus): ValueChange[] {
    if (nodeId === null) return [];
    const timestamp = time ?? "";
    this.markActive(nodeId);
    const values = this.values.get(nodeId) ?? new Map<string, Value>();
    this.values.set(nodeId, values);
    return (data ?? []).flatMap(({ key, value }) => {
      const known = values.get(key);
      // Without a timestamp the known value is an own one that is not stored yet. Another value is older.
      const isOld = known && (known.timestamp === null ? known.value !== value : known.timestamp > timestamp);
      if (isOld) return [];
      values.set(key, { value, timestamp });
      return known?.value === value ? [] : [{ nodeId, key, value, timestamp }];
    });
  }

  /** Sets a value of this node, which the server has not stored yet. */
  setOwn(key: string, value: string): void {
    const values = this.values.get(this.#own) ?? new Map<string, Value>();
    this.values.set(this.#own, values.set(key, { value, timestamp: null }));
  }

  /** Removes a value of this node that the server refused. A newer value stays. */
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

  /** The newest timestamp of all values, or "". */
  newestTime(): string {
    const all = [...this.values.values()].flatMap((values) => [...values.values()]);
    return all.reduce((newest, { timestamp }) => (timestamp && timestamp > newest ? timestamp : newest), "");
  }

  /** Notes that something of this node was received. It is in the group, even if no list has shown it yet. */
  markActive(nodeId: string): void {
    this.#lastActive.set(nodeId, this.#step);
    this.#addNode(nodeId);
  }

  /** Applies the list of nodes that was requested at `mark`. Removes nodes that are not in it. */
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

  /** The changes of nodes since the last call; undefined if there are none. */
  takeNodesChange(): NodesChange | undefined {
    const change = this.#change;
    if (!change.joined.length && !change.left.length && !change.renamed.length) return undefined;
    this.#change = noChange();
    return change;
  }

  /** Adds a node, or changes its name if another one is given. */
  #addNode(id: string, name?: string): void {
    const known = this.nodes.get(id);
    if (known && (name === undefined || name === known.name)) return;
    this.nodes.set(id, { id, name: name ?? `Node ${id}`, isHost: id === this.#host });
    this.#change[known ? "renamed" : "joined"].push(id);
  }
}

function noChange(): NodesChange {
  return { joined: [], left: [], renamed: [] };
}

function isNewer(one: Value, other: Value): boolean {
  return other.timestamp !== null && (one.timestamp === null || one.timestamp > other.timestamp);
}
