/**
 * The web page that a session belongs to: its reload, its end, and its network. A page on an http address
 * of a LAN is not a secure context, so nothing here needs one.
 */

/** The used part of a web page. Outside of browsers there is none. */
export interface Page {
  /** Dispatches `pagehide`, `pageshow` and `online`. */
  readonly events: EventTarget;
  /** Is kept when this tab is reloaded, and belongs to this tab alone. */
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Differs for every load of the page. */
  readonly loadId: number;
}

/** The current web page, if there is one. */
export function currentPage(): Page | undefined {
  if (typeof document === "undefined") return undefined;
  return {
    events: globalThis,
    // Where storage is blocked, reading this property throws. So it is read as late as possible.
    get storage() {
      return sessionStorage;
    },
    loadId: performance.timeOrigin,
  };
}

/** Keeps a host's id when its page is reloaded. */
export class HostStorage {
  readonly #page: Page | undefined;
  readonly #key: string;

  constructor(page: Page | undefined, endpoint: string, domain: string) {
    this.#page = page;
    this.#key = `mesh-v2-client host ${endpoint} ${domain}`;
  }

  /** The id of this page's host from before the reload. */
  load(): string | undefined {
    const { id, loadId } = this.#read();
    // The id is from this load: that host still exists, so a second host needs another id.
    return loadId === this.#page?.loadId ? undefined : id;
  }

  /** Keeps the id of this page's host. */
  save(id: string): void {
    this.#use((storage, loadId) => storage.setItem(this.#key, JSON.stringify({ id, loadId })));
  }

  /** Removes the id of a host whose group has ended. */
  remove(id: string): void {
    if (this.#read().id === id) this.#use((storage) => storage.removeItem(this.#key));
  }

  #read(): { id?: string; loadId?: number } {
    const text = this.#use((storage) => storage.getItem(this.#key));
    try {
      return (JSON.parse(text ?? "{}") as { id?: string; loadId?: number } | null) ?? {};
    } catch {
      return {};
    }
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

/**
 * Calls `gone` when the page is closed for good, and `back` when the page or its network comes back.
 * Returns a function that removes the listeners.
 */
export function watchPage(page: Page | undefined, gone: () => void, back: () => void): () => void {
  // The browser keeps such a page in memory. It may be shown again, and its session continues.
  const isKept = (event: Event) => (event as PageTransitionEvent).persisted;
  const listeners: [string, (event: Event) => void][] = [
    ["pagehide", (event) => isKept(event) || gone()],
    ["pageshow", (event) => isKept(event) && back()],
    ["online", back],
  ];
  for (const [type, listener] of listeners) page?.events.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of listeners) page?.events.removeEventListener(type, listener);
  };
}

/** A new random id: 32 hex digits, as other clients make them. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
