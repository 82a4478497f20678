// The page on mesh-v2-client: there is nothing to write between the package and the page.
import { run } from "./app.js";
import { Mesh } from "./vendor/mesh-v2-client.js";

run((options) => new Mesh(options));
