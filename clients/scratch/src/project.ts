/**
 * The project that runs beside this extension: its global variables and its broadcasts go to the mesh by
 * themselves, and the mesh's events start its scripts.
 *
 * TurboWarp compiles scripts, and then no block's function is called for them. So variables are compared
 * after each frame, and broadcasts are noticed where both the compiler and the interpreter start scripts.
 */
import type { Primitive, Runtime, Util } from "./scratch.js";

const RECEIVED = "event_whenbroadcastreceived";
const BROADCASTS = ["event_broadcast", "event_broadcastandwait"];
/** Where the runtime keeps the project that listens to it. The same extension loaded again replaces it. */
const OWNER = Symbol.for("mesh-v2 project");
/** How many events wait to be started at most; the oldest give way. */
const MAX_WAITING = 1_000;
/** Scripts of a message start once in a frame, so no more events of a name are heard in this many frames. */
const FRAMES = 30;

/** Where a project's news goes. */
export interface ProjectOutput {
  set(name: string, value: string): void;
  fire(name: string): void;
}

type OwnedRuntime = Runtime & { [OWNER]?: Project };

export class Project {
  readonly #runtime: OwnedRuntime;
  readonly #output: ProjectOutput;
  readonly #startHats: Runtime["startHats"];
  /** What each global variable was when it was last looked at. */
  #known = new Map<string, unknown>();
  /** How often each message was sent in the last frames: a loop without a pause must not flood a classroom. */
  readonly #sent = new Map<string, number>();
  #frames = 0;
  /** How many broadcasts there were. */
  #broadcasts = 0;
  /** The messages whose scripts were started since the last frame. */
  readonly #started = new Set<string>();
  /** Events for the next frames, in order. */
  #waiting: string[] = [];
  #isStopped = false;

  constructor(runtime: Runtime, output: ProjectOutput) {
    this.#runtime = runtime;
    this.#output = output;
    this.#runtime[OWNER]?.stop();
    this.#runtime[OWNER] = this;
    this.#startHats = runtime.startHats.bind(runtime);
    this.#watchBroadcasts();
    this.#watchFrames();
  }

  /** Starts the scripts that wait for a message: now, or if they were just started, in the next frame. */
  start(name: string): void {
    if (this.#waiting.length === MAX_WAITING) this.#waiting.shift();
    this.#waiting.push(name);
    this.#startWaiting();
  }

  /** Sends the global variables that changed. */
  report(): void {
    if (this.#isStopped) return;
    for (const { name, type, value } of this.#variables()) {
      if (type !== "" || this.#known.get(name) === value) continue;
      this.#known.set(name, value);
      this.#output.set(name, String(value));
    }
  }

  /** Sends all global variables, as to a mesh that knows none. */
  reportAll(): void {
    this.#known = new Map();
    this.report();
  }

  /** The names of the global variables. */
  names(): string[] {
    return this.#variables().flatMap(({ name, type }) => (type === "" ? [name] : []));
  }

  /** Lets the runtime be as it was. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting = [];
  }

  #variables() {
    return Object.values(this.#runtime.getTargetForStage()?.variables ?? {});
  }

  /** Starting the same scripts twice in a frame would restart them before they began. */
  #startWaiting(): void {
    for (let [name] = this.#waiting; name !== undefined && !this.#started.has(name); [name] = this.#waiting) {
      this.#waiting.shift();
      this.#started.add(name);
      this.#startHats(RECEIVED, { BROADCAST_OPTION: name });
    }
  }

  #fire(name: string): void {
    this.#broadcasts++;
    const sent = (this.#sent.get(name) ?? 0) + 1;
    this.#sent.set(name, sent);
    if (this.#isStopped || sent > FRAMES) return;
    // What was set before the broadcast is heard before it.
    this.report();
    this.#output.fire(name);
  }

  #watchBroadcasts(): void {
    const runtime = this.#runtime;
    const { startHats } = runtime;
    runtime.startHats = (opcode, fields, target) => {
      // Scratch makes the name upper case in place.
      const name = fields?.["BROADCAST_OPTION"];
      if (opcode === RECEIVED && name) this.#fire(name);
      return startHats.call(runtime, opcode, fields, target);
    };
    // The interpreter starts nothing for a name that no script of this project has. Others may have it.
    for (const opcode of BROADCASTS) {
      const broadcast = runtime._primitives[opcode];
      if (broadcast) runtime._primitives[opcode] = (...call) => this.#broadcast(broadcast, ...call);
    }
  }

  #broadcast(broadcast: Primitive, args: Record<string, unknown>, util: Util): unknown {
    const { name } = args["BROADCAST_OPTION"] as { name?: string };
    // `broadcast and wait` is asked again in each frame until everything that it started is done.
    const isFirst = !util.stackFrame["startedThreads"];
    const before = this.#broadcasts;
    const result = broadcast(args, util);
    if (isFirst && name && this.#broadcasts === before) this.#fire(name);
    return result;
  }

  #watchFrames(): void {
    const runtime = this.#runtime;
    const { _step: step } = runtime;
    runtime._step = () => {
      step.call(runtime);
      if (this.#isStopped) return;
      this.report();
      if (++this.#frames % FRAMES === 0) this.#sent.clear();
      this.#started.clear();
      this.#startWaiting();
    };
  }
}
