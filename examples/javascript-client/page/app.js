// The page: the form to connect, the list of groups, and then a group (group.js). It uses only the part of
// mesh-v2-client that with-amplify.js has, too.
import { button, element, form, labelled } from "./dom.js";
import { showGroup } from "./group.js";
import { explain, language, texts } from "./texts.js";

/** How often the list of groups is refreshed, in milliseconds. */
const REFRESH_INTERVAL = 5_000;

/** Shows the page. `makeMesh` makes a mesh from {endpoint, apiKey, domain}. `notice` is shown above the form. */
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

/** The endpoint, key and domain from the fragment of the address, which browsers do not send to servers. */
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  // `mesh serve` serves the API beside this page. Other servers do not.
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

/** Shows an error at the top, until the next action. */
function fail(error) {
  document.querySelector("[role=alert]")?.remove();
  document.querySelector("main").prepend(element("p", { role: "alert", className: "error" }, explain(error)));
}

/** Wraps an action that takes a while: buttons are disabled meanwhile, and an error is shown. */
function asAction(act) {
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
  const submit = asAction(({ elements }) => {
    const given = new URLSearchParams();
    for (const [name, input] of [["endpoint", elements.endpoint], ["key", elements.apiKey], ["domain", elements.domain]]) {
      if (input.value) given.set(name, input.value.trim());
    }
    // A reload and the other page read them from there.
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

/** Shows the list of groups and the form for a new one. */
async function showGroups(mesh, show) {
  const groups = await mesh.groups();
  const list = element("ul", { className: "groups" });
  const enter = async (session) => showGroup(await session, show, () => showGroups(mesh, show).catch(fail));
  const fill = (groups) => {
    const item = (group) => {
      const { name, expiresAt } = group;
      const minutes = Math.max(0, Math.ceil((Date.parse(expiresAt) - Date.now()) / 60_000));
      const join = button(texts.join, asAction(() => enter(mesh.join(group))), { "aria-label": `${texts.join}: ${name}` });
      return element("li", {}, element("strong", {}, name), ` ${texts.minutesLeft(minutes)} `, join);
    };
    const items = groups.map(item);
    list.replaceChildren(...(items.length ? items : [element("li", {}, texts.noGroups)]));
  };
  const refresh = async () => fill(await mesh.groups());
  fill(groups);
  const refreshing = setInterval(() => {
    if (!list.isConnected) clearInterval(refreshing);
    // Not while a group is being joined.
    else if (!list.querySelector(":disabled")) refresh().catch(() => {});
  }, REFRESH_INTERVAL);
  const find = asAction(async ({ elements }) => {
    // The result stays, instead of the refreshed list.
    clearInterval(refreshing);
    fill(await mesh.search(elements.prefix.value));
  });
  const create = asAction(({ elements }) => enter(mesh.create({ name: elements.name.value })));
  const prefix = labelled(texts.search, element("input", { name: "prefix", maxLength: 6, required: true }));
  const name = labelled(texts.groupName, element("input", { name: "name", maxLength: 256, required: true }));
  const refreshButton = button(texts.refresh, asAction(refresh), { className: "quiet" });
  const finding = [list, refreshButton, form(find, prefix, button(texts.searchButton))];
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
