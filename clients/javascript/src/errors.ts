/** Errors of the package, and the reasons for which a session ends. */

/** The error that all calls of the package throw or reject with. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  /**
   * The kind of error, a stable word: the server's `errorType` (`GroupNotFound`, `Unauthorized`,
   * `NodeNotFound`, `ValidationError`, `UnauthorizedException`, ...), or one of the client's own:
   * `NetworkError` (no answer, or one that is not from a mesh), `LocalNetworkError` (no answer from a
   * server of the local network, maybe because the browser does not allow the request), `WebSocketError`
   * (a socket failed), `LimitExceeded` (too many events wait to be sent), `InvalidOption` (an option is
   * missing or wrong), `SessionEnded` (it ended before it started).
   */
  readonly type: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The milliseconds after which the server wants the next try, if it says so. */
  readonly retryAfter: number | undefined;

  constructor(type: string, message: string, options: { retryable?: boolean; retryAfter?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.retryable = options.retryable ?? false;
    this.retryAfter = options.retryAfter;
  }
}

/** Why a session has ended. */
export type EndReason =
  /** This node left. */
  | "left"
  /** The host dissolved the group, left, or sent no heartbeat for too long. */
  | "dissolved"
  /** The group reached its maximum time. */
  | "expired"
  /** The server does not know the group. */
  | "groupNotFound"
  /** The server does not know this node, because it sent no heartbeat for too long. */
  | "nodeNotFound"
  /** The key is wrong, another node is the host, or this node is protected by the secret of another session. */
  | "unauthorized";

const ENDS = new Map<string, EndReason>([
  ["GroupNotFound", "groupNotFound"],
  ["NodeNotFound", "nodeNotFound"],
  ["Unauthorized", "unauthorized"],
  ["UnauthorizedException", "unauthorized"],
]);

/** The reason for which this error ends a session; undefined if it does not end it. */
export function endReason(error: unknown): EndReason | undefined {
  if (!(error instanceof MeshError)) return undefined;
  const reason = ENDS.get(error.type);
  return reason === "groupNotFound" && /expired/i.test(error.message) ? "expired" : reason;
}

/** What a retryable error says about the next try. */
export type Obstacle =
  /** The server was not reached. Any answer to another call shows that it can be reached again. */
  | "network"
  /** The server had too many calls. It did nothing. */
  | "throttled"
  /** The server failed at this call. It may fail at it always. */
  | "server";

const NETWORK = /^(Local)?NetworkError$/;
/** AppSync's words for too many calls, its own and those of Lambda, and the word of `mesh serve`. */
const THROTTLED = /Throttl|TooManyRequests|^LimitExceededError$/;
/** Our own word for a failed store, and AppSync's words for a function that failed or took too long. */
const SERVER = /^(InternalFailure|ExecutionTimeout|Lambda:.*)$/;

/** Why a call failed that may succeed later; undefined if it cannot succeed later. */
export function obstacleOf(type: string, httpStatus = 200): Obstacle | undefined {
  if (NETWORK.test(type)) return "network";
  if (httpStatus === 429 || THROTTLED.test(type)) return "throttled";
  return httpStatus >= 500 || SERVER.test(type) ? "server" : undefined;
}

/** Whether a server refused a call only because it does not know node secrets and names, which came later. */
export function isUnknownArgument(error: unknown): boolean {
  // AppSync and `mesh serve` word it differently, but both name the argument.
  return error instanceof MeshError && /^Validation error of type .*\bargument\b.*\b(secret|name)\b/s.test(error.message);
}
