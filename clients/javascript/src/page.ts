/**
 * What a session has to do with the page that it lives on. Pages on http addresses of a LAN are no
 * secure contexts: nothing here needs one.
 */

/** The part of a page that is used; outside of browsers there is none. */
export interface Page {
  /** Where `pagehide`, `pageshow` and `online` happen. */
  readonly events: EventTarget;
  /** Survives a reload of this tab, and nothing else. */
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** Tells this load of the page from others. */
  readonly loadId: number;
}

/** The page that this runs on, if it is one. */
export function currentPage(): Page | undefined {
  if (typeof document === "undefined") return undefined;
  return {
    events: globalThis,
    // Where storage is blocked, already naming it throws.
    get storage() {
      return sessionStorage;
    },
    loadId: performance.timeOrigin,
  };
}

/** Remembers a host's id over reloads of its page. */
export class HostStorage {
  readonly #page: Page | undefined;
  readonly #key: string;

  constructor(page: Page | undefined, endpoint: string, domain: string) {
    this.#page = page;
    this.#key = `mesh-v2-client host ${endpoint} ${domain}`;
  }

  /** The id of the host that this page was before it was reloaded. */
  load(): string | undefined {
    const { id, loadId } = this.#read();
    // The same load: that host still lives here, and this will be another one.
    return loadId === this.#page?.loadId ? undefined : id;
  }

  /** Notes the id of the host that this page is. */
  save(id: string): void {
    this.#use((storage, loadId) => storage.setItem(this.#key, JSON.stringify({ id, loadId })));
  }

  /** Forgets a host whose group is over. */
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

  /** Storage that is full or blocked costs the group at a reload, no more. */
  #use<T>(act: (storage: Page["storage"], loadId: number) => T): T | undefined {
    try {
      return this.#page && act(this.#page.storage, this.#page.loadId);
    } catch {
      return undefined;
    }
  }
}

/**
 * Calls `gone` when the page goes away for good, and `back` when it or its network comes back. Returns
 * what ends that.
 */
export function watchPage(page: Page | undefined, gone: () => void, back: () => void): () => void {
  // A page that is kept in memory may come back, and its session with it.
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

/** A new id: 32 hex digits, as living clients make them. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
