// Prints how many bytes a page loads for this package, minified and gzipped: npm run size
// With --compare also those of aws-amplify's API package: npm run size -- --compare
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const AMPLIFY = "aws-amplify@6.22.1";

/** The bytes of a program with all that it imports, bundled by esbuild, as {minified, gzipped}. */
export async function measure(program, resolveDir) {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const [{ contents }] = outputFiles;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
}

/** The bytes of a page that uses this package. */
export function measureOwn() {
  const program = 'import { Mesh } from "./dist/index.js"; globalThis.use = Mesh;';
  return measure(program, fileURLToPath(new URL("..", import.meta.url)));
}

/** The bytes of a page that calls and subscribes with aws-amplify. */
async function measureAmplify() {
  const folder = mkdtempSync(join(tmpdir(), "mesh-client-size-"));
  try {
    writeFileSync(join(folder, "package.json"), "{}");
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", AMPLIFY], { cwd: folder, stdio: "ignore" });
    const program = `
      import { Amplify } from "aws-amplify";
      import { generateClient } from "aws-amplify/api";
      globalThis.use = [Amplify, generateClient];`;
    return await measure(program, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(name, { minified, gzipped }) {
  const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`.padStart(9);
  console.log(`${name.padEnd(20)} ${kilobytes(minified)} minified ${kilobytes(gzipped)} gzipped`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  print("mesh-v2-client", await measureOwn());
  if (process.argv.includes("--compare")) print(AMPLIFY, await measureAmplify());
}
