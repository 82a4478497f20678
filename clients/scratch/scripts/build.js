// Builds the extension into the folder that the server's binary embeds. With --check it writes nothing and
// fails if what is there is not what the sources make, or if it is too large.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const inRepository = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const TARGET = inRepository("crates/mesh-server/pages/extension/mesh.js");
/** Bytes that the file may have when it is compressed. */
const MOST_BYTES = 15_000;
/** For people who find the file on their disk. */
const BANNER = "// Mesh for Scratch-like editors. License: MIT\n";

const { outputFiles } = await build({
  absWorkingDir: inRepository("clients/scratch"),
  entryPoints: ["src/index.ts"],
  alias: { "mesh-v2-client": inRepository("clients/javascript/src/index.ts") },
  outfile: TARGET,
  bundle: true,
  minify: true,
  write: false,
  charset: "utf8",
  format: "iife",
  target: "es2022",
  logLevel: "warning",
});
// Terser makes it 4 % smaller still.
const { code } = await minify(outputFiles[0].text, { ecma: 2022, compress: { passes: 3 } });
const made = Buffer.from(`${BANNER}${code}\n`);
const size = gzipSync(made, { level: 9 }).length;
console.log(`mesh.js: ${made.length} bytes, ${size} gzipped`);

if (size > MOST_BYTES) {
  console.error(`More than ${MOST_BYTES} bytes gzipped`);
  process.exitCode = 1;
} else if (!process.argv.includes("--check")) {
  mkdirSync(new URL(".", `file://${TARGET}`), { recursive: true });
  writeFileSync(TARGET, made);
} else if (!existsSync(TARGET) || !readFileSync(TARGET).equals(made)) {
  console.error(`${TARGET} is not what the sources make. Run make extension and commit the result.`);
  process.exitCode = 1;
}
