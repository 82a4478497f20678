/** What editors give to an extension, as far as it is used here: the `Scratch` object and the parts of their VM. */

/** The global that an editor sets before it runs an extension's script. */
export interface ScratchApi {
  readonly extensions: {
    /** Whether the script runs on the editor's own page. Otherwise it sits in a frame or a worker. */
    readonly unsandboxed?: boolean;
    register(extension: object): void;
  };
  /** The virtual machine; there in no sandbox. Xcratch gives its runtime where there is no machine. */
  readonly vm?: VirtualMachine | Runtime;
  readonly translate?: { readonly language?: string };
}

export interface VirtualMachine {
  readonly runtime: Runtime;
  getLocale?(): string;
}

/** Runs the project. Everything in it is the editor's own; only what scratch-vm has had for years is touched. */
export interface Runtime {
  getTargetForStage(): Stage | undefined;
  /** Starts the scripts under hats of an opcode; `fields` says which of them. */
  startHats(opcode: string, fields?: Record<string, string>, target?: unknown): unknown;
  /** Runs all scripts for one frame. */
  _step(): void;
  readonly _primitives: Record<string, Primitive | undefined>;
}

/** The function of a block. */
export type Primitive = (args: Record<string, unknown>, util: Util) => unknown;

/** What a block knows of the script that runs it. */
export interface Util {
  readonly stackFrame: Record<string, unknown>;
}

/** The stage owns the project's global variables. */
export interface Stage {
  readonly variables: Record<string, Variable>;
}

export interface Variable {
  readonly name: string;
  /** Empty for what the editor calls a variable; lists and messages have other types. */
  readonly type: string;
  readonly value: unknown;
}
