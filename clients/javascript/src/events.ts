/** The types of the events of a session. */
import type { EndReason, MeshError } from "./errors.js";
import type { State } from "./connection.js";
import type { NodesChange, ValueChange } from "./group-state.js";
import type { EventInput, KeyValue } from "./wire.js";

/** An event that another node fired. */
export interface MeshEvent {
  readonly name: string;
  /** Null if it was fired without a payload. */
  readonly payload: string | null;
  /** The node that fired it. */
  readonly nodeId: string;
  /** When it was fired, by that node's clock: ISO date-time. */
  readonly firedAt: string | null;
}

/** A change of the session's state. */
export interface StateChange {
  readonly state: State;
  /** Only with `live` and `polling`: false when events were lost for good before. */
  readonly recovered?: boolean | undefined;
}

/** The end of a session. */
export interface SessionEnd {
  readonly reason: EndReason;
  /** An explanation in English, for developers. */
  readonly message: string;
}

/** Values or events that the server refused. They are not sent again. The session goes on. */
export interface Refusal {
  readonly error: MeshError;
  /** The refused events, if there are any. */
  readonly events?: readonly EventInput[];
  /** The refused values, if there are any. */
  readonly data?: readonly KeyValue[];
}

/** The events of a session: type and detail. */
export interface SessionEvents {
  /** Another node's value changed. */
  value: ValueChange;
  /** Another node fired an event. Events keep the intervals in which they were fired. */
  event: MeshEvent;
  /** Nodes joined or left. */
  nodes: NodesChange;
  /** The state changed. */
  state: StateChange;
  /** The server refused values or events. */
  error: Refusal;
  /** The session has ended. This is the last event. */
  ended: SessionEnd;
}

/** One event with its type, as `for await (const ... of session)` yields it. */
export type AnySessionEvent = {
  [Type in keyof SessionEvents]: { readonly type: Type; readonly detail: SessionEvents[Type] };
}[keyof SessionEvents];
