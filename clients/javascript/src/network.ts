/**
 * What browsers allow pages to reach. A page on https may not call a server on http, with one exception: in
 * Chrome and Edge, since version 142, a server of the local network, after the user has allowed it. Pages on
 * http and from files are free within the local network. See https://wicg.github.io/local-network-access/.
 */
import { MeshError } from "./errors.js";

/** The way from a page, or from Node, to the server. */
export class Network {
  /** Options of every `fetch`. */
  readonly requestOptions: object;
  /** Whether the browser blocks requests until the user allows them. */
  readonly #needsPermission: boolean;

  /** `page` is the address of the page; undefined outside of browsers. */
  constructor({ protocol, hostname }: URL, page = "") {
    this.#needsPermission = page.startsWith("https:") && protocol === "http:";
    // Of addresses the browser knows that they are local. Of names it must be told before it looks them up.
    const isName = !/^[\d.[].*|localhost$|\.local$/.test(hostname);
    this.requestOptions = this.#needsPermission && isName ? { targetAddressSpace: "local" } : {};
  }

  /** The error for a request without an answer. */
  errorOf(cause: unknown): MeshError {
    const options = { retryable: true, cause };
    if (!this.#needsPermission) return new MeshError("NetworkError", "The server did not answer", options);
    const message = "The server did not answer. If it runs, allow local network access for this page in the browser's site settings";
    return new MeshError("LocalNetworkError", message, options);
  }
}
