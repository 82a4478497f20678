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
  const { group, name } = options;
  const connect = (options) => showGroups(makeMesh(options), name, show);
  showForm(options, connect, notice, show);
  if (!options.apiKey || notice) return;
  if (group) enterAtOnce(makeMesh(options), group, name, show).catch(fail);
  else connect(options).catch(fail);
}

/** Joins the group of an invitation. Where that fails, the list of groups says what there is instead. */
async function enterAtOnce(mesh, group, name, show) {
  const back = () => showGroups(mesh, name, show).catch(fail);
  try {
    showGroup(await mesh.join(group, { name }), name, show, back);
  } catch (error) {
    await showGroups(mesh, name, show);
    fail(error);
  }
}

/**
 * The endpoint, key and domain from the fragment of the address, which browsers do not send to servers; an
 * invitation also has a group, and the name of this node.
 */
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  // `mesh serve` serves the API beside this page. Other servers do not.
  const own = location.pathname.startsWith("/example/") ? new URL("/graphql", location).href : "";
  const domain = given.get("domain") || undefined;
  const group = given.has("group") && domain ? { id: given.get("group"), domain } : undefined;
  const name = given.get("name") || undefined;
  return { endpoint: given.get("endpoint") ?? own, apiKey: given.get("key") ?? "", domain, group, name };
}

function header() {
  const other = language === "ja" ? "en" : "ja";
  // Children have no use for a choice of libraries; who compares them knows the address of the other page.
  const isAmplify = location.pathname.endsWith("/amplify.html");
  const link = element("a", { href: `./${location.search}${location.hash}` }, texts.withPackage);
  return element(
    "header",
    {},
    element("h1", {}, texts.title),
    ...(isAmplify ? [element("nav", {}, link)] : []),
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
async function showGroups(mesh, ownName, show) {
  const groups = await mesh.groups();
  const list = element("ul", { className: "groups" });
  const back = () => showGroups(mesh, ownName, show).catch(fail);
  const enter = async (session) => showGroup(await session, ownName, show, back);
  const fill = (groups) => {
    const item = (group) => {
      const { name, expiresAt } = group;
      const minutes = Math.max(0, Math.ceil((Date.parse(expiresAt) - Date.now()) / 60_000));
      const join = button(texts.join, asAction(() => enter(mesh.join(group, { name: ownName }))), { "aria-label": `${texts.join}: ${name}` });
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
