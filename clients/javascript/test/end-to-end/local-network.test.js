/**
 * A public page on https and a server of the local network on http, in Chromium. The page's own site is a
 * server with TLS on this machine, which Chromium is told to treat as a public one.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launchChromium } from "../support/pages.js";
import { API_KEY, MeshServer } from "../support/server.js";

const folder = mkdtempSync(join(tmpdir(), "mesh-client-site-"));
let server;
let site;
let browser;

before(async () => {
  copyFileSync(fileURLToPath(new URL("../../dist/global.js", import.meta.url)), join(folder, "mesh.js"));
  writeFileSync(join(folder, "index.html"), '<!doctype html><title>Page</title><script src="mesh.js"></script>');
  [server, site] = await Promise.all([MeshServer.start(), MeshServer.start("--tls", "--static", folder)]);
  browser = await launchChromium(`--ip-address-space-overrides=${site.address}=public`);
});

after(async () => {
  await browser?.close();
  await Promise.all([server?.end(), site?.end()]);
  rmSync(folder, { recursive: true, force: true });
});

/** A page of the public site with a mesh of the local server. */
async function openPage(permissions) {
  const origin = `https://${site.address}`;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  await context.grantPermissions(permissions, { origin });
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate((options) => (window.mesh = new Mesh(options)), { endpoint: server.endpoint, apiKey: API_KEY, domain: "d" });
  return page;
}

test("without the permission, the page is told to allow local network access", async () => {
  const page = await openPage([]);
  const [type, message] = await page.evaluate(() => mesh.create({ name: "A" }).catch(({ type, message }) => [type, message]));
  assert.equal(type, "LocalNetworkError");
  assert.match(message, /allow local network access/);
});

test("with the permission, the page is a node like any other", async () => {
  const page = await openPage(["local-network-access"]);
  const state = await page.evaluate(async () => (window.session = await mesh.create({ name: "A" })).state);
  assert.equal(state, "live");
  await page.evaluate(() => session.leave());
});
