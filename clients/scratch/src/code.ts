/** The six letters of the board, which stand for the key so that nobody has to type it. */

/** What a code stands for. */
export interface Invitation {
  readonly key: string;
  /** The only group that there is, if there is one. Otherwise who enters the same code meets in a group of that name. */
  readonly group?: { readonly id: string; readonly domain: string };
}

/** A code as the board shows it, or undefined for a text that is none. Codes have no vowels, so they spell no name. */
export function asCode(text: string): string | undefined {
  const code = text.normalize("NFKC").replace(/[\s-]/g, "").toLowerCase();
  return /^[b-df-hj-np-tv-z]{6}$/.test(code) ? code : undefined;
}

/** Asks the server what a code stands for; undefined if it knows no such code. */
export async function redeem(server: string, code: string): Promise<Invitation | undefined> {
  const response = await fetch(`${server}/join/enter`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  return response.ok ? ((await response.json()) as Invitation) : undefined;
}
