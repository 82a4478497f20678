/** The program's part in a mesh: how it enters a group, how it leaves, and what there is to say about it. */
import { MeshError, type JoinOptions, type Session, type State } from "mesh-v2-client";
import { hexOfLabel } from "./labels.js";
import type { Opened, Server } from "./server.js";

/** Characters that a name may have. */
const MAX_NAME = 40;

/** How things stand. `outside`: not in a mesh by own will. `over`: the group ended. `failed`: it could not enter. */
export type Standing = "outside" | "entering" | Exclude<State, "connecting" | "ended"> | "over" | "failed";

/** How things stand and, for `failed`, what went wrong. */
export interface Status {
  readonly standing: Standing;
  readonly error?: unknown;
}

/** What a program is told. */
export interface MembershipListener {
  /** It is in a group now. */
  entered(): void;
  /** Another node fired an event. */
  event(name: string): void;
}

export class Membership {
  readonly #server: Server;
  readonly #listener: MembershipListener;
  #status: Status = { standing: "outside" };
  #session: Session | undefined;
  /** The group that was asked for last, and the entering of it. */
  #wanted: string | undefined;
  #entering = Promise.resolve();
  #abort = new AbortController();
  /** What others shall call this program from the next entering on. */
  nickname = "";

  constructor(server: Server, listener: MembershipListener) {
    this.#server = server;
    this.#listener = listener;
  }

  get status(): Status {
    return this.#status;
  }

  /** The session, while this program is in a group. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Enters the group of this name, or the one that this code stands for. Where there is no group of that name,
   * it is created. Done when this program is in it, or cannot be: `status` says which.
   */
  enter(text: string): Promise<void> {
    const wanted = text.trim();
    const isUnderWay = this.#session !== undefined || this.#status.standing === "entering";
    if (!wanted || (isUnderWay && wanted === this.#wanted)) return this.#entering;
    const left = this.leave();
    this.#wanted = wanted;
    this.#status = { standing: "entering" };
    const { signal } = (this.#abort = new AbortController());
    return (this.#entering = left.then(() => this.#enter(wanted, signal)));
  }

  /** Leaves the group; one that this program created ends. */
  async leave(): Promise<void> {
    this.#abort.abort();
    const session = this.#session;
    this.#session = undefined;
    this.#status = { standing: "outside" };
    await session?.leave();
  }

  async #enter(wanted: string, signal: AbortSignal): Promise<void> {
    try {
      const session = await enterGroup(await this.#server.open(wanted), this.#joinOptions(signal));
      if (signal.aborted) return void session.leave();
      this.#begin(session);
    } catch (error) {
      if (signal.aborted) return;
      // Another key may be the right one.
      if (error instanceof MeshError && error.type === "UnauthorizedException") this.#server.forgetKey();
      this.#status = { standing: "failed", error };
      console.warn("Mesh:", error);
    }
  }

  #joinOptions(signal: AbortSignal): JoinOptions {
    const name = [...this.nickname.replace(/\p{Cc}/gu, " ").trim()].slice(0, MAX_NAME).join("");
    return { signal, ...(name && { name }) };
  }

  #begin(session: Session): void {
    this.#session = session;
    // After it was left, a session says nothing here any more.
    const isCurrent = () => this.#session === session;
    const show = () => isCurrent() && (this.#status = { standing: session.state as Standing });
    session.on("state", show);
    session.on("event", ({ name }) => isCurrent() && this.#listener.event(name));
    session.on("error", ({ error }) => console.warn("Mesh:", error));
    session.on("ended", () => {
      if (!isCurrent()) return;
      this.#session = undefined;
      this.#status = { standing: "over" };
    });
    show();
    this.#listener.entered();
  }
}

/** Enters the group that a code stands for, or the one of this name. */
async function enterGroup({ mesh, name: wanted, group }: Opened, options: JoinOptions): Promise<Session> {
  if (group) return mesh.join(group, options);
  const label = hexOfLabel(wanted);
  const find = async () => {
    const groups = await mesh.groups(options);
    const found = groups.find(({ id, name }) => id === wanted || name === wanted || (label && name.startsWith(label)));
    // As in Smalruby, a label finds groups of other networks, too.
    return found ?? (label ? (await mesh.search(label, { limit: 1, ...options }))[0] : undefined);
  };
  const found = await find();
  if (found && found.hostId !== ownHost(wanted)) return mesh.join(found, options);
  // A host whose page was reloaded is given its group back.
  const session = await mesh.create({ ...options, name: label ?? wanted });
  const oldest = await find();
  if (oldest && oldest.id !== session.group.id) {
    // Another one created the group at the same time, a little earlier.
    await session.leave();
    return mesh.join(oldest, options);
  }
  rememberOwnHost(wanted, session.nodeId);
  return session;
}

/** Where it is kept which host this page was, for after a reload. Frames of a sandbox have no storage. */
const key = (group: string) => `mesh host of ${group}`;

function ownHost(group: string): string | null {
  try {
    return sessionStorage.getItem(key(group));
  } catch {
    return null;
  }
}

function rememberOwnHost(group: string, hostId: string): void {
  try {
    sessionStorage.setItem(key(group), hostId);
  } catch {
    // A reload costs the group, no more.
  }
}
