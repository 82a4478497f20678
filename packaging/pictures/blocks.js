/** A program of a child: the blocks of the extension in Scratch's editor. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPage } from '../../tests/browser/support/browser.js';
import { newFolder } from '../../tests/clients/support/folders.js';
import { startServer } from '../../tests/clients/support/server.js';
import * as b from '../../tests/editors/support/blocks.js';
import { projectFile } from '../../tests/editors/support/project.js';
import { save } from './png.js';

const EDITOR = process.env.EDITOR ?? fileURLToPath(new URL('../../target/pictures/editor/', import.meta.url));
/** The palette and the scripts of the editor, without its menus and its stage. */
const PART = { x: 0, y: 92, width: 764, height: 490 };

const WORDS = {
  en: { group: 'Foxes', score: 'score', goal: 'goal' },
  ja: { group: 'きつね', score: 'とくてん', goal: 'ゴール' },
};

const program = ({ group, score, goal }) =>
  projectFile({
    variables: [score],
    messages: [goal],
    scripts: [
      b.whenFlag(b.block('meshV2_enter', { NAME: group }), b.set(score, 0)),
      b.whenKey(
        'space',
        b.block('data_changevariableby', { VALUE: 1 }, { VARIABLE: score }),
        b.block('meshV2_setValue', { NAME: score, VALUE: b.variable(score) }),
        b.block('meshV2_sendEvent', { EVENT: goal }),
      ),
      [b.block('meshV2_whenEvent', { EVENT: goal }), b.block('looks_sayforsecs', { MESSAGE: b.block('meshV2_getState'), SECS: 2 })],
    ],
  });

export const drawBlocks = async browser => {
  copyFileSync(new URL('editor.html', import.meta.url), join(EDITOR, 'editor.html'));
  const server = await startServer(newFolder(), '--in-memory', '--static', EDITOR);
  const { origin } = new URL(server.endpoint);
  for (const [locale, words] of Object.entries(WORDS)) {
    const page = await openPage(browser, `${origin}/editor.html`, { locale, viewport: { width: 1280, height: 720 } });
    const file = (await program(words)).toString('base64');
    await page.evaluate(given => openEditor(given), { locale, file, extension: `${origin}/extension/mesh.js#key=${server.apiKey}` });
    await page.locator('#meshV2.blocklyToolboxCategory').click();
    // The palette glides there.
    await page.waitForTimeout(1_000);
    save(`blocks.${locale}.png`, [await page.screenshot({ clip: PART })]);
    await page.close();
  }
  await server.stop();
};
