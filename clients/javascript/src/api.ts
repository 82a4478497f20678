/** Calls of the API over HTTP, with timeouts and retries. */
import { backoff, sleep, type Clock } from "./clock.js";
import { isRetryable, isServerFailure, isUnreachable, MeshError } from "./errors.js";
import type { Network } from "./network.js";
import { documentOf, type Operation } from "./wire.js";

/** How long an answer may take, in milliseconds. */
const ANSWER_TIMEOUT = 15_000;
/** How often a request is tried while a caller waits for it. */
export const MAX_TRIES = 4;
/** How often a call may fail in the server itself: with the pauses between the tries that is about a minute. */
const MAX_SERVER_FAILURES = 8;
/** The longest time that a server may ask a client to wait, in milliseconds. */
const LONGEST_RETRY_AFTER = 60_000;

/** The used part of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What an API is called with. */
export interface ApiOptions {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly network: Network;
}

/** Calls the API over HTTP. */
export class Api {
  readonly #options: ApiOptions;
  /** Each ends the pause of one call that could not reach the server. */
  readonly #pauses = new Set<() => void>();

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Sends one request once. Rejects with a {@link MeshError}, or after an abort with the signal's reason. */
  async call<V extends object, D>(operation: Operation<V, D>, variables: V, signal: AbortSignal): Promise<D> {
    const { endpoint, fetch, clock, network } = this.#options;
    const given = new AbortController();
    const abort = () => given.abort(signal.reason);
    const cancel = clock.after(ANSWER_TIMEOUT, () => given.abort());
    signal.addEventListener("abort", abort);
    try {
      signal.throwIfAborted();
      const response = await fetch(endpoint, { ...this.#request(operation, variables), signal: given.signal });
      const data = read<D>(response, await response.text());
      // The server can be reached again, so waiting calls are sent now.
      for (const end of this.#pauses) end();
      return data;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof MeshError ? error : network.errorOf(error);
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Sends a request that is completed even if the page is closed. Its answer is ignored. */
  callOnUnload<V extends object>(operation: Operation<V, unknown>, variables: V): void {
    const { endpoint, fetch } = this.#options;
    fetch(endpoint, { ...this.#request(operation, variables), keepalive: true }).catch(() => {});
  }

  /**
   * Sends a request up to `tries` times, until it is answered or refused for good. If the variables are a
   * function, it is called for each try.
   */
  async callUntilAnswered<V extends object, D>(
    operation: Operation<V, D>,
    variables: V | (() => V),
    signal: AbortSignal,
    tries = Infinity,
  ): Promise<D> {
    let serverFailures = 0;
    for (let failures = 1; ; failures++) {
      try {
        return await this.call(operation, typeof variables === "function" ? variables() : variables, signal);
      } catch (error) {
        if (!(error instanceof MeshError && error.retryable)) throw error;
        if (isServerFailure(error)) serverFailures++;
        if (failures >= tries || serverFailures >= MAX_SERVER_FAILURES) throw error;
        const wait = Math.max(backoff(failures - 1, this.#options.clock), error.retryAfter ?? 0);
        await this.#pause(wait, isUnreachable(error), signal);
      }
    }
  }

  /** Waits before the next try. If the server could not be reached, the wait ends when another call is answered. */
  async #pause(wait: number, canEndEarly: boolean, signal: AbortSignal): Promise<void> {
    const pause = new AbortController();
    const end = () => pause.abort();
    if (canEndEarly) this.#pauses.add(end);
    signal.addEventListener("abort", end);
    await sleep(this.#options.clock, wait, pause.signal).catch(() => {});
    signal.removeEventListener("abort", end);
    this.#pauses.delete(end);
  }

  #request<V extends object>(operation: Operation<V, unknown>, variables: V): RequestInit {
    const { apiKey, network } = this.#options;
    return {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": apiKey },
      body: JSON.stringify({ query: documentOf(operation, variables), variables }),
      ...network.requestOptions,
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
  const retryAfter = retryAfterOf(response);
  if (error?.errorType) {
    const { errorType, message = errorType } = error;
    throw new MeshError(errorType, message, { retryable: isRetryable(errorType, response.status), retryAfter });
  }
  if (error) throw new MeshError("ServerError", error.message ?? "The server refused the call");
  if (!response.ok || !answer?.data) {
    const message = `This is no answer of a mesh (HTTP ${response.status}). Check the endpoint`;
    throw new MeshError("NetworkError", message, { retryable: true, retryAfter });
  }
  return answer.data as D;
}

/** The milliseconds of the header `retry-after`, if it has a number of seconds. */
function retryAfterOf({ headers }: Response): number | undefined {
  const milliseconds = Number(headers.get("retry-after") ?? NaN) * 1_000;
  return milliseconds > 0 ? Math.min(milliseconds, LONGEST_RETRY_AFTER) : undefined;
}
