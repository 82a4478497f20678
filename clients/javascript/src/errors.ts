/** Errors of the package, and the reasons for which a session ends. */

/** The error that all calls of the package throw or reject with. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  /**
   * The kind of error, a stable word: the server's `errorType` (`GroupNotFound`, `Unauthorized`,
   * `NodeNotFound`, `ValidationError`, `UnauthorizedException`, ...), or one of the client's own:
   * `NetworkError` (no answer, or one that is not from a mesh), `WebSocketError` (a socket failed),
   * `LimitExceeded` (too many events wait to be sent), `SessionEnded` (it ended before it started).
   */
  readonly type: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  constructor(type: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.retryable = options.retryable ?? false;
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
  /** The key is wrong, or another node is the host. */
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
