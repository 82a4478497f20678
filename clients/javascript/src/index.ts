/** The public interface of the package: a node of a Mesh v2 group, in browsers and in Node. See README.md. */
export { MeshError, type EndReason } from "./errors.js";
export type { AnySessionEvent, MeshEvent, Refusal, SessionEnd, SessionEvents, StateChange } from "./events.js";
export type { Cancel, Clock } from "./clock.js";
export type { State } from "./connection.js";
export { Mesh } from "./mesh.js";
export type { MeshNode, NodesChange, Value, ValueChange } from "./group-state.js";
export type { CallOptions, CreateOptions, JoinOptions, MeshOptions } from "./options.js";
export { Session, type SessionGroup } from "./session.js";
export type { WebSocketConstructor, WebSocketLike } from "./socket.js";
export type { Scalar } from "./values.js";
export type { Group } from "./wire.js";
