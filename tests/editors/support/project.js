// Projects as files: a stage with variables, and one sprite with scripts.
import JSZip from '@turbowarp/jszip';
import { createHash } from 'node:crypto';
import { table } from './blocks.js';

const COSTUME = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"></svg>';
const COSTUME_ID = createHash('md5').update(COSTUME).digest('hex');

const target = more => ({
  variables: {},
  lists: {},
  broadcasts: {},
  blocks: {},
  comments: {},
  currentCostume: 0,
  costumes: [{ name: 'dot', dataFormat: 'svg', assetId: COSTUME_ID, md5ext: `${COSTUME_ID}.svg`, rotationCenterX: 1, rotationCenterY: 1 }],
  sounds: [],
  volume: 100,
  ...more,
});

/** The .sb3 file of a project; `extension` is the address of the Mesh extension, `extensions` are those it needs. */
export const projectFile = ({ variables = [], extensions = ['meshV2'], lists = [], messages = [], scripts, extension }) => {
  const named = (names, what) => Object.fromEntries(names.map(name => [name, what(name)]));
  const stage = target({
    isStage: true,
    name: 'Stage',
    variables: named(variables, name => [name, 0, ...(name.startsWith('☁ ') ? [true] : [])]),
    lists: named(lists, name => [name, []]),
    broadcasts: named(messages, name => name),
    layerOrder: 0,
    tempo: 60,
    videoTransparency: 50,
    videoState: 'off',
    textToSpeechLanguage: null,
  });
  const sprite = target({
    isStage: false,
    name: 'Cat',
    blocks: table(scripts),
    layerOrder: 1,
    visible: true,
    x: 0,
    y: 0,
    size: 100,
    direction: 90,
    draggable: false,
    rotationStyle: 'all around',
  });
  const project = {
    targets: [stage, sprite],
    monitors: [],
    extensions,
    ...(extension && { extensionURLs: { meshV2: extension } }),
    meta: { semver: '3.0.0', vm: '0.2.0', agent: '' },
  };
  const zip = new JSZip();
  zip.file('project.json', JSON.stringify(project));
  zip.file(`${COSTUME_ID}.svg`, COSTUME);
  return zip.generateAsync({ type: 'nodebuffer' });
};
