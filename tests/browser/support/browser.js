import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARTEFACTS = fileURLToPath(new URL('../artefacts/', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A name makes pages what they are in a classroom: on plain http, which is no secure context. */
export const CLASSROOM = 'classroom.test';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  `--host-resolver-rules=MAP ${CLASSROOM} 127.0.0.1`,
];

/** Headless Chromium, ended with `close()`. */
export const startBrowser = (...more) => chromium.launch({ executablePath, args: [...args, ...more] });

/**
 * Opens a page in a profile of its own. `page.problems` gathers what no page of ours may do;
 * `expectNoProblems` looks at it.
 */
export const openPage = async (browser, url, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.problems = [];
  page.on('pageerror', error => page.problems.push(`error: ${error.message}`));
  page.on('console', message => {
    // Refused keys and the like are answers, not faults of a page.
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) page.problems.push(`console: ${message.text()}`);
  });
  const home = new URL(url).host;
  const leaves = target => !['data:', 'blob:'].includes(target.protocol) && target.host !== home;
  page.on('request', request => {
    if (leaves(new URL(request.url()))) page.problems.push(`leaves the machine: ${request.url()}`);
  });
  page.on('websocket', socket => {
    if (leaves(new URL(socket.url()))) page.problems.push(`leaves the machine: ${socket.url()}`);
  });
  await page.goto(url);
  return page;
};

export const expectNoProblems = page => assert.deepEqual(page.problems, []);

/** Keeps what the page looks like as `artefacts/<name>.png`. */
export const screenshot = async (page, name) => {
  mkdirSync(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: `${ARTEFACTS}${name}.png` });
};

/** Runs axe-core over the page or a part of it, contrast included: no violation of WCAG 2.2 AA. */
export const expectAccessible = async (page, part = 'html') => {
  // As the page's policy allows no foreign script, the test puts it in by the debugger.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const { violations } = await page.evaluate(
    part => window.axe.run(part, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
    part,
  );
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.html).join(' | ')}`);
  assert.deepEqual(told, []);
};
