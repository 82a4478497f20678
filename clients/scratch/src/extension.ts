/** The extension as editors know it: the functions of its blocks. */
import { describe } from "./blocks.js";
import { readLink } from "./link.js";
import { Membership } from "./membership.js";
import { Project } from "./project.js";
import { Pulses } from "./pulses.js";
import type { Runtime, ScratchApi, VirtualMachine } from "./scratch.js";
import { NO_KEY, Server } from "./server.js";
import { textsFor, type Texts } from "./texts.js";

/** What a block is given; editors hand over whatever the user put in. */
type Arguments = Readonly<Record<string, unknown>>;

/**
 * Makes the extension's class for one editor. `new` without an argument takes the editor's own runtime, as
 * TurboWarp does; Xcratch makes another one with `new Class(runtime)`, which then replaces the first.
 */
export function extensionFor(scratch: ScratchApi, script: string | undefined) {
  const link = readLink(script, globalThis.location?.href);
  const isSandboxed = !scratch.extensions.unsandboxed;

  return class MeshExtension {
    readonly #membership: Membership;
    readonly #project: Project | undefined;
    readonly #pulses = new Pulses();

    constructor(runtime = runtimeOf(scratch.vm)) {
      this.#membership = new Membership(new Server(link, () => this.#askForKey()), {
        entered: () => this.#project?.reportAll(),
        event: (name) => {
          this.#pulses.add(name);
          this.#project?.start(name);
        },
      });
      this.#membership.nickname = link.name ?? "";
      if (!runtime) return;
      this.#project = new Project(runtime, {
        set: (name, value) => this.#set(name, value),
        fire: (name) => this.#fire(name),
      });
      if (link.group !== undefined) void this.#membership.enter(link.group);
    }

    getInfo() {
      return describe(this.#texts, isSandboxed);
    }

    getVariableNamesMenuItems(): string[] {
      const values = this.#membership.session?.values ?? new Map<string, ReadonlyMap<string, unknown>>();
      const names = [...values.values()].flatMap((ofNode) => [...ofNode.keys()]);
      return [" ", ...new Set([...(this.#project?.names() ?? []), ...names])];
    }

    getSensorValue({ NAME }: Arguments): string {
      // What this program set a moment ago counts already.
      this.#project?.report();
      return this.#membership.session?.value(String(NAME)) ?? "";
    }

    enter({ NAME }: Arguments): Promise<void> {
      return this.#membership.enter(String(NAME));
    }

    setNickname({ NAME }: Arguments): void {
      this.#membership.nickname = String(NAME);
    }

    leave(): Promise<void> {
      return this.#membership.leave();
    }

    isConnected(): boolean {
      return this.#membership.session !== undefined;
    }

    getNames(): string {
      const nodes = [...(this.#membership.session?.nodes.values() ?? [])];
      return nodes.map(({ name, isHost }) => (isHost ? this.#texts.host : name)).join(", ");
    }

    getState(): string {
      const { standing, error } = this.#membership.status;
      return standing === "failed" ? this.#explain(error) : this.#texts[standing];
    }

    setValue({ NAME, VALUE }: Arguments): void {
      this.#set(String(NAME), String(VALUE));
    }

    sendEvent({ EVENT }: Arguments): void {
      this.#fire(String(EVENT));
    }

    whenEvent({ EVENT }: Arguments): boolean {
      return this.#pulses.ask(String(EVENT));
    }

    get #texts(): Texts {
      const { vm, translate } = scratch;
      const machine = vm as Partial<VirtualMachine> | undefined;
      return textsFor(machine?.getLocale?.() ?? translate?.language ?? navigator.language);
    }

    #set(name: string, value: string): void {
      this.#attempt(() => this.#membership.session?.set(name, value));
    }

    #fire(name: string): void {
      if (name) this.#attempt(() => this.#membership.session?.fire(name));
    }

    /** What is too large to be sent must not stop the script. */
    #attempt(send: () => void): void {
      try {
        send();
      } catch (error) {
        console.warn("Mesh:", error);
      }
    }

    #askForKey(): string | null {
      try {
        return globalThis.prompt?.(this.#texts.key) ?? null;
      } catch {
        // Not everywhere can a user be asked.
        return null;
      }
    }

    #explain(error: unknown): string {
      const { key, wrongKey, noAnswer, allowLocalNetwork } = this.#texts;
      if (error === NO_KEY) return key;
      const { type } = error as { type?: unknown };
      if (type === "UnauthorizedException") return wrongKey;
      const isSilent = error instanceof TypeError;
      // What a page on https requests fails without a word until it is allowed.
      if (type === "LocalNetworkError" || (isSilent && isSecureContext)) return noAnswer + allowLocalNetwork;
      return isSilent || type === "NetworkError" ? noAnswer : String(error);
    }
  };
}

function runtimeOf(vm: ScratchApi["vm"]): Runtime | undefined {
  return vm && "runtime" in vm ? vm.runtime : vm;
}
