/** The transcript's list on the page: lines that change in place, each read out once it is finished. */

import { type Agent } from "../shared/api.ts";
import { paragraph } from "../shared/dom.ts";
import { seconds } from "./messages.ts";
import type { Line, Transcript } from "./transcript.ts";
import type { Words } from "./words/words.ts";

export interface Said {
  readonly transcript: Transcript;
  readonly agent: Agent | null;
  /** Milliseconds that the caller waited, by the id of the agent's line. */
  readonly waits: Readonly<Record<string, number>>;
  readonly words: Words;
}

/** One line on the page, and what of it is shown and has been told. */
interface Entry {
  readonly item: HTMLLIElement;
  readonly who: HTMLElement;
  readonly words: HTMLElement;
  line: Line | null;
  told: string | null;
}

/** Less than this above the end still counts as the end. */
const NEAR_PIXELS = 48;

export function createLines(
  scroller: HTMLElement,
  list: HTMLOListElement,
  onFinal: (line: Line, speaker: string) => void,
): { render(said: Said): void } {
  const shown = new Map<string, Entry>();
  // Whoever has scrolled back to read is left there; all others see the newest line, also on a phone that is turned.
  let following = true;
  let size = "";
  scroller.addEventListener("scroll", () => {
    // What moved because the page was laid out anew was not moved by the caller.
    if (size === sizeNow()) following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PIXELS;
    else follow();
  });
  const resized = new ResizeObserver(follow);
  resized.observe(scroller);
  resized.observe(list);
  return {
    render(said) {
      const kept = new Set<string>();
      for (const line of said.transcript) {
        const key = `${line.who} ${line.id}`;
        kept.add(key);
        update(shown.get(key) ?? append(key, line, said.agent), line, said);
      }
      for (const [key, { item }] of shown) {
        if (kept.has(key)) continue;
        item.remove();
        shown.delete(key);
      }
      follow();
    },
  };

  function follow(): void {
    if (following) scroller.scrollTop = scroller.scrollHeight;
    size = sizeNow();
  }

  function sizeNow(): string {
    return `${scroller.scrollHeight} ${scroller.clientHeight}`;
  }

  function append(key: string, line: Line, agent: Agent | null): Entry {
    const item = document.createElement("li");
    item.className = "line";
    item.dataset.testid = "line";
    item.dataset.who = line.who;
    const who = paragraph("", "line-who");
    const words = paragraph("", "line-text");
    words.dataset.testid = "line-text";
    if (agent !== null && agent.language !== "") words.lang = agent.language;
    item.append(who, words);
    list.append(item);
    const entry: Entry = { item, who, words, line: null, told: null };
    shown.set(key, entry);
    return entry;
  }

  function update(entry: Entry, line: Line, said: Said): void {
    const speaker = line.who === "you" ? said.words.you : (said.agent?.name ?? said.words.anAgent);
    const waited = line.who === "agent" ? said.waits[line.id] : undefined;
    const title = waited === undefined ? speaker : `${speaker} · ${said.words.answeredIn(seconds(waited, said.words))}`;
    if (entry.who.textContent !== title) entry.who.textContent = title;
    if (waited !== undefined) entry.item.dataset.waited = String(Math.round(waited));
    if (entry.line === line) return;
    entry.line = line;
    entry.words.textContent = line.text;
    entry.item.dataset.final = String(line.final);
    if (!line.final || entry.told === line.text) return;
    entry.told = line.text;
    onFinal(line, speaker);
  }
}
