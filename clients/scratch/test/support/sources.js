// TypeScript modules of src/ for tests in Node, which runs JavaScript alone.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What these modules export, together. */
export const sources = async (...names) => {
  const contents = names.map((name) => `export * from "./${name}.ts";`).join("\n");
  const resolveDir = fileURLToPath(new URL("../../src/", import.meta.url));
  const { outputFiles } = await build({ stdin: { contents, resolveDir }, bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
};
