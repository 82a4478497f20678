/** What a teacher can do: look closely at a node, rename or remove it, and end a group. */
import { describe } from './node.js';
import { plain, say } from './speech.js';

const at = id => document.getElementById(id);

export class Dialogs {
  #send;
  #group;
  #node;
  #confirmed;

  /** `send` asks the server to do something, and says whether it did. */
  constructor(send) {
    this.#send = send;
    this.actions = {
      onOpenNode: (group, node) => this.#openNode(group, node),
      onDissolve: group => this.#confirmDissolve(group),
    };
    at('rename').addEventListener('submit', event => this.#rename(event));
    at('remove').addEventListener('click', () => this.#confirmRemove());
    at('confirm').querySelector('form').addEventListener('submit', event => this.#confirm(event));
  }

  /** The group of the node that is looked at. */
  get group() {
    return at('node').open ? this.#group : undefined;
  }

  /** Shows the newest values of the node that is looked at. */
  refresh() {
    if (at('node').open) this.#describe();
  }

  /** Closes what is about a group that has ended. */
  forget(group) {
    if (this.#group !== group) return;
    for (const id of ['node', 'confirm']) at(id).close();
  }

  #openNode(group, node) {
    [this.#group, this.#node] = [group, node];
    at('node-name').value = node.label;
    at('node-error').replaceChildren();
    // Without its host there is no group: that is what the group's own button is for.
    at('remove').hidden = node.isHost;
    // A host has no name that others could read.
    at('rename').hidden = node.isHost;
    this.#describe();
    at('node').showModal();
  }

  #describe() {
    describe(this.#node, { title: at('node-title'), badges: at('node-badges'), values: at('node-values') });
  }

  async #rename(event) {
    event.preventDefault();
    const name = at('node-name').value.trim();
    if (await this.#send('rename', { ...this.#place(), nodeId: this.#node.id, name })) at('node').close();
    else say(at('node-error'), 'failed');
  }

  #confirmRemove() {
    at('node').close();
    const { id, label } = this.#node;
    this.#ask({ word: 'remove', hint: 'removeHint', title: plain('removeNode', { name: label }) }, () =>
      this.#send('remove', { ...this.#place(), nodeId: id }),
    );
  }

  #confirmDissolve(group) {
    this.#group = group;
    const title = plain('dissolveGroup', { name: group.label });
    this.#ask({ word: 'dissolve', hint: 'dissolveHint', title }, () =>
      this.#send('dissolve', this.#place()),
    );
  }

  #place() {
    return { groupId: this.#group.id, domain: this.#group.about.domain };
  }

  #ask({ word, hint, title }, act) {
    this.#confirmed = act;
    at('confirm-title').textContent = title;
    say(at('confirm-hint'), hint);
    say(at('confirm-yes'), word);
    at('confirm-error').replaceChildren();
    at('confirm').showModal();
  }

  async #confirm(event) {
    if (event.submitter.value !== 'yes') return;
    event.preventDefault();
    if (await this.#confirmed()) at('confirm').close();
    else say(at('confirm-error'), 'failed');
  }
}
