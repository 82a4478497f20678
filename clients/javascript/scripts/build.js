// Builds dist/: the modules with their types, and two files with everything for pages without a bundler.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", "tsconfig.json"], { cwd: root, stdio: "inherit" });
const options = { absWorkingDir: root, bundle: true, minify: true, target: "es2022", logLevel: "warning" };
await build({ ...options, entryPoints: ["dist/index.js"], outfile: "dist/bundle.js", format: "esm" });
// For a plain <script>, which also works in a page from a file: it makes the class Mesh global.
const global = { contents: 'import { Mesh } from "./dist/index.js"; globalThis.Mesh = Mesh;', resolveDir: root };
await build({ ...options, stdin: global, outfile: "dist/global.js", format: "iife" });
