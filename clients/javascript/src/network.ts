/**
 * What browsers allow pages to reach. A page on https may not call a server on http, with one exception: in
 * Chrome and Edge, since version 142, a server of the local network, after the user has allowed it. Pages
 * from the local network itself and from files are free. See https://wicg.github.io/local-network-access/.
 */
import { MeshError } from "./errors.js";

/** The way from a page, or from Node, to the server. */
export class Network {
  /** Options of every `fetch`. */
  readonly requestOptions: object;
  /** What the user or developer can do if the server does not answer. */
  readonly #advice: string | undefined;

  /** `page` is the address of the page; undefined outside of browsers. */
  constructor(endpoint: URL, page: string | undefined) {
    const { protocol, hostname } = new URL(page ?? "file:///");
    const isBlocked = protocol === "https:" && endpoint.protocol === "http:";
    const isOutside = /^https?:$/.test(protocol) && !isLocal(hostname);
    const isInside = isLocal(endpoint.hostname);
    this.requestOptions = isBlocked && !isInside ? { targetAddressSpace: "local" } : {};
    if (protocol === "https:" && (isBlocked || (isOutside && isInside))) {
      this.#advice =
        "If it runs, the browser may have blocked the request: allow local network access for this page " +
        "(Chrome and Edge ask for it, or show it in the site settings beside the address), or use an https endpoint";
    } else if (isOutside && isInside) {
      this.#advice =
        "If it runs, the browser may have blocked the request: only a page on https can be allowed local " +
        "network access. Open this page by https, or serve it from the local network";
    }
  }

  /** The error for a request without an answer. */
  errorOf(cause: unknown): MeshError {
    const type = this.#advice ? "LocalNetworkError" : "NetworkError";
    const message = this.#advice ? `The server did not answer. ${this.#advice}` : "The server did not answer";
    return new MeshError(type, message, { retryable: true, cause });
  }
}

/** Whether a host is certainly this machine or in the local network. Other names may be in it, too. */
function isLocal(hostname: string): boolean {
  return (
    /^(localhost|.+\.localhost|.+\.local)$/.test(hostname) ||
    /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01]))(\.\d+)+$/.test(hostname) ||
    /^\[(::1|f[cd]..:.*|fe[89ab].:.*)\]$/.test(hostname)
  );
}
