/** The options of the public classes, and their checks. */
import type { Fetch } from "./api.js";
import type { Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import type { Page } from "./page.js";
import type { WebSocketConstructor } from "./socket.js";

/** Where the server is, and how to use it. */
export interface MeshOptions {
  /** The API's URL, as `https://...appsync-api...amazonaws.com/graphql` or `http://192.168.0.5:4000/graphql`. */
  readonly endpoint: string;
  /** The API key. */
  readonly apiKey: string;
  /** The URL of sockets; by default derived from `endpoint` by AppSync's rules. */
  readonly realtimeEndpoint?: string;
  /** The domain of the groups; by default the one that the server gives this network. */
  readonly domain?: string;
  /** A WebSocket class, such as the package `ws` in Node 20. Without any, sessions poll. */
  readonly webSocket?: WebSocketConstructor;
  /** Used instead of the global `fetch`. */
  readonly fetch?: Fetch;
  /** Milliseconds for which events are collected before they are sent, 10 to 10,000; default 250. */
  readonly eventInterval?: number;
  /** The least milliseconds from one report of values to the next, 10 to 10,000; default 250. */
  readonly dataInterval?: number;
  /** Milliseconds between requests for all nodes and values, 10 to 3,600,000; default 15,000, 0 for none. */
  readonly syncInterval?: number;
  /** Time and randomness, for tests. */
  readonly clock?: Clock;
  /** The web page, for tests; by default the current one. */
  readonly page?: Page;
}

/** Options of every call. */
export interface CallOptions {
  /** An abort ends the call, and also the session that it made. */
  readonly signal?: AbortSignal;
}

/** Options of `create`. */
export interface CreateOptions extends CallOptions {
  /** The group's name: 1 to 256 characters. */
  readonly name: string;
  /** When the group ends at the latest; by default after the server's maximum. */
  readonly maxConnectionTimeSeconds?: number;
  /** The host's id; by default a new one or, after a reload of the page, the one used before. */
  readonly hostId?: string;
  /** The host's secret, 16 to 128 characters; by default a random one. Only needed to continue in another process. */
  readonly secret?: string;
}

/** Options of `join`. */
export interface JoinOptions extends CallOptions {
  /** The name of this node for all others, 1 to 40 characters; by default `Node` and its id. */
  readonly name?: string;
  /** This node's id; by default a new one. */
  readonly nodeId?: string;
  /** The node's secret, 16 to 128 characters; by default a random one. Only needed to continue in another process. */
  readonly secret?: string;
}

/** The endpoint as a URL. */
export function endpointOf(given: unknown): URL {
  try {
    const url = new URL(given as string);
    // `localhost:4000` is a URL, too: its scheme is `localhost:`.
    if (/^https?:$/.test(url.protocol)) return url;
  } catch {
    // Not a URL.
  }
  throw wrong(`endpoint must begin with http:// or https://, as in http://192.168.0.5:4000/graphql. It is ${String(given)}`);
}

/** A group that can be joined: programs often take the first one of a list that is empty. */
export function joinable<G extends { readonly id?: unknown; readonly domain?: unknown }>(given: G): G {
  if (typeof given?.id === "string" && typeof given.domain === "string") return given;
  throw wrong("join needs a group, as mesh.groups() lists them");
}

/** A key that fits into headers and sub-protocols. With any other, every call would fail like a broken network. */
export function apiKeyOf(given: unknown): string {
  if (typeof given === "string" && /^[!-~]+$/.test(given)) return given;
  throw wrong("apiKey must be the key that the server shows: ASCII letters, digits and signs, without spaces");
}

/** An interval in milliseconds. */
export function intervalOf(name: string, given: number = 250, most: number = 10_000): number {
  if (given >= 10 && given <= most) return given;
  throw wrong(`${name} must be 10 to ${most} milliseconds`);
}

function wrong(message: string): MeshError {
  return new MeshError("InvalidOption", message);
}
