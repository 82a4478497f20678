/**
 * Builds the console into the folder that the server's binary embeds. With --check it writes nothing and
 * fails if what is there is not what the sources make.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const TARGET = fileURLToPath(new URL('../crates/mesh-server/pages/console/', import.meta.url));

/** Three quarters of GraphiQL's styles are fonts; the system's serve as well. */
const withoutFonts = {
  name: 'without-fonts',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/@font-face\s*\{[^}]*\}/g, ''),
      loader: 'css',
    })),
};

/** The licences of all packages whose code is in the bundle. Some are read, and nothing of them is used. */
const licences = outputs => {
  const inputs = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const names = used.map(path => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path));
  const folders = new Map(names.filter(Boolean).map(([folder, name]) => [folder, name]));
  const texts = [...folders].sort().map(([folder, name]) => {
    const { version, license } = JSON.parse(readFileSync(join(SOURCES, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(SOURCES, folder)).find(entry => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(SOURCES, folder, file), 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  // Some come with CRLF; git keeps text with LF.
  return texts.map(text => text.replaceAll('\r\n', '\n')).join(`\n${'-'.repeat(80)}\n\n`);
};

const { outputFiles, metafile } = await build({
  absWorkingDir: SOURCES,
  entryPoints: ['src/console.jsx'],
  outdir: TARGET,
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [withoutFonts],
});

const files = new Map(outputFiles.map(({ path, contents }) => [path, Buffer.from(contents)]));
files.set(join(TARGET, 'index.html'), readFileSync(join(SOURCES, 'src/index.html')));
files.set(join(TARGET, 'licences.txt'), Buffer.from(licences(metafile.outputs)));

if (process.argv.includes('--check')) {
  const isOld = ([path, contents]) => !existsSync(path) || !readFileSync(path).equals(contents);
  const old = [...files].filter(isOld).map(([path]) => path);
  if (old.length > 0) {
    console.error(`Not what the sources make: ${old.join(', ')}. Run make console and commit the result.`);
    process.exit(1);
  }
} else {
  mkdirSync(TARGET, { recursive: true });
  for (const [path, contents] of files) writeFileSync(path, contents);
}
