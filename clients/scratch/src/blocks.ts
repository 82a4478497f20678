/** What the palette shows. Ids, menus and arguments that Smalruby's Mesh has are the same here. */
import type { Texts } from "./texts.js";

/** The extension's id in projects. */
export const EXTENSION_ID = "meshV2";

const COLOR = "#0f766e";

/** Three nodes that know each other. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" fill="none" stroke="${COLOR}" stroke-linecap="round">` +
    '<path d="M4.5 2 2 7h5z"/><path d="M4.5 2h0M2 7h0M7 7h0" stroke-width="3"/></svg>',
)}`;

const text = (defaultValue: string) => ({ type: "string", defaultValue });

/**
 * The extension's description. `isSandboxed`: the project cannot be seen from here, so its variables and events
 * go by blocks, which are in no palette otherwise, and a menu cannot list names.
 */
export const describe = (texts: Texts, isSandboxed: boolean) => ({
  id: EXTENSION_ID,
  name: texts.category,
  color1: COLOR,
  color2: "#0d655e",
  color3: "#0b544e",
  menuIconURI: ICON,
  blocks: [
    {
      opcode: "getSensorValue",
      blockType: "reporter",
      text: texts.sensorValue,
      arguments: {
        NAME: isSandboxed ? text(texts.variable) : { type: "string", menu: "variableNames", defaultValue: "" },
      },
    },
    { opcode: "enter", blockType: "command", text: texts.enter, arguments: { NAME: text(texts.group) } },
    { opcode: "setNickname", blockType: "command", text: texts.setNickname, arguments: { NAME: text(texts.nickname) } },
    { opcode: "leave", blockType: "command", text: texts.leave },
    { opcode: "isConnected", blockType: "Boolean", text: texts.isConnected },
    { opcode: "getNames", blockType: "reporter", text: texts.names },
    { opcode: "getState", blockType: "reporter", text: texts.state },
    {
      opcode: "setValue",
      blockType: "command",
      text: texts.setValue,
      arguments: { NAME: text(texts.variable), VALUE: text("0") },
      hideFromPalette: !isSandboxed,
    },
    {
      opcode: "sendEvent",
      blockType: "command",
      text: texts.sendEvent,
      arguments: { EVENT: text(texts.event) },
      hideFromPalette: !isSandboxed,
    },
    {
      opcode: "whenEvent",
      blockType: "hat",
      isEdgeActivated: true,
      text: texts.whenEvent,
      arguments: { EVENT: text(texts.event) },
      hideFromPalette: !isSandboxed,
    },
  ],
  menus: {
    variableNames: { acceptReporters: true, items: isSandboxed ? [" "] : "getVariableNamesMenuItems" },
  },
});
