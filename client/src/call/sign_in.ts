/** The form by which a visitor says who calls. It keeps nothing: what is typed goes to `submit` and out of the box. */

import { element } from "../shared/dom.ts";
import type { Words } from "./words/words.ts";

/** Null: nobody asks. Otherwise why the form is shown. */
export type SignIn = null | "asked" | "refused" | "malformed";

export function createSignIn(submit: (key: string) => void, signOut: () => void) {
  const form = element("sign-in", HTMLFormElement);
  const input = element("key-input", HTMLInputElement);
  const fault = element("sign-in-fault", HTMLParagraphElement);
  const out = element("sign-out", HTMLButtonElement);
  let shown: SignIn = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (key === "") {
      input.focus();
      return;
    }
    submit(key);
  });
  out.addEventListener("click", signOut);

  return {
    render(state: SignIn, signedIn: boolean, calling: boolean, words: Words): void {
      const before = shown;
      shown = state;
      form.hidden = state === null;
      out.hidden = !signedIn || calling || state !== null;
      const text = state === "refused" ? words.keyRefused : state === "malformed" ? words.keyMalformed : "";
      if (fault.textContent !== text) fault.textContent = text;
      fault.hidden = text === "";
      input.setAttribute("aria-invalid", String(text !== ""));
      if (state === null) input.value = "";
      else if (before === null) input.focus();
    },
  };
}
