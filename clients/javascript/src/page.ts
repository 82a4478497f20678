/**
 * The web page that a session belongs to: its address, its storage, its end, and its network. A page on an
 * http address of a LAN is not a secure context, so nothing here needs one.
 */

/** The used part of a web page. Outside of browsers there is none. */
export interface Page {
  /** The address of the page. */
  readonly url: string;
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
    url: location.href,
    events: globalThis,
    // Where storage is blocked, reading this property throws. So it is read as late as possible.
    get storage() {
      return sessionStorage;
    },
    loadId: performance.timeOrigin,
  };
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
