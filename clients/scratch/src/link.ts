/**
 * What the link says that the extension was loaded by. Key, domain, group and name stand behind its `#`, which
 * browsers send to no server: `mesh.js#key=da2-...&domain=...&group=...&name=...`. The page may have them, too.
 */

/** What is known of the mesh before anybody is asked. */
export interface Link {
  /** Where the extension was loaded from, if it was by http. */
  readonly origin?: string;
  readonly key?: string;
  readonly domain?: string;
  /** The group to enter at once, by name or id. */
  readonly group?: string;
  /** What others shall call this program. */
  readonly name?: string;
}

/** Reads the address of the extension's script and that of the page that it runs on. */
export function readLink(script = "", page = ""): Link {
  const origin = /^https?:/.test(script) && { origin: new URL(script).origin };
  return { ...fragment(page), ...fragment(script), ...origin };
}

/** Pages of editors have other things there, as the number of a project. They are nobody's concern. */
const fragment = (url: string): Link => Object.fromEntries(new URLSearchParams(url.split("#")[1]));
