/** AppSync's realtime protocol over one WebSocket. */
import type { Cancel, Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import { documentOf, ON_MESSAGE, type MeshMessage, type GroupRef } from "./wire.js";

/** How long each step of connecting may take, in milliseconds. Some network filters never answer. */
const STEP_TIMEOUT = 3_000;
/** A socket that receives nothing for this long is closed, in milliseconds. Keep-alives come every 60 seconds. */
const LONGEST_SILENCE = 75_000;
/** How long a socket may receive nothing after the server has published a message of this node, in milliseconds. */
const MESSAGE_TIMEOUT = 5_000;

/** The used part of a WebSocket. Those of browsers, Node 22 and the package `ws` have it. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}

/** A WebSocket class. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** What a socket is opened with. */
export interface SocketOptions {
  readonly webSocket: WebSocketConstructor | undefined;
  /** `ws:` or `wss:` */
  readonly url: string;
  /** The API's host, which AppSync requires beside the key. */
  readonly host: string;
  readonly apiKey: string;
  readonly clock: Clock;
}

/** The URL of sockets by AppSync's rules: another host in AWS's own domain, the path `/realtime` elsewhere. */
export function realtimeEndpoint(endpoint: URL): string {
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

/** One WebSocket that speaks AppSync's realtime protocol, with at most one subscription. */
export class Socket {
  /** Called once when the socket is closed, by either side or by an error. */
  onclose: () => void = () => {};

  readonly #options: SocketOptions;
  readonly #socket: WebSocketLike;
  /** The step of connecting that is under way: the frame that it waits for, and what ends it. */
  #step: { wants: string; done: (error?: MeshError) => void } | undefined;
  #stopWatch: Cancel = () => {};
  #silence = LONGEST_SILENCE;
  #lastFrameAt = -Infinity;
  #isExpecting = false;
  #closed = false;
  /** Messages that arrived before `listen` was called. */
  #held: MeshMessage[] = [];
  #receive: (message: MeshMessage) => void = (message) => this.#held.push(message);

  private constructor(options: SocketOptions, webSocket: WebSocketConstructor) {
    this.#options = options;
    const authorization = JSON.stringify(credentials(options));
    const header = btoa(authorization).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
    this.#socket = new webSocket(options.url, ["graphql-ws", `header-${header}`]);
    this.#socket.onmessage = ({ data }) => this.#read(String(data));
    this.#socket.onclose = () => this.#lost();
    // Not every implementation sends `close` after `error`.
    this.#socket.onerror = () => this.#lost();
  }

  /** Opens a socket. Rejects if it is refused, gets another answer than AppSync's, or gets none in time. */
  static async open(options: SocketOptions): Promise<Socket> {
    if (!options.webSocket) throw new MeshError("WebSocketError", "There is no WebSocket here");
    const socket = new Socket(options, options.webSocket);
    await socket.#next("open", (opened) => (socket.#socket.onopen = () => opened()));
    await socket.#next("connection_ack", () => socket.#send({ type: "connection_init" }));
    return socket;
  }

  /** Subscribes to a group. Resolves when the server has the subscription. */
  async subscribe(groupRef: GroupRef): Promise<void> {
    const data = JSON.stringify({ query: documentOf(ON_MESSAGE, groupRef), variables: groupRef });
    const extensions = { authorization: credentials(this.#options) };
    await this.#next("start_ack", () => this.#send({ id: "1", type: "start", payload: { data, extensions } }));
  }

  /** Calls `receive` with every message since the subscription, in order. */
  listen(receive: (message: MeshMessage) => void): void {
    this.#receive = receive;
    for (const message of this.#held.splice(0)) receive(message);
  }

  /**
   * Called when the server has answered a call whose message this subscription receives. If nothing has
   * arrived since the call was sent, and nothing arrives soon, the socket is dead, and is closed.
   */
  expectMessage(sentAt: number): void {
    if (this.#closed || this.#isExpecting || this.#lastFrameAt >= sentAt) return;
    this.#isExpecting = true;
    this.#watch(MESSAGE_TIMEOUT);
  }

  /** Whether the socket is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes the socket. No message follows. */
  close(): void {
    this.#socket.close();
    this.#lost();
  }

  /** Begins a step of connecting, and waits for its end. */
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
      // Something between client and server answered. The frame has no type, so the socket is closed below.
    }
    const { type, payload } = frame;
    this.#silence = Math.min(payload?.connectionTimeoutMs ?? this.#silence, LONGEST_SILENCE);
    this.#lastFrameAt = this.#options.clock.steady();
    this.#isExpecting = false;
    this.#watch(this.#silence);
    if (type === "data") {
      const message = payload?.data?.onMessageInGroup;
      if (message) this.#receive(message);
    } else if (this.#step && type === this.#step.wants) {
      this.#step.done();
    } else if (type !== "ka") {
      // An error, or the end of the subscription.
      this.#step?.done(new MeshError("WebSocketError", payload?.errors?.[0]?.message ?? `The server sent ${type}`));
      this.close();
    }
  }

  /** Closes the socket when it receives nothing, not even a keep-alive, for this long. */
  #watch(silence: number): void {
    this.#stopWatch();
    this.#stopWatch = this.#options.clock.after(silence, () => this.close());
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
