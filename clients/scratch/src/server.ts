/** The server that this file came from, and the key to it. */
import { Mesh } from "mesh-v2-client";
import { asCode, redeem, type Invitation } from "./code.js";
import type { Link } from "./link.js";

/** The server writes its own endpoint here as it serves this file; a file that was saved keeps it. */
const SERVED_FROM = "%MESH_ENDPOINT%";
/** Events of one frame go together; frames are further apart than this. In milliseconds. */
const EVENT_INTERVAL = 10;
/** Twenty reports a second of what a loop changes look smooth, and 40 such loops fit into a Wi-Fi. In milliseconds. */
const DATA_INTERVAL = 50;

/** Thrown where there is no key and nobody gave one. */
export const NO_KEY = new Error("no key");

/** A mesh, and the group in it that was asked for: by name, or as a code says. */
export interface Opened {
  readonly mesh: Mesh;
  readonly name: string;
  readonly group: Invitation["group"] | undefined;
}

export class Server {
  readonly #link: Link;
  readonly #askForKey: () => string | null;
  #key: string | undefined;

  /** `askForKey` asks the user, who may decline or not be there. */
  constructor(link: Link, askForKey: () => string | null) {
    this.#link = link;
    this.#askForKey = askForKey;
    this.#key = link.key;
  }

  /** Opens the mesh with the key that `text` is a code for, that is known, or that the user knows. */
  async open(text: string): Promise<Opened> {
    const origin = await this.#findOrigin();
    const code = asCode(text);
    const invitation = code === undefined ? undefined : await redeem(origin, code);
    this.#key = invitation?.key ?? this.#key ?? (this.#askForKey()?.trim() || undefined);
    if (this.#key === undefined) throw NO_KEY;
    const { domain } = this.#link;
    const mesh = new Mesh({
      endpoint: `${origin}/graphql`,
      apiKey: this.#key,
      eventInterval: EVENT_INTERVAL,
      dataInterval: DATA_INTERVAL,
      ...(domain !== undefined && { domain }),
    });
    // However a code was typed, all meet in one group.
    return { mesh, name: (invitation && code) ?? text, group: invitation?.group };
  }

  /** Forgets a key that the server does not know, so that the next one is asked for. */
  forgetKey(): void {
    this.#key = undefined;
  }

  /** The server, as `http://192.168.0.5:4000`. */
  async #findOrigin(): Promise<string> {
    const { origin } = this.#link;
    if (origin !== undefined) return origin;
    const saved = URL.canParse(SERVED_FROM) ? new URL(SERVED_FROM).origin : undefined;
    // A packed project that a server gives out plays on that server, whatever address it has today.
    if (typeof location === "object" && /^https?:/.test(location.origin) && location.origin !== saved) {
      const own = await fetch(`${location.origin}/extension/mesh.js`, { method: "HEAD" }).catch(() => undefined);
      if (own?.ok && own.headers.get("content-type")?.includes("javascript")) return location.origin;
    }
    if (saved === undefined) throw new TypeError("The server is unknown");
    return saved;
  }
}
