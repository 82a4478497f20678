/**
 * What the link says that the extension was loaded by. Key, domain and group stand behind its `#`, which
 * browsers send to no server: `mesh.js#da2-...`, or `mesh.js#key=da2-...&domain=...&group=...&name=...`.
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
export function readLink(script: string | undefined, page: string | undefined): Link {
  const url = script !== undefined && /^https?:/.test(script) ? new URL(script) : undefined;
  // Pages of editors have other things there, as the number of a project: only what is named counts.
  const onPage = fragment(page);
  return { ...onPage, ...fragment(url?.href, true), ...(url && { origin: url.origin }) };
}

function fragment(url: string | undefined, mayBeKey = false): Link {
  const text = url?.split("#")[1] ?? "";
  if (mayBeKey && text && !text.includes("=")) return { key: decoded(text) };
  const given = new URLSearchParams(text);
  const named = ["key", "domain", "group", "name"].flatMap((name) => {
    const value = given.get(name);
    return value ? [[name, value]] : [];
  });
  return Object.fromEntries(named) as Link;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
