/** The used part of a web page, without a browser. */
export class FakePage {
  url = "http://127.0.0.1/";
  events = new EventTarget();

  constructor(loadId = 1, items = new Map()) {
    this.loadId = loadId;
    this.items = items;
    this.storage = {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => items.set(key, value),
      removeItem: (key) => items.delete(key),
    };
  }

  /** The same tab after a reload. */
  reload() {
    return new FakePage(this.loadId + 1, this.items);
  }

  hide(persisted) {
    this.events.dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
  }
}
