// Starts the page with mesh-v2-client.
import { run } from "./app.js";
import { Mesh } from "./vendor/mesh-v2-client.js";

run((options) => new Mesh(options));
