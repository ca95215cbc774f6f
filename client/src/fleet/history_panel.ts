/** The part of an agent's page that shows its history: asks for it when it is shown, and again each minute. */

import type { Fetch } from "../shared/api.ts";
import { element } from "../shared/dom.ts";
import { h } from "./build.ts";
import { Charts } from "./charts.ts";
import type { Format } from "./format.ts";
import { askHistory, columns, SPANS, type Span } from "./history.ts";
import type { Words } from "./words/words.ts";

const REFRESH_MILLISECONDS = 60_000;

export class HistoryPanel {
  readonly #fetch: Fetch;
  readonly #section = element("history", HTMLElement);
  readonly #note = element("history-note", HTMLParagraphElement);
  readonly #spans = element("spans", HTMLDivElement);
  readonly #charts = new Charts(element("charts", HTMLDivElement));
  #span: Span = "1h";
  #agent: string | null = null;
  #words: Words | null = null;
  #format: Format | null = null;
  #asking = new AbortController();

  constructor(fetch_: Fetch) {
    this.#fetch = fetch_;
    setInterval(() => {
      this.#ask();
    }, REFRESH_MILLISECONDS);
  }

  /** Shows the agent's history; nothing for null. */
  show(agent: string | null, words: Words, format: Format): void {
    if (agent === this.#agent && words === this.#words) return;
    const other = agent !== this.#agent;
    this.#agent = agent;
    this.#words = words;
    this.#format = format;
    this.#section.hidden = agent === null;
    if (other) this.#charts.clear();
    this.#buttons(words);
    this.#ask();
  }

  #buttons(words: Words): void {
    const buttons = (Object.keys(SPANS) as Span[]).map((span) => {
      const pressed = String(span === this.#span);
      const button = h("button", { type: "button", class: "button small", "aria-pressed": pressed, "data-span": span });
      button.textContent = words.spans[span];
      button.addEventListener("click", () => {
        this.#span = span;
        for (const other of this.#spans.children) other.setAttribute("aria-pressed", String(other === button));
        this.#ask();
      });
      return button;
    });
    this.#spans.replaceChildren(...buttons);
  }

  #ask(): void {
    this.#asking.abort();
    const agent = this.#agent;
    const words = this.#words;
    const format = this.#format;
    if (agent === null || words === null || format === null) return;
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    askHistory(agent, this.#span, Date.now(), this.#fetch, signal).then(
      (answer) => {
        if (signal.aborted) return;
        this.#note.textContent = "";
        this.#charts.show(columns(answer), words, format);
      },
      () => {
        if (!signal.aborted) this.#note.textContent = words.historyAway;
      },
    );
  }
}
