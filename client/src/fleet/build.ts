/** Makes elements, and brings those that are shown to what they should be without taking focus or selection away. */

export type Child = Node | string | null;
export type Attributes = Readonly<Record<string, string | null>>;

/** An element; an attribute that is null is left out, and so is a child. */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Makes `shown` have the attributes and children of `wanted`; what is the same stays the same node. */
export function patch(shown: Element, wanted: Element): void {
  if (shown.isEqualNode(wanted)) return;
  for (const { name } of [...shown.attributes]) if (!wanted.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of wanted.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  const old = [...shown.childNodes];
  const children = [...wanted.childNodes];
  children.forEach((child, index) => {
    const before = old[index];
    if (before === undefined) shown.append(child);
    else if (before instanceof Element && child instanceof Element && isSame(before, child)) patch(before, child);
    else if (!before.isEqualNode(child)) before.replaceWith(child);
  });
  old.slice(children.length).forEach((rest) => {
    rest.remove();
  });
}

function isSame(before: Element, child: Element): boolean {
  return before.tagName === child.tagName && before.getAttribute("data-key") === child.getAttribute("data-key");
}
