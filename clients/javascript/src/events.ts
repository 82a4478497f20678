/** What a session tells. */
import type { EndReason, MeshError } from "./errors.js";
import type { State } from "./connection.js";
import type { NodesChange, ValueChange } from "./group-state.js";
import type { EventInput, KeyValue } from "./wire.js";

/** An event that another node fired. */
export interface MeshEvent {
  readonly name: string;
  /** Null if it was fired without one. */
  readonly payload: string | null;
  /** The node that fired it. */
  readonly nodeId: string;
  /** When it was fired, by that node's clock: ISO date-time. */
  readonly firedAt: string | null;
}

/** A change of how the session hears its group. */
export interface StateChange {
  readonly state: State;
  /** With `live` and `polling`: false when events were missed for good on the way there. */
  readonly recovered?: boolean | undefined;
}

/** The end of a session. */
export interface SessionEnd {
  readonly reason: EndReason;
  /** The server's words, or the client's, in English. */
  readonly message: string;
}

/** Something that could not be sent and never will. Everything else goes on. */
export interface Refusal {
  readonly error: MeshError;
  /** The events that were refused, if it was events. */
  readonly events?: readonly EventInput[];
  /** The values that were refused, if it was values. */
  readonly data?: readonly KeyValue[];
}

/** The events of a session and their details. */
export interface SessionEvents {
  /** Another node's value changed. */
  value: ValueChange;
  /** Another node fired an event; told with the offset it was fired with. */
  event: MeshEvent;
  /** Nodes came or went. */
  nodes: NodesChange;
  /** The session hears its group in another way, or not. */
  state: StateChange;
  /** Values or events were refused. */
  error: Refusal;
  /** The session is over. Nothing comes after this. */
  ended: SessionEnd;
}

/** One event with its type, as `for await (const ... of session)` yields it. */
export type AnySessionEvent = {
  [Type in keyof SessionEvents]: { readonly type: Type; readonly detail: SessionEvents[Type] };
}[keyof SessionEvents];
