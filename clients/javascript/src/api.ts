/** Calls of the API over HTTP, with timeouts and retries. */
import { backoff, sleep, type Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import type { Operation } from "./wire.js";

/** How long an answer may take, in milliseconds. */
const ANSWER_TIMEOUT = 15_000;

/** How often a request is tried while a caller waits for it. */
export const MAX_TRIES = 4;

/** The used part of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Calls the API over HTTP. */
export class Api {
  readonly #endpoint: string;
  readonly #apiKey: string;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  /** Each ends the pause of one call that could not reach the server. */
  readonly #pauses = new Set<() => void>();

  constructor(endpoint: string, apiKey: string, fetch: Fetch, clock: Clock) {
    this.#endpoint = endpoint;
    this.#apiKey = apiKey;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Sends one request once. Rejects with a {@link MeshError}, or after an abort with the signal's reason. */
  async call<V extends object, D>(operation: Operation<V, D>, variables: V, signal: AbortSignal): Promise<D> {
    const given = new AbortController();
    const abort = () => given.abort(signal.reason);
    const cancel = this.#clock.after(ANSWER_TIMEOUT, () => given.abort());
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      const response = await this.#fetch(this.#endpoint, { ...this.#request(operation, variables), signal: given.signal });
      const data = read<D>(response, await response.text());
      // The server can be reached again, so waiting calls are sent now.
      for (const end of this.#pauses) end();
      return data;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MeshError) throw error;
      throw new MeshError("NetworkError", "The server did not answer", { retryable: true, cause: error });
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Sends a request that is completed even if the page is closed. Its answer is ignored. */
  callOnUnload<V extends object>(operation: Operation<V, unknown>, variables: V): void {
    this.#fetch(this.#endpoint, { ...this.#request(operation, variables), keepalive: true }).catch(() => {});
  }

  /** Sends a request up to `tries` times, until it is answered or refused for good. */
  async callUntilAnswered<V extends object, D>(
    operation: Operation<V, D>,
    variables: V,
    signal: AbortSignal,
    tries = Infinity,
  ): Promise<D> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.call(operation, variables, signal);
      } catch (error) {
        if (!(error instanceof MeshError && error.retryable) || failures + 1 >= tries) throw error;
        await this.#pause(failures, error.type === "NetworkError", signal);
      }
    }
  }

  /** Waits before the next try. If the server could not be reached, the wait ends when another call is answered. */
  async #pause(failures: number, isUnreachable: boolean, signal: AbortSignal): Promise<void> {
    const pause = new AbortController();
    const end = () => pause.abort();
    if (isUnreachable) this.#pauses.add(end);
    signal.addEventListener("abort", end);
    await sleep(this.#clock, backoff(failures, this.#clock), pause.signal).catch(() => {});
    signal.removeEventListener("abort", end);
    this.#pauses.delete(end);
  }

  #request(operation: Operation<never, unknown>, variables: object): RequestInit {
    return {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": this.#apiKey },
      body: JSON.stringify({ query: operation.document, variables }),
    };
  }
}

/** The body of an answer. */
interface Answer {
  data?: unknown;
  errors?: { errorType?: string; message?: string }[];
}

/** The data of an answer. An answer that is not from a mesh, such as a filter's page, is a retryable error. */
function read<D>(response: Response, text: string): D {
  let answer: Answer | undefined;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    // Not JSON, so it is not from a mesh.
  }
  const error = answer?.errors?.[0];
  if (error?.errorType) {
    const { errorType, message = errorType } = error;
    const retryable = response.status === 429 || response.status >= 500 || errorType === "InternalFailure";
    throw new MeshError(errorType, message, { retryable });
  }
  if (error) throw new MeshError("ServerError", error.message ?? "The server refused the call");
  if (!response.ok || !answer?.data) {
    throw new MeshError("NetworkError", `This is no answer of a mesh (HTTP ${response.status})`, { retryable: true });
  }
  return answer.data as D;
}
