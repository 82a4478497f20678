/** A proxy between clients and a server that fails in the ways school networks do. */
import { connect, createServer } from "node:net";

const ANSWERS = {
  refuse: "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nBlocked",
  redirect: "HTTP/1.1 302 Found\r\nLocation: http://filter.test/blocked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
};

export class Proxy {
  /** What happens to WebSocket upgrades: `pass`, `refuse` (403), `redirect` (302), `silence`, `reset`. */
  upgrades = "pass";
  /** What happens to other requests: `pass`, or `reset`. */
  requests = "pass";
  #target;
  #server;
  #connections = new Set();

  /** A proxy in front of `host:port`. */
  static async start(target) {
    const proxy = new Proxy();
    proxy.#target = target;
    proxy.#server = createServer((client) => proxy.#serve(client));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.endpoint = `http://127.0.0.1:${proxy.#server.address().port}/graphql`;
    return proxy;
  }

  /** Cuts every WebSocket that is open. */
  cut() {
    for (const { client, isUpgrade } of this.#connections) if (isUpgrade) client.resetAndDestroy();
  }

  /** Cuts every connection, and accepts no new ones. */
  block() {
    this.upgrades = this.requests = "reset";
    for (const { client } of this.#connections) client.resetAndDestroy();
  }

  /** Accepts all connections again. */
  unblock() {
    this.upgrades = this.requests = "pass";
  }

  /** Lets every open WebSocket die in silence: nothing arrives on it any more, and it is not closed. */
  silence() {
    for (const { client, server, isUpgrade } of this.#connections) if (isUpgrade) server?.unpipe(client).resume();
  }

  async end() {
    for (const { client } of this.#connections) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client) {
    const connection = { client, isUpgrade: false };
    this.#connections.add(connection);
    client.on("error", () => {});
    client.on("close", () => this.#connections.delete(connection));
    client.once("data", (head) => {
      connection.isUpgrade = /^upgrade: *websocket/im.test(head.toString("latin1"));
      const mode = connection.isUpgrade ? this.upgrades : this.requests;
      if (mode === "silence") return;
      if (mode === "reset") return client.resetAndDestroy();
      if (ANSWERS[mode]) return client.end(ANSWERS[mode]);
      const [host, port] = this.#target.split(":");
      const server = (connection.server = connect(Number(port), host));
      server.on("error", () => client.destroy());
      server.on("close", () => client.destroy());
      client.on("close", () => server.destroy());
      server.write(head);
      client.pipe(server).pipe(client);
    });
  }
}
