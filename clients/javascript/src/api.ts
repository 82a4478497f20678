import { backoff, sleep, type Clock } from "./clock.js";
import { MeshError } from "./errors.js";
import type { Operation } from "./wire.js";

/** How long an answer may take, in milliseconds. */
const ANSWER_TIMEOUT = 15_000;

/** How often requests are tried that have somebody waiting. */
export const MAX_TRIES = 4;

/** What `fetch` takes and gives, as far as it is needed here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Calls the API over HTTP. */
export class Api {
  readonly #endpoint: string;
  readonly #apiKey: string;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  /** Ends the pauses of calls that did not get through. */
  readonly #pauses = new Set<() => void>();

  constructor(endpoint: string, apiKey: string, fetch: Fetch, clock: Clock) {
    this.#endpoint = endpoint;
    this.#apiKey = apiKey;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Sends one request, once. Whatever goes wrong is a {@link MeshError}, an abort the signal's reason. */
  async call<V extends object, D>(operation: Operation<V, D>, variables: V, signal: AbortSignal): Promise<D> {
    const given = new AbortController();
    const abort = () => given.abort(signal.reason);
    const cancel = this.#clock.after(ANSWER_TIMEOUT, () => given.abort());
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      const response = await this.#fetch(this.#endpoint, { ...this.#request(operation, variables), signal: given.signal });
      const data = read<D>(response, await response.text());
      // One gets through: so will those that wait for it.
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

  /** Sends a request that outlives the page, and waits for nothing. */
  callOnUnload<V extends object>(operation: Operation<V, unknown>, variables: V): void {
    this.#fetch(this.#endpoint, { ...this.#request(operation, variables), keepalive: true }).catch(() => {});
  }

  /** Calls until there is an answer: what can succeed later is tried again, `tries` times in all. */
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

  /** Waits to try again: while cut off from the server, no longer than until another call is answered. */
  async #pause(failures: number, isCutOff: boolean, signal: AbortSignal): Promise<void> {
    const pause = new AbortController();
    const end = () => pause.abort();
    if (isCutOff) this.#pauses.add(end);
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

interface Answer {
  data?: unknown;
  errors?: { errorType?: string; message?: string }[];
}

/** The data of an answer. What no mesh would answer (a filter's page, say) may be different next time. */
function read<D>(response: Response, text: string): D {
  let answer: Answer | undefined;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    // Then it is no answer of a mesh.
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
