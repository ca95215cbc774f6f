/** The few things that every page does to its elements. */

export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} with the id ${id}.`);
  return found;
}

export function paragraph(text: string, className: string): HTMLParagraphElement {
  const made = document.createElement("p");
  made.className = className;
  made.textContent = text;
  return made;
}

/** Brings a list's options to these; an open list is left alone unless they have really changed. */
export function setOptions(
  select: HTMLSelectElement,
  options: readonly { readonly value: string; readonly label: string }[],
  value: string,
): void {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(...options.map((option) => new Option(option.label, option.value)));
  }
  if (select.value !== value) select.value = value;
}

/** Writes the page's fixed texts: of elements with `data-text`, and of attributes by `data-text-ATTRIBUTE`. */
export function writeTexts(texts: Readonly<Record<string, string>>, attributes: readonly string[]): void {
  for (const found of document.querySelectorAll<HTMLElement>("[data-text]")) {
    found.textContent = texts[found.dataset.text ?? ""] ?? "";
  }
  for (const attribute of attributes) {
    for (const found of document.querySelectorAll<HTMLElement>(`[data-text-${attribute}]`)) {
      found.setAttribute(attribute, texts[found.getAttribute(`data-text-${attribute}`) ?? ""] ?? "");
    }
  }
}
