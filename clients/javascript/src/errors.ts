/** Anything that went wrong with a mesh. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  /**
   * The kind of error, a stable word: the server's `errorType` (`GroupNotFound`, `Unauthorized`,
   * `NodeNotFound`, `ValidationError`, `UnauthorizedException`, ...), or one of the client's own:
   * `NetworkError` (no answer, or none that a mesh gives), `WebSocketError` (the same of a socket),
   * `LimitExceeded` (more is waiting to be sent than is kept), `SessionEnded` (it ended before it began).
   */
  readonly type: string;
  /** Whether the same call may well succeed later. */
  readonly retryable: boolean;

  constructor(type: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.retryable = options.retryable ?? false;
  }
}

/** Why a session is over. */
export type EndReason =
  /** This node left it. */
  | "left"
  /** Its host dissolved it, left, or fell silent. */
  | "dissolved"
  /** Its time was over. */
  | "expired"
  /** The server does not know the group (any more). */
  | "groupNotFound"
  /** The server does not know this node as one of the group: it was silent for too long. */
  | "nodeNotFound"
  /** The key is not valid any more, or another node is the host. */
  | "unauthorized";

const ENDS = new Map<string, EndReason>([
  ["GroupNotFound", "groupNotFound"],
  ["NodeNotFound", "nodeNotFound"],
  ["Unauthorized", "unauthorized"],
  ["UnauthorizedException", "unauthorized"],
]);

/** Why an error ends a session, or undefined if it does not. */
export function endReason(error: unknown): EndReason | undefined {
  if (!(error instanceof MeshError)) return undefined;
  const reason = ENDS.get(error.type);
  return reason === "groupNotFound" && /expired/i.test(error.message) ? "expired" : reason;
}
