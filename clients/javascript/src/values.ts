/** Checks of what applications set and fire. */
import { MeshError } from "./errors.js";

/** What can be set or fired. It is sent as text. */
export type Scalar = string | number | boolean;

/** How many characters a key may have. */
const KEY_CHARACTERS = 256;

/** The text of a value or payload. Throws if it is neither a string nor a number nor a boolean. */
export function textOf(what: string, given: unknown): string {
  if (typeof given === "string" || typeof given === "number" || typeof given === "boolean") return String(given);
  throw wrong(`${what} must be a string, a number or a boolean, not ${kindOf(given)}`);
}

/** Throws unless this can be the key of a value. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== "string") throw wrong(`The key of a value must be a string, not ${kindOf(key)}`);
  const characters = [...key].length;
  if (characters < 1 || characters > KEY_CHARACTERS) throw wrong(`A key must have 1 to ${KEY_CHARACTERS} characters`);
}

/** Throws unless this can be the name of an event. It may be empty. */
export function checkEventName(name: unknown): asserts name is string {
  if (typeof name !== "string") throw wrong(`The name of an event must be a string, not ${kindOf(name)}`);
}

/** The pairs of an object, a `Map` or a list of pairs. */
export function pairsOf(given: unknown): [unknown, unknown][] {
  if (typeof given !== "object" || given === null) throw wrong(`Values must be an object, a Map or pairs, not ${kindOf(given)}`);
  if (!(Symbol.iterator in given)) return Object.entries(given);
  return Array.from(given as Iterable<unknown>, (pair) => {
    if (!Array.isArray(pair)) throw wrong(`Every item of a list of values must be a pair [key, value], not ${kindOf(pair)}`);
    return [pair[0], pair[1]];
  });
}

/** The kind of a value, in words for messages. */
export function kindOf(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (Array.isArray(given)) return "an array";
  return typeof given === "object" ? "an object" : `a ${typeof given}`;
}

function wrong(message: string): MeshError {
  return new MeshError("ValidationError", message);
}
