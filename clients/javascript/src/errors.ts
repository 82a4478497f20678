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

/** The server did nothing: it was not reached, or it or AppSync or Lambda had too many calls. */
const NOTHING_DONE = /NetworkError$|Throttl|TooManyRequests|^LimitExceededError$/;
/** Our own word for a failed store, and AppSync's words for a function that failed or took too long. */
const SERVER_FAILED = /^(InternalFailure|ExecutionTimeout|Lambda:.*)$/;

/** Whether an answer of the server says that the same call may succeed later. */
export function isRetryable(type: string, httpStatus: number): boolean {
  return httpStatus === 429 || httpStatus >= 500 || NOTHING_DONE.test(type) || SERVER_FAILED.test(type);
}

/** Whether the server failed at a call. It may fail at it always, so tries have a bound. */
export function isServerFailure({ type }: MeshError): boolean {
  return !NOTHING_DONE.test(type);
}

/** Whether the server was not reached. Any answer to another call shows that it can be reached again. */
export function isUnreachable({ type }: MeshError): boolean {
  return type.endsWith("NetworkError");
}

/** Whether a server refused a call only because it does not know node secrets and names, which came later. */
export function isUnknownArgument(error: unknown): boolean {
  // The words of AppSync, and those of `mesh serve`.
  return error instanceof MeshError && /UnknownArgument: .*\b(secret|name)\b|`(secret|name)` is not supported/.test(error.message);
}
