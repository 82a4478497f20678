/**
 * The ids and secrets of this program's nodes. A page keeps those that it may need again in its storage, so
 * that it continues as the same node after a reload.
 *
 * A secret protects a node: the server accepts the node's calls only with it. Ids are public, so without
 * secrets everybody who has the key could call as any node.
 */
import type { Page } from "./page.js";

/** The ids and secrets of the nodes of one `Mesh`. */
export class Identities {
  readonly #page: Page | undefined;
  readonly #endpoint: string;
  /** For nodes outside of pages, and for pages whose storage is blocked. */
  readonly #secrets = new Map<string, string>();

  constructor(page: Page | undefined, endpoint: string) {
    this.#page = page;
    this.#endpoint = endpoint;
  }

  /** The id that this page's host had before the page was reloaded. */
  reloadedHost(domain: string): string | undefined {
    const { id, loadId } = this.#readHost(domain);
    // An id from this load belongs to a host that still exists, so a second host needs another id.
    return loadId === this.#page?.loadId ? undefined : id;
  }

  /** Keeps the id of this page's host. */
  keepHost(domain: string, id: string): void {
    this.#use((storage, loadId) => storage.setItem(this.#hostKey(domain), JSON.stringify({ id, loadId })));
  }

  /** Removes the id of a host whose group has ended. */
  removeHost(domain: string, id: string): void {
    if (this.#readHost(domain).id === id) this.#use((storage) => storage.removeItem(this.#hostKey(domain)));
  }

  /** The secret that a node has: random digits, the same ones at each call. `scope` is a host's domain, or a member's group. */
  secretOf(scope: string, nodeId: string): string {
    const key = this.#secretKey(scope, nodeId);
    const secret = this.#secrets.get(key) ?? this.#use((storage) => storage.getItem(key)) ?? newId();
    this.#secrets.set(key, secret);
    this.#use((storage) => storage.setItem(key, secret));
    return secret;
  }

  /** Removes the secret of a node that has left. */
  removeSecret(scope: string, nodeId: string): void {
    const key = this.#secretKey(scope, nodeId);
    this.#secrets.delete(key);
    this.#use((storage) => storage.removeItem(key));
  }

  #readHost(domain: string): { id?: string; loadId?: number } {
    const text = this.#use((storage) => storage.getItem(this.#hostKey(domain)));
    try {
      return (JSON.parse(text ?? "{}") as { id?: string; loadId?: number } | null) ?? {};
    } catch {
      return {};
    }
  }

  #hostKey(domain: string): string {
    return `mesh-v2-client host ${this.#endpoint} ${domain}`;
  }

  #secretKey(scope: string, nodeId: string): string {
    return `mesh-v2-client secret ${JSON.stringify([this.#endpoint, scope, nodeId])}`;
  }

  /** Storage may be full or blocked. Then a reload loses the group, and everything else works. */
  #use<T>(act: (storage: Page["storage"], loadId: number) => T): T | undefined {
    try {
      return this.#page && act(this.#page.storage, this.#page.loadId);
    } catch {
      return undefined;
    }
  }
}

/** A new random id or secret: 32 hex digits, as other clients make them. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
