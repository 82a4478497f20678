// The page: connecting, finding or creating a group, and what happens in it (group.js). It knows of a mesh
// only what mesh-v2-client and with-amplify.js have in common.
import { button, element, form, labelled } from "./dom.js";
import { showGroup } from "./group.js";
import { explain, language, texts } from "./texts.js";

/** How often groups are looked for while nobody has chosen one, in milliseconds. */
const LOOK_INTERVAL = 5_000;

/** Shows the page; `makeMesh` takes {endpoint, apiKey, domain} and gives a mesh. `notice` stands above the form. */
export function run(makeMesh, notice) {
  document.documentElement.lang = language;
  const main = element("main");
  document.body.append(header(), main);
  const show = (...content) => main.replaceChildren(...content);

  const options = fromAddress();
  const connect = (options) => showGroups(makeMesh(options), show);
  showForm(options, connect, notice, show);
  if (options.apiKey && !notice) connect(options).catch(fail);
}

/** The endpoint, key and domain in the address's fragment, which browsers send to no server. */
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  // `mesh serve` has its API beside this page; a plain file server has none.
  const own = location.pathname.startsWith("/example/") ? new URL("/graphql", location).href : "";
  return { endpoint: given.get("endpoint") ?? own, apiKey: given.get("key") ?? "", domain: given.get("domain") || undefined };
}

function header() {
  const other = language === "ja" ? "en" : "ja";
  const link = (page, text) => element("a", { href: page + location.search + location.hash }, text);
  const isAmplify = location.pathname.endsWith("/amplify.html");
  return element(
    "header",
    {},
    element("h1", {}, texts.title),
    element("nav", {}, isAmplify ? link("./", texts.withPackage) : link("amplify.html", texts.withAmplify)),
    button(texts.otherLanguage, () => (location.search = `lang=${other}`), { lang: other }),
  );
}

/** Tells what went wrong, above everything else, until something else is done. */
function fail(error) {
  document.querySelector("[role=alert]")?.remove();
  document.querySelector("main").prepend(element("p", { role: "alert", className: "error" }, explain(error)));
}

/** Does something that takes a while, once at a time; tells what went wrong. */
function busily(act) {
  return async (target) => {
    const buttons = document.querySelectorAll("main button");
    document.querySelector("[role=alert]")?.remove();
    for (const one of buttons) one.disabled = true;
    try {
      await act(target);
    } catch (error) {
      fail(error);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  };
}

function showForm({ endpoint, apiKey, domain }, connect, notice, show) {
  const field = (name, value, more = {}) => element("input", { name, value, autocomplete: "off", ...more });
  const submit = busily(({ elements }) => {
    const given = new URLSearchParams();
    for (const [name, input] of [["endpoint", elements.endpoint], ["key", elements.apiKey], ["domain", elements.domain]]) {
      if (input.value) given.set(name, input.value.trim());
    }
    // A reload, and the other page, find it there again.
    history.replaceState(null, "", `#${given}`);
    const { endpoint, apiKey, domain } = fromAddress();
    return connect({ endpoint, apiKey, domain });
  });
  const fields = form(
    submit,
    labelled(texts.endpoint, field("endpoint", endpoint, { type: "url", required: true, placeholder: "http://192.168.0.5:4000/graphql" })),
    labelled(texts.apiKey, field("apiKey", apiKey, { required: true, placeholder: "da2-..." })),
    labelled(texts.domain, field("domain", domain ?? "")),
    button(texts.connectButton),
  );
  show(
    notice ? element("p", { className: "hint" }, notice) : element("p", {}, texts.about),
    element("section", {}, element("h2", {}, texts.connect), fields),
  );
}

/** Shows the groups that are there, and how to make one; stays until one is entered. */
async function showGroups(mesh, show) {
  const groups = await mesh.groups();
  const list = element("ul", { className: "groups" });
  const enter = async (session) => showGroup(await session, show, () => showGroups(mesh, show).catch(fail));
  const fill = (groups) => {
    const item = (group) => {
      const { name, expiresAt } = group;
      const minutes = Math.max(0, Math.ceil((Date.parse(expiresAt) - Date.now()) / 60_000));
      const join = button(texts.join, busily(() => enter(mesh.join(group))), { "aria-label": `${texts.join}: ${name}` });
      return element("li", {}, element("strong", {}, name), ` ${texts.minutesLeft(minutes)} `, join);
    };
    const items = groups.map(item);
    list.replaceChildren(...(items.length ? items : [element("li", {}, texts.noGroups)]));
  };
  const look = async () => fill(await mesh.groups());
  fill(groups);
  const looking = setInterval(() => {
    if (!list.isConnected) clearInterval(looking);
    // Not while one of them is being joined.
    else if (!list.querySelector(":disabled")) look().catch(() => {});
  }, LOOK_INTERVAL);
  const find = busily(async ({ elements }) => {
    // What was found stays.
    clearInterval(looking);
    fill(await mesh.search(elements.prefix.value));
  });
  const create = busily(({ elements }) => enter(mesh.create({ name: elements.name.value })));
  const prefix = labelled(texts.search, element("input", { name: "prefix", maxLength: 6, required: true }));
  const name = labelled(texts.groupName, element("input", { name: "name", maxLength: 256, required: true }));
  const lookAgain = button(texts.lookAgain, busily(look), { className: "quiet" });
  const finding = [list, lookAgain, form(find, prefix, button(texts.searchButton))];
  const creating = form(create, name, button(texts.createButton));
  show(
    element(
      "div",
      { className: "columns" },
      element("section", {}, element("h2", {}, texts.groups), ...finding),
      element("section", {}, element("h2", {}, texts.create), creating),
    ),
  );
}
