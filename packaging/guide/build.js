/**
 * Makes the guide for teachers out of README.ja.md: one page of HTML that needs nothing else, and a sheet of A4 as
 * PDF. Both are made into the folder target/guide of the project, from where packaging/archive takes them.
 *
 * Needs Chromium for the PDF: CHROMIUM names it, and --html-only does without.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Marked } from 'marked';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'target/guide');
const TYPES = { '.png': 'image/png', '.jpg': 'image/jpeg', '.svg': 'image/svg+xml', '.webp': 'image/webp' };
/** What lies beside the guide in the archives. */
const ARCHIVED = ['README.md', 'LICENSE'];

/** A picture of the project as part of the page. */
const inlined = path => {
  const type = TYPES[extname(path)];
  if (!type) throw new Error(`README.ja.md shows ${path}, which is no picture`);
  return `data:${type};base64,${readFileSync(join(root, path)).toString('base64')}`;
};

const renderer = {
  image({ href, text }) {
    return `<img alt="${text}" src="${/^https?:/.test(href) ? href : inlined(href)}">`;
  },
  /** Links to what is not in the archive would lead nowhere: their text stays. */
  link({ href, tokens }) {
    const text = this.parser.parseInline(tokens);
    const leads = /^(https?:|#)/.test(href) || ARCHIVED.includes(href);
    return leads ? `<a href="${href}">${text}</a>` : text;
  },
};

const markdown = readFileSync(join(root, 'README.ja.md'), 'utf8');
const [, title] = markdown.match(/^# (.*)$/m);
const css = readFileSync(new URL('guide.css', import.meta.url), 'utf8');
// Between Japanese letters a line's end is no space.
const flowing = markdown.replace(/([^\x00-\x7f])\n *(?=[^\x00-\x7f])/g, '$1');
const body = new Marked({ renderer }).parse(flowing);
const html = `<!doctype html>
<html lang="ja">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${css}</style>
<body>
${body}</body>
</html>
`;

const page = join(folder, 'guide.ja.html');
mkdirSync(dirname(page), { recursive: true });
writeFileSync(page, html);

if (!process.argv.includes('--html-only')) {
  const pdf = join(folder, 'guide.ja.pdf');
  const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--no-pdf-header-footer', `--print-to-pdf=${pdf}`];
  execFileSync(chromium, [...options, pathToFileURL(page).href], { stdio: ['ignore', 'ignore', 'ignore'] });
  // Chromium writes the pages' tree without compression.
  const pages = readFileSync(pdf, 'latin1').match(/\/Type\s*\/Page\b/g)?.length;
  if (pages !== 1) throw new Error(`The guide is to be one sheet of A4, and has ${pages} pages: shorten README.ja.md`);
}
