/** The fleet page: holds what is known, and joins the stream, the history and the page's elements together. */

import { canBeKey, keyStore, withKey } from "../shared/credential.ts";
import { element, writeTexts } from "../shared/dom.ts";
import { chooseLanguage } from "../shared/language.ts";
import { prefer, preference } from "../shared/preferences.ts";
import { agentView } from "./agent.ts";
import { patch } from "./build.ts";
import { follow, type Link } from "./follow.ts";
import { type Format, formatOf, localeOf } from "./format.ts";
import { HistoryPanel } from "./history_panel.ts";
import { listView } from "./list.ts";
import { agentOf, type Fleet } from "./model.ts";
import { TranscriptPanel } from "./transcript_panel.ts";
import { en } from "./words/en.ts";
import { fr } from "./words/fr.ts";
import type { Words } from "./words/words.ts";

const LANGUAGES = { en, fr };
/** How long a call has run is told anew this often. */
const CLOCK_MILLISECONDS = 5000;
const UNKNOWN_CALLER = 401;

const keys = keyStore(() => sessionStorage);
const ask = withKey((input, init) => fetch(input, init), keys);
const address = new URLSearchParams(location.search);
const view = element("view", HTMLDivElement);
const link_ = element("link", HTMLParagraphElement);
const problem = element("problem", HTMLDivElement);
const form = element("sign-in", HTMLFormElement);
const input = element("key-input", HTMLInputElement);
const fault = element("sign-in-fault", HTMLParagraphElement);
const signOut = element("sign-out", HTMLButtonElement);
const language = element("language-select", HTMLSelectElement);
const history = new HistoryPanel(ask);
const transcript = new TranscriptPanel(ask, view);

let words: Words = LANGUAGES[chooseLanguage([address.get("lang"), preference("language"), ...navigator.languages])];
let format: Format = formatOf(localeOf(words.language, navigator.languages));
let fleet: Fleet | null = null;
let link: Link = { kind: "connecting" };
let malformed = false;
let following = new AbortController();

function start(): void {
  following.abort();
  following = new AbortController();
  const { signal } = following;
  const own = <T>(use: (value: T) => void) => (value: T): void => {
    if (!signal.aborted) use(value);
  };
  void follow({
    signal,
    fetch_: ask,
    show: own((next) => {
      fleet = next;
      render();
    }),
    tell: own((next) => {
      link = next;
      render();
    }),
  });
}

function render(): void {
  const refused = link.kind === "refused" ? link : null;
  const asked = refused?.status === UNKNOWN_CALLER;
  if (refused !== null) fleet = null;
  const id = agentOf(location.hash);
  text(link_, link.kind === "refused" ? "" : words.links[link.kind]);
  link_.dataset.state = link.kind;
  text(problem, refused === null || asked ? "" : words.refused(refused.status, refused.detail));
  problem.hidden = problem.textContent === "";
  signIn(asked);
  signOut.hidden = keys.read() === "" || asked;
  const shown = fleet;
  view.hidden = shown === null;
  // Nothing stays in the page of what whoever signed out was shown.
  if (shown === null) view.replaceChildren();
  else {
    const wanted = document.createElement("div");
    wanted.append(id === null ? listView(shown, words, format) : agentView(shown, id, words, format, Date.now()));
    for (const { name, value } of view.attributes) wanted.setAttribute(name, value);
    patch(view, wanted);
  }
  history.show(shown === null ? null : id, words, format);
  transcript.show(shown === null ? null : id, words.language);
  document.title = id === null ? words.page.title : `${id} – ${words.page.title}`;
}

function signIn(asked: boolean): void {
  const appears = asked && form.hidden;
  form.hidden = !asked;
  text(fault, !asked ? "" : malformed ? words.keyMalformed : keys.read() === "" ? "" : words.keyRefused);
  fault.hidden = fault.textContent === "";
  input.setAttribute("aria-invalid", String(!fault.hidden));
  if (!asked) input.value = "";
  else if (appears) input.focus();
}

function speak(): void {
  format = formatOf(localeOf(words.language, navigator.languages));
  document.documentElement.lang = words.language;
  language.value = words.language;
  writeTexts(words.page, ["aria-label"]);
}

function text(shown: HTMLElement, value: string): void {
  if (shown.textContent !== value) shown.textContent = value;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const key = input.value.trim();
  if (key === "") {
    input.focus();
    return;
  }
  malformed = !canBeKey(key);
  if (malformed) {
    render();
    return;
  }
  keys.write(key);
  start();
});
signOut.addEventListener("click", () => {
  keys.forget();
  fleet = null;
  start();
});
language.addEventListener("change", () => {
  const chosen = chooseLanguage([language.value]);
  prefer("language", chosen);
  words = LANGUAGES[chosen];
  speak();
  render();
});
addEventListener("hashchange", () => {
  render();
  scrollTo(0, 0);
  // A screen reader goes on at the new view's beginning.
  document.getElementById("agent-title")?.focus();
});
setInterval(render, CLOCK_MILLISECONDS);

speak();
start();
