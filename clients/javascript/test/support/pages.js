/** Headless Chromium and the pages it opens. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const dist = fileURLToPath(new URL("../../dist/", import.meta.url));

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Headless Chromium with additional arguments. */
export function launchChromium(...more) {
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...more] });
}

/** A browser, and a site for it: one empty page and the package. */
export class Pages {
  static async start() {
    const pages = new Pages();
    pages.server = createServer(async ({ url }, response) => {
      const isModule = url.endsWith(".js");
      response.setHeader("content-type", isModule ? "text/javascript" : "text/html");
      const text = isModule ? await readFile(dist + url.slice(1).replaceAll("/", "")).catch(() => "") : "<!doctype html><title>Page</title>";
      response.end(text);
    });
    await new Promise((resolve) => pages.server.listen(0, "127.0.0.1", resolve));
    // A name makes it what a classroom has: a page on plain http, which is no secure context.
    pages.url = `http://classroom.test:${pages.server.address().port}/`;
    pages.browser = await launchChromium("--host-resolver-rules=MAP * 127.0.0.1");
    // All tabs share one context, so that closing a tab does not close the browser's connections.
    pages.context = await pages.browser.newContext();
    return pages;
  }

  /** A page in a tab of its own, with a mesh: `window.mesh`, and the package: `window.client`. */
  async open(options, module = "index.js") {
    const page = await this.context.newPage();
    page.errors = [];
    page.on("pageerror", (error) => page.errors.push(error));
    await page.goto(this.url);
    await this.prepare(page, options, module);
    return page;
  }

  /** Makes `window.mesh` in a page that was just loaded. */
  async prepare(page, options, module = "index.js") {
    await page.evaluate(async ([options, module]) => {
      window.client = await import(`/${module}`);
      window.mesh = new window.client.Mesh(options);
      window.nextEvent = (type, isWanted = () => true) => new Promise((resolve) => {
        session.addEventListener(type, function listener({ detail }) {
          if (!isWanted(detail)) return;
          session.removeEventListener(type, listener);
          resolve(detail);
        });
      });
    }, [options, module]);
  }

  async end() {
    await this.browser.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
