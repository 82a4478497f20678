/** Run by an editor: registers the extension. */
import { extensionFor } from "./extension.js";
import type { ScratchApi } from "./scratch.js";

declare const Scratch: ScratchApi | undefined;

// Xcratch first looks whether this is a module of its own kind, without a Scratch to register with.
if (typeof Scratch !== "undefined" && Scratch.extensions) {
  const script = globalThis.document?.currentScript as HTMLScriptElement | null | undefined;
  const MeshExtension = extensionFor(Scratch, script?.src);
  Scratch.extensions.register(new MeshExtension());
}
