// Bundles the two libraries into page/vendor/, which is committed. So neither the page nor its server needs
// Node. `--check` fails if the committed files are not what this would make.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const vendor = `${root}page/vendor/`;

const amplify = `
  export { Amplify } from "aws-amplify";
  export { CONNECTION_STATE_CHANGE, generateClient } from "aws-amplify/api";
  export { Hub } from "aws-amplify/utils";`;

async function bundle(source) {
  const options = { bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none" };
  const { outputFiles, metafile } = await build({ absWorkingDir: root, ...options, ...source, metafile: true, write: false });
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}

/** The licences of the packages of these files, each text once, ordered by the packages' names. */
function licences(files) {
  const folders = new Set(files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+\//.exec(file)?.[0]).filter(Boolean));
  const packages = Array.from(folders, (folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${root}${folder}package.json`, "utf8"));
    const file = readdirSync(root + folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(`${root}${folder}${file}`, "utf8").trim() : `Licence: ${license}`;
    // Some come with CRLF; git keeps text with LF.
    return { title: `${name} ${version}`, text: text.replaceAll("\r\n", "\n") };
  });
  const byText = new Map();
  for (const { title, text } of packages.sort((one, other) => (one.title < other.title ? -1 : 1))) {
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  return Array.from(byText, ([text, titles]) => `${titles.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}

const own = await bundle({ entryPoints: ["../../clients/javascript/src/index.ts"] });
const library = await bundle({ stdin: { contents: amplify, resolveDir: root } });
const made = {
  "mesh-v2-client.js": own.text,
  "aws-amplify.js": library.text,
  "aws-amplify.licences.txt": licences(library.inputs),
};

if (process.argv.includes("--check")) {
  const isOld = ([name, text]) => !existsSync(vendor + name) || readFileSync(vendor + name, "utf8") !== text;
  const old = Object.entries(made).filter(isOld).map(([name]) => name);
  if (old.length) {
    console.error(`Not what the sources make: page/vendor/${old.join(", ")}. Run npm run build, and commit the result.`);
    process.exitCode = 1;
  }
} else {
  for (const [name, text] of Object.entries(made)) writeFileSync(vendor + name, text);
}
