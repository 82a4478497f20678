/** The real server, as its own process. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const API_KEY = "da2-test";

const binary = process.env.MESH_BINARY ?? fileURLToPath(new URL("../../../../target/debug/mesh", import.meta.url));

/** A running `mesh serve`. */
export class MeshServer {
  #arguments;
  #data;
  #process;

  /** Starts a server with additional options. It keeps its data when it is started again. */
  static async start(...options) {
    const server = new MeshServer();
    server.#data = mkdtempSync(join(tmpdir(), "mesh-client-test-"));
    server.#arguments = options;
    await server.start("127.0.0.1:0");
    return server;
  }

  /** Starts the server again, at the same address. */
  async start(listen = this.address) {
    if (!existsSync(binary)) throw new Error(`There is no ${binary}: cargo build -p mesh, or set MESH_BINARY`);
    const options = ["serve", "--listen", listen, "--data", this.#data, "--api-key", API_KEY, "--log-level", "warn"];
    this.#process = spawn(binary, [...options, ...this.#arguments], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    this.#process.stderr.on("data", (text) => (log += text));
    this.endpoint = await new Promise((resolve, reject) => {
      this.#process.once("exit", () => reject(new Error(`The server did not start:\n${log}`)));
      this.#process.stdout.once("data", (line) => resolve(/https?:\S+/.exec(line)[0]));
    });
    this.address = new URL(this.endpoint).host;
  }

  /** Kills the process, without a shutdown. */
  async kill() {
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.exitCode === null && this.#process.kill("SIGKILL")) await exited;
  }

  /** Ends the server and removes its data. */
  async end() {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Sends any GraphQL request, and returns the JSON of the answer. */
  async query(query, variables = {}) {
    const headers = { "content-type": "application/json", "x-api-key": API_KEY };
    const response = await fetch(this.endpoint, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    return response.json();
  }
}
