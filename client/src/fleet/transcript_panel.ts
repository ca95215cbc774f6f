/**
 * What is said in a call, for those whose key may read it: how much in the list of calls, the words when asked for.
 *
 * The gateway gives words only of agents whose manifest has them kept. They stay in the page for as long as the panel
 * is open.
 */

import type { Fetch } from "../shared/api.ts";
import { h } from "./build.ts";
import type { Live } from "./model.ts";

type Language = "en" | "fr";

interface Texts {
  readonly said: string;
  readonly words: (caller: number, agent: number) => string;
  readonly read: string;
  readonly title: (room: string) => string;
  readonly close: string;
  readonly caller: string;
  readonly agent: string;
  readonly loading: string;
  readonly over: string;
  readonly missing: (lines: number) => string;
  readonly none: string;
  readonly refused: string;
  readonly away: string;
}

const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    said: "Words",
    words: (caller, agent) => `caller ${caller}, agent ${agent}`,
    read: "Read",
    title: (room) => `What is said in ${room}`,
    close: "Close",
    caller: "Caller",
    agent: "Agent",
    loading: "Loading…",
    over: "The call is over.",
    missing: (lines) => (lines === 1 ? "One earlier line is not kept." : `${lines} earlier lines are not kept.`),
    none: "Nothing is kept of this call: nothing was said yet, it is too old, or it was erased.",
    refused: "This key may not read transcripts.",
    away: "The transcript cannot be read now. It is asked for again.",
  },
  fr: {
    said: "Mots",
    words: (caller, agent) => `appelant ${caller}, agent ${agent}`,
    read: "Lire",
    title: (room) => `Ce qui se dit dans ${room}`,
    close: "Fermer",
    caller: "Appelant",
    agent: "Agent",
    loading: "Chargement…",
    over: "L’appel est terminé.",
    missing: (lines) => (lines === 1 ? "Une ligne antérieure n’est pas conservée." : `${lines} lignes antérieures ne sont pas conservées.`),
    none: "Rien n’est conservé de cet appel : rien n’a encore été dit, il est trop ancien, ou il a été effacé.",
    refused: "Cette clé ne permet pas de lire les transcriptions.",
    away: "La transcription ne peut pas être lue pour le moment. Elle est redemandée.",
  },
};

export interface Line {
  readonly number: number;
  readonly at: string;
  readonly who: string;
  readonly language: string;
  readonly text: string;
}

export interface Transcript {
  readonly running: boolean;
  readonly missing: number;
  readonly lines: readonly Line[];
}

export type Answer = Transcript | "none" | "refused" | "away";

/** The head of the list's column. */
export function saidHead(language: Language): string {
  return TEXTS[language].said;
}

/** How much is said in a call, and what opens the panel where the words are kept. */
export function saidCell(call: Live, language: Language): HTMLElement {
  const texts = TEXTS[language];
  const open = {
    type: "button",
    class: "link small",
    "data-transcript": call.id,
    "data-room": call.room,
    "aria-label": `${texts.read}: ${texts.title(call.room)}`,
    "data-testid": "read-transcript",
  };
  return h(
    "span",
    {},
    texts.words(call.caller_words, call.agent_words),
    call.transcript ? " " : null,
    call.transcript ? h("button", open, texts.read) : null,
  );
}

/** The lines after that number. Never throws but for a signal that was aborted. */
export async function askTranscript(session: string, after: number, fetch_: Fetch, signal: AbortSignal): Promise<Answer> {
  const url = `/sessions/${encodeURIComponent(session)}/transcript?after=${after}`;
  try {
    const limits = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MILLISECONDS)]);
    const response = await fetch_(url, { headers: { Accept: "application/json" }, signal: limits });
    if (response.status === 404) return "none";
    if (response.status === 401 || response.status === 403) return "refused";
    const body = (await response.json()) as Partial<Transcript> | null;
    return response.ok && Array.isArray(body?.lines) ? (body as Transcript) : "away";
  } catch (error) {
    if (signal.aborted) throw error;
    return "away";
  }
}

const DEADLINE_MILLISECONDS = 10_000;
const REFRESH_MILLISECONDS = 3000;

export class TranscriptPanel {
  readonly #fetch: Fetch;
  readonly #section = h("section", { id: "transcript", class: "card", "aria-labelledby": "transcript-title", "data-testid": "transcript" });
  readonly #title = h("h2", { id: "transcript-title", tabindex: "-1" });
  readonly #close = h("button", { type: "button", class: "button small", "data-testid": "close-transcript" });
  readonly #note = h("p", { class: "muted", role: "status" });
  readonly #list = h("ul", { class: "plain", "aria-live": "polite" });
  readonly #missing = h("p", { class: "muted small" });
  #agent: string | null = null;
  #language: Language = "en";
  #room = "";
  #open: AbortController | null = null;
  #opener: HTMLElement | null = null;

  /** Stands behind `view`, in which the buttons are that open it. */
  constructor(fetch_: Fetch, view: HTMLElement) {
    this.#fetch = fetch_;
    this.#section.append(h("div", { class: "section-head" }, this.#title, h("div", { class: "spans" }, this.#close)), this.#missing, this.#list, this.#note);
    this.#section.hidden = true;
    view.after(this.#section);
    view.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-transcript]") : null;
      if (button !== null) this.#show(button);
    });
    this.#close.addEventListener("click", () => {
      const opener = this.#opener;
      this.#hide();
      opener?.focus();
    });
  }

  /** The page shows this agent now, in this language; whatever is open of another's is closed. */
  show(agent: string | null, language: Language): void {
    if (agent !== this.#agent) this.#hide();
    const other = language !== this.#language;
    this.#agent = agent;
    this.#language = language;
    if (other) this.#label();
  }

  #show(button: HTMLElement): void {
    this.#hide();
    this.#opener = button;
    this.#room = button.dataset.room ?? "";
    this.#open = new AbortController();
    this.#section.hidden = false;
    this.#label();
    this.#note.textContent = TEXTS[this.#language].loading;
    this.#title.focus();
    void this.#follow(button.dataset.transcript ?? "", this.#open.signal);
  }

  /** Nothing stays in the page of what was said. */
  #hide(): void {
    this.#open?.abort();
    this.#open = null;
    this.#section.hidden = true;
    this.#list.replaceChildren();
    this.#note.textContent = this.#missing.textContent = "";
  }

  #label(): void {
    const texts = TEXTS[this.#language];
    this.#title.textContent = texts.title(this.#room);
    this.#close.textContent = texts.close;
    for (const name of this.#list.querySelectorAll<HTMLElement>("[data-who]")) name.textContent = this.#name(name.dataset.who);
  }

  #name(who: string | undefined): string {
    const texts = TEXTS[this.#language];
    return `${who === "caller" ? texts.caller : texts.agent}: `;
  }

  async #follow(session: string, signal: AbortSignal): Promise<void> {
    let after = 0;
    for (;;) {
      const answer = await askTranscript(session, after, this.#fetch, signal).catch(() => null);
      if (signal.aborted || answer === null) return;
      const texts = TEXTS[this.#language];
      if (typeof answer === "string") {
        this.#note.textContent = texts[answer];
        // What is not kept any more is not to be seen any more.
        if (answer !== "away") this.#list.replaceChildren();
        if (answer === "refused") return;
      } else {
        this.#missing.textContent = answer.missing === 0 ? "" : texts.missing(answer.missing);
        this.#list.append(...answer.lines.map((line) => this.#line(line)));
        after = answer.lines.at(-1)?.number ?? after;
        this.#note.textContent = answer.running ? "" : texts.over;
        if (!answer.running && answer.lines.length === 0) return;
      }
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
    }
  }

  #line(line: Line): HTMLElement {
    return h(
      "li",
      { "data-testid": "said" },
      h("strong", { "data-who": line.who }, this.#name(line.who)),
      h("span", { lang: line.language === "" ? null : line.language }, line.text),
    );
  }
}
