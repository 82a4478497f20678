/**
 * The ids and secrets of this program's nodes. They are kept, so that a page continues as the same node when
 * it is reloaded.
 *
 * A secret protects a node: the server accepts the node's calls only with it. Ids are public, so without
 * secrets everybody who has the key could call as any node.
 */
import type { Page } from "./page.js";

/** Who a node is. */
export interface Identity {
  readonly nodeId: string;
  readonly secret: string;
  /** Whether no node had this id before. */
  readonly isNew: boolean;
  /** Called when the node has left. Its id and secret are not kept any more. */
  ended(): void;
}

/** What is kept of a node, with the load of the page that made it. */
interface Kept {
  readonly nodeId?: string;
  readonly secret?: string;
  readonly loadId?: number | undefined;
}

/** A new node's identity, which is not kept. */
export function newIdentity(): Identity {
  return { nodeId: newId(), secret: newId(), isNew: true, ended() {} };
}

/** Keeps the identities of the nodes of one `Mesh`: in the page's storage, and in memory. */
export class Identities {
  readonly #page: Page | undefined;
  readonly #endpoint: string;
  readonly #memory = new Map<string, Kept>();

  constructor(page: Page | undefined, endpoint: string) {
    this.#page = page;
    this.#endpoint = endpoint;
  }

  /**
   * The identity of the node with this id. Without an id it is the one that this page had before it was
   * reloaded, or else a new one. `scope` is a host's domain, or a member's group.
   */
  of(scope: string, id?: string): Identity {
    const key = `mesh-v2-client ${JSON.stringify([this.#endpoint, scope, id ?? null])}`;
    const loadId = this.#page?.loadId;
    const kept = this.#read(key);
    // An id that was made in this load belongs to a node that still exists, so a second node needs another one.
    const isUsable = kept && (id !== undefined || kept.loadId !== loadId);
    const { nodeId = id ?? newId(), secret = newId() } = isUsable ? kept : {};
    this.#write(key, { nodeId, secret, loadId });
    const ended = () => {
      if (this.#read(key)?.nodeId === nodeId) this.#write(key, undefined);
    };
    return { nodeId, secret, isNew: id === undefined && !isUsable, ended };
  }

  #read(key: string): Kept | undefined {
    try {
      return this.#memory.get(key) ?? JSON.parse(this.#page?.storage.getItem(key) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  #write(key: string, kept: Kept | undefined): void {
    if (kept) this.#memory.set(key, kept);
    else this.#memory.delete(key);
    try {
      if (kept) this.#page?.storage.setItem(key, JSON.stringify(kept));
      else this.#page?.storage.removeItem(key);
    } catch {
      // Storage may be full or blocked. Then a reload loses the group, and everything else works.
    }
  }
}

/** A new random id or secret: 32 hex digits, as other clients make them. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
