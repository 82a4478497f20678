// Editors as pages of a folder that `mesh serve --static` serves: TurboWarp's machine without its windows.
import { copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage } from '../../browser/support/browser.js';
import { newFolder } from '../../clients/support/folders.js';
import { startServer } from '../../clients/support/server.js';

const PACKAGER = dirname(createRequire(import.meta.url).resolve('@turbowarp/packager'));
/** How long a test waits for what a block says, in milliseconds. */
const PATIENCE = 15_000;
const ADMIN_KEY = 'admin-the-teachers';
const PAGE = fileURLToPath(new URL('editor.html', import.meta.url));

/** A server with the editor beside its API, ended with `stop()`. */
export const startClassroom = async (...options) => {
  const folder = newFolder();
  cpSync(join(PACKAGER, 'scaffolding'), join(folder, 'scaffolding'), { recursive: true });
  copyFileSync(PAGE, join(folder, 'editor.html'));
  const server = await startServer(newFolder(), '--in-memory', '--admin-key', ADMIN_KEY, '--static', folder, ...options);
  const origin = new URL(server.endpoint).origin;
  const ask = async (query, variables) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': server.apiKey };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
    const { data, errors } = await response.json();
    if (errors) throw new Error(errors[0].message);
    return Object.values(data)[0];
  };
  // A certificate of this moment is not trusted, and nobody asks such a server here.
  const domain = origin.startsWith('https:') ? undefined : await ask('mutation { createDomain }');
  return {
    ...server,
    domain,
    /** The living groups of a name. */
    groups: async name =>
      (await ask('query ($d: String!) { listGroupsByDomain(domain: $d) { id name } }', { d: domain })).filter(
        group => group.name === name,
      ),
    /** Creates a group, as another client does. */
    host: name =>
      ask('mutation ($n: String!, $h: ID!, $d: String!) { createGroup(name: $n, hostId: $h, domain: $d) { id } }', {
        n: name,
        h: name,
        d: domain,
      }),
    nodes: id => ask('query ($i: ID!, $d: String!) { listNodesInGroup(groupId: $i, domain: $d) { id } }', { i: id, d: domain }),
    origin,
    /** The link to the extension, with the key or without. */
    extension: `${origin}/extension/mesh.js`,
    keyed: `${origin}/extension/mesh.js#key=${server.apiKey}`,
    /** The host of cloud variables. */
    cloudHost: `${origin.replace(/^http/, 'ws')}/cloud/${server.apiKey}`,
    /** The code that the board shows as long as there is no group. The board stays open. */
    code: async browser => {
      const board = await openPage(browser, `${origin}/board/#key=${ADMIN_KEY}`);
      return board.locator('#lobby-code', { hasText: /^[A-Z]{3} [A-Z]{3}$/ }).textContent();
    },
    /** Puts a file beside the pages; gives its address. */
    put: (name, contents) => {
      writeFileSync(join(folder, name), contents);
      return `${origin}/${name}`;
    },
  };
};

/** What a test may ask of a page with a project. */
const project = page => ({
  page,
  /** Presses and releases a key, as a child does. */
  press: key => page.keyboard.press(key),
  /** What a reporter of the extension says. */
  says: (opcode, args = {}) => page.evaluate(([opcode, args]) => block(opcode, args), [opcode, args]),
  /** Runs a command of the extension, until it is done. */
  does: (opcode, args = {}) => page.evaluate(async ([opcode, args]) => void (await block(opcode, args)), [opcode, args]),
  /** What a reporter says as soon as that is right. */
  eventually: async (opcode, args, isRight) => {
    let said;
    for (const end = Date.now() + PATIENCE; Date.now() < end; await page.waitForTimeout(50)) {
      said = await page.evaluate(([opcode, args]) => block(opcode, args), [opcode, args]);
      if (isRight(said)) return said;
    }
    throw new Error(`${opcode} still says ${said}`);
  },
  /** The same page after a reload. */
  reopened: () => packed(page),
  value: name => page.evaluate(name => variable(name).value, name),
  /** Waits until a variable or a list has this value. */
  until: (name, value) => seen(page, name, value, ([name, value]) => String(variable(name).value) === String(value)),
  /** Waits until a list has so many items. */
  untilLong: (name, count) => seen(page, name, `${count} items`, ([name, count]) => variable(name).value.length === parseInt(count)),
});

const seen = async (page, name, wanted, isThere) => {
  await page.waitForFunction(isThere, [name, wanted]).catch(async () => {
    const [is, state] = await page.evaluate(async name => [variable(name).value, await block('getState')], name);
    throw new Error(`${name} is ${is} instead of ${wanted}; the mesh: ${state}`);
  });
};

/**
 * Opens a project in TurboWarp. `sandbox` is `unsandboxed`, `iframe` or `worker`, as the editor decides by the
 * extension's address and the user's choice; `prepare` is given the page before the project is.
 */
export const openInTurboWarp = async (browser, classroom, file, options = {}) => {
  const { sandbox = 'unsandboxed', extension, compiler = true, prepare, ...context } = options;
  const page = await openPage(browser, `${classroom.origin}/editor.html`, { locale: 'en-US', ...context });
  await prepare?.(page);
  const given = { file: file.toString('base64'), sandbox, extension: extension ?? classroom.keyed, compiler };
  await page.evaluate(given => openInTurboWarp(given), given);
  return project(page);
};

/** Opens a project in Xcratch, which runs the extension in a second instance that it makes by itself. */
export const openInXcratch = async (browser, classroom, file, { extension, ...options } = {}) => {
  const page = await openPage(browser, `${classroom.origin}/editor.html`, { locale: 'en-US', ...options });
  const given = { file: file.toString('base64'), extension: extension ?? classroom.keyed };
  await page.evaluate(given => openInXcratch(given), given);
  return project(page);
};

/** Opens a packed project, which needs no editor. */
export const openPacked = async (browser, address, options = {}) => {
  const page = await openPage(browser, address, { locale: 'en-US', ...options });
  return packed(page);
};

const packed = async page => {
  await page.waitForFunction(() => globalThis.vm?.runtime.getTargetForStage());
  await page.addScriptTag({ content: HELPERS });
  return project(page);
};

/** The two helpers of editor.html, for pages that are not ours. */
const HELPERS = `
  variable = name => Object.values(vm.runtime.getTargetForStage().variables).find(each => each.name === name);
  block = (opcode, args = {}) => vm.runtime.getOpcodeFunction('meshV2_' + opcode)(args, {});
`;
