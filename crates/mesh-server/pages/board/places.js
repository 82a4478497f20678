/**
 * A grid whose places never change in size. Elements are put there by transforms: one that moves glides, and pushes
 * nothing else about, so that a name is read where it was seen.
 */
export class Places {
  #list;
  #elements = [];
  #columns = 1;

  constructor(list) {
    this.#list = list;
    new ResizeObserver(() => this.#measure()).observe(list);
  }

  /** Shows these elements, in this order. */
  arrange(elements) {
    for (const element of this.#elements) if (!elements.includes(element)) element.remove();
    this.#elements = elements;
    this.#measure();
    this.#order();
  }

  #measure() {
    // A list that is not shown has no columns yet.
    const columns = Number(getComputedStyle(this.#list).getPropertyValue('--columns')) || this.#columns;
    const isNew = columns !== this.#columns;
    this.#columns = columns;
    // In a grid of another shape everything is elsewhere, and need not glide there.
    this.#list.classList.toggle('still', isNew);
    this.#put();
    if (!isNew) return;
    this.#list.getBoundingClientRect();
    this.#list.classList.remove('still');
  }

  #put() {
    this.#list.style.setProperty('--rows', Math.ceil(this.#elements.length / this.#columns));
    for (const [place, element] of this.#elements.entries()) {
      element.style.setProperty('--column', place % this.#columns);
      element.style.setProperty('--row', Math.floor(place / this.#columns));
    }
  }

  /** Gives the document the order that is seen, for readers and the keyboard; not while it would lose the focus. */
  #order() {
    const isUsed = this.#list.contains(document.activeElement);
    let next = this.#list.firstElementChild;
    for (const element of this.#elements) {
      if (element === next) next = next.nextElementSibling;
      else if (!isUsed || !element.isConnected) this.#list.insertBefore(element, next);
    }
  }
}
