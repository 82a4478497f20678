import type { Cancel, Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { ON_MESSAGE, type MeshMessage, type GroupRef } from "./wire.js";

/** How long each step of connecting may take, in milliseconds. A filter that swallows sockets says nothing. */
const STEP_TIMEOUT = 3_000;
/** Servers send a keep-alive every 60 seconds at most; a socket silent for this long is dead. */
const LONGEST_SILENCE = 75_000;

/** What is used of a WebSocket; those of browsers, Node 22 and the package `ws` all fit. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A constructor of WebSockets. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** Where and how sockets are opened. */
export interface SocketOptions {
  readonly webSocket: WebSocketConstructor | undefined;
  /** `ws:` or `wss:` */
  readonly url: string;
  /** The API's host, which AppSync wants beside the key. */
  readonly host: string;
  readonly apiKey: string;
  readonly clock: Clock;
}

/** Where AppSync's clients connect for an endpoint: a host of its own in AWS's domain, else a path. */
export function realtimeEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  url.protocol = url.protocol.replace("http", "ws");
  if (/\.appsync-api\.[^.]+\.amazonaws\.com(\.cn)?$/.test(url.hostname)) {
    url.hostname = url.hostname.replace("appsync-api", "appsync-realtime-api");
  } else {
    url.pathname = `${url.pathname.replace(/\/$/, "")}/realtime`;
  }
  return url.href;
}

interface ServerFrame {
  type?: string;
  payload?: { connectionTimeoutMs?: number; data?: { onMessageInGroup?: MeshMessage }; errors?: { message?: string }[] };
}

/** One connection of AppSync's realtime protocol with at most one subscription on it. */
export class Socket {
  /** Called once when the socket is lost, whoever closed it. */
  onclose: () => void = () => {};

  readonly #options: SocketOptions;
  readonly #socket: WebSocketLike;
  #step: { wants: string; done: (error?: MeshError) => void } | undefined;
  #stopWatch: Cancel = () => {};
  #silence = LONGEST_SILENCE;
  #closed = false;
  /** What arrived before somebody listened. */
  #held: MeshMessage[] = [];
  #receive: (message: MeshMessage) => void = (message) => this.#held.push(message);

  private constructor(options: SocketOptions, webSocket: WebSocketConstructor) {
    this.#options = options;
    const authorization = JSON.stringify(credentials(options));
    const header = btoa(authorization).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
    this.#socket = new webSocket(options.url, ["graphql-ws", `header-${header}`]);
    this.#socket.onmessage = ({ data }) => this.#read(String(data));
    this.#socket.onclose = () => this.#lost();
    // An error is followed by a close, but not everywhere.
    this.#socket.onerror = () => this.#lost();
  }

  /** Opens a socket. Rejects where none gets through: refused, answered with something else, or silent. */
  static async open(options: SocketOptions): Promise<Socket> {
    if (!options.webSocket) throw new MeshError("WebSocketError", "There is no WebSocket here");
    const socket = new Socket(options, options.webSocket);
    await socket.#next("open", (opened) => (socket.#socket.onopen = () => opened()));
    await socket.#next("connection_ack", () => socket.#send({ type: "connection_init" }));
    return socket;
  }

  /** Subscribes to a group; done once the server holds the subscription. */
  async subscribe(groupRef: GroupRef): Promise<void> {
    const data = JSON.stringify({ query: ON_MESSAGE.document, variables: groupRef });
    const extensions = { authorization: credentials(this.#options) };
    await this.#next("start_ack", () => this.#send({ id: "1", type: "start", payload: { data, extensions } }));
  }

  /** Hands over everything that arrived since the subscription, and from now on what arrives. */
  listen(receive: (message: MeshMessage) => void): void {
    this.#receive = receive;
    for (const message of this.#held.splice(0)) receive(message);
  }

  /** Whether the socket is lost. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes the socket. Nothing more is heard from it. */
  close(): void {
    this.#socket.close();
    this.#lost();
  }

  /** Begins a step and waits for what ends it. */
  async #next(wants: string, begin: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const failed = (message: string) => reject(new MeshError("WebSocketError", message, { retryable: true }));
      if (this.#closed) return failed("The socket was closed");
      const cancel = this.#options.clock.after(STEP_TIMEOUT, () => {
        failed(`No ${wants} within ${STEP_TIMEOUT} ms`);
        this.close();
      });
      const done = (error?: MeshError) => {
        cancel();
        this.#step = undefined;
        if (error) reject(error);
        else resolve();
      };
      this.#step = { wants, done };
      begin(done);
    });
  }

  #send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #read(text: string): void {
    if (this.#closed) return;
    let frame: ServerFrame = {};
    try {
      frame = (JSON.parse(text) as ServerFrame | null) ?? frame;
    } catch {
      // Whatever sits in between, it speaks no AppSync: below, that closes the socket.
    }
    const { type, payload } = frame;
    this.#silence = Math.min(payload?.connectionTimeoutMs ?? this.#silence, LONGEST_SILENCE);
    this.#watch();
    if (type === "data") {
      const message = payload?.data?.onMessageInGroup;
      if (message) this.#receive(message);
    } else if (this.#step && type === this.#step.wants) {
      this.#step.done();
    } else if (type !== "ka") {
      // A refusal, or the end of the subscription.
      this.#step?.done(new MeshError("WebSocketError", payload?.errors?.[0]?.message ?? `The server sent ${type}`));
      this.close();
    }
  }

  /** Closes the socket when nothing, not even a keep-alive, arrives for too long. */
  #watch(): void {
    this.#stopWatch();
    this.#stopWatch = this.#options.clock.after(this.#silence, () => this.close());
  }

  #lost(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWatch();
    this.#step?.done(new MeshError("WebSocketError", "The socket was closed", { retryable: true }));
    this.onclose();
  }
}

function credentials({ host, apiKey }: SocketOptions): object {
  return { host, "x-api-key": apiKey };
}
