/** Checks of what applications set and fire. */
import { MeshError } from "./errors.js";

/** What can be set or fired. It is sent as text. */
export type Scalar = string | number | boolean;

/** How many characters a key may have. */
const KEY_CHARACTERS = 256;

/** The text of a value or payload. Throws if it is neither a string nor a number nor a boolean. */
export function textOf(what: string, given: unknown): string {
  return String(checked(what, given, ["string", "number", "boolean"]));
}

/** The key of a value. Throws if it is no key. */
export function keyOf(given: unknown): string {
  const key = checked("The key of a value", given, ["string"]) as string;
  const characters = [...key].length;
  if (characters < 1 || characters > KEY_CHARACTERS) throw wrong(`A key must have 1 to ${KEY_CHARACTERS} characters`);
  return key;
}

/** The name of an event, which may be empty. Throws if it is no name. */
export function eventNameOf(given: unknown): string {
  return checked("The name of an event", given, ["string"]) as string;
}

/** The pairs of an object, a `Map` or a list of pairs. */
export function pairsOf(given: unknown): unknown[][] {
  const list = typeof given === "object" && given && !(Symbol.iterator in given) ? Object.entries(given) : given;
  const pairs = typeof list === "object" && list ? [...(list as Iterable<unknown>)] : [list];
  if (pairs.every(Array.isArray)) return pairs as unknown[][];
  throw wrong("Values must be an object, a Map or a list of pairs [key, value]");
}

function checked(what: string, given: unknown, types: string[]): unknown {
  if (types.includes(typeof given)) return given;
  throw wrong(`${what} must be a ${types.join(" or a ")}, not ${given === null ? given : typeof given}`);
}

function wrong(message: string): MeshError {
  return new MeshError("ValidationError", message);
}
