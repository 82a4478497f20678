/** The six letters of the board, which stand for the key so that nobody has to type it. */

/** What a code stands for. */
export interface Invitation {
  readonly key: string;
  readonly domain?: string;
  /** The group to join; without one, all who entered this code meet in a group of that name. */
  readonly groupId?: string;
}

/** A code as the board shows it, or undefined for a text that is none. */
export function asCode(text: string): string | undefined {
  const letters = text.replace(/[\s-]/g, "").toUpperCase();
  return /^[A-Z0-9]{6}$/.test(letters) ? letters : undefined;
}

/** Asks the server what a code stands for; undefined if it knows no such code. */
export async function redeem(server: string, code: string): Promise<Invitation | undefined> {
  const response = await fetch(`${server}/join/enter`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  if (!response.ok) return undefined;
  const invitation = (await response.json()) as Partial<Invitation>;
  return invitation.key ? { ...invitation, key: invitation.key } : undefined;
}
