/**
 * The page's elements: shows a `Model`, and reports what the caller does.
 *
 * `render` may be called at any time with any model and brings the page to it; it decides nothing.
 */

import { type Agent, agentId } from "./api.ts";
import { announcement, describe, explain, hint, type Problem, type Shown, stateName } from "./messages.ts";
import type { Line, Transcript } from "./transcript.ts";

export interface Model {
  readonly shown: Shown;
  readonly agents: readonly Agent[];
  /** NAMESPACE/NAME, or "" where there is none to choose. */
  readonly selected: string;
  /** The page's address names the agent: there is nothing to choose. */
  readonly fixed: boolean;
  /** What went wrong in the call, or with the list of agents; the call's comes first. */
  readonly callProblem: Problem | null;
  readonly listProblem: Problem | null;
  readonly transcript: Transcript;
  readonly muted: boolean;
  readonly soundBlocked: boolean;
  /** When the caller came into the room, by `performance.now()`. */
  readonly startedAt: number | null;
}

export interface Actions {
  readonly select: (agent: string) => void;
  readonly call: () => void;
  readonly hangUp: () => void;
  readonly toggleMute: () => void;
  readonly allowSound: () => void;
  /** Resolves to whether the message was sent: only then the box is emptied. */
  readonly say: (text: string) => Promise<boolean>;
}

export interface View {
  readonly canvas: HTMLCanvasElement;
  readonly audio: HTMLAudioElement;
  render(model: Model): void;
}

export function createView(actions: Actions): View {
  const page = element("page", HTMLElement);
  const select = element("agent-select", HTMLSelectElement);
  const note = element("agent-note", HTMLParagraphElement);
  const clock = element("call-clock", HTMLParagraphElement);
  const state = element("state", HTMLParagraphElement);
  const hintLine = element("hint", HTMLParagraphElement);
  const error = element("error", HTMLDivElement);
  const call = element("call", HTMLButtonElement);
  const callLabel = element("call-label", HTMLSpanElement);
  const hangUp = element("hang-up", HTMLButtonElement);
  const mute = element("mute", HTMLButtonElement);
  const sound = element("sound", HTMLButtonElement);
  const conversation = element("conversation", HTMLElement);
  const empty = element("transcript-empty", HTMLParagraphElement);
  const chat = element("chat", HTMLFormElement);
  const input = element("chat-input", HTMLInputElement);
  const send = element("chat-send", HTMLButtonElement);
  const announcer = element("announcer", HTMLDivElement);
  const lines = createLines(
    element("transcript-scroll", HTMLDivElement),
    element("transcript", HTMLOListElement),
    (line, speaker) => {
      announce(`${speaker}: ${line.text}`);
    },
  );
  let previous: Model | null = null;
  let shownProblem = "null";
  let ticking: ReturnType<typeof setInterval> | undefined;

  select.addEventListener("change", () => {
    actions.select(select.value);
  });
  call.addEventListener("click", actions.call);
  hangUp.addEventListener("click", actions.hangUp);
  mute.addEventListener("click", actions.toggleMute);
  sound.addEventListener("click", actions.allowSound);
  chat.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "" || send.disabled) return;
    send.disabled = true;
    void actions.say(text).then((sent) => {
      send.disabled = previous?.shown.step !== "live";
      if (sent) input.value = "";
      input.focus();
    });
  });

  return {
    canvas: element("visualiser", HTMLCanvasElement),
    audio: element("agent-audio", HTMLAudioElement),
    render,
  };

  function render(model: Model): void {
    const before = previous;
    previous = model;
    const calling = !["loading", "idle", "failed", "ended"].includes(model.shown.step);
    const live = model.shown.step === "live";
    const hadFocus = document.activeElement;

    page.dataset.state = stateName(model.shown);
    renderChooser(model, calling);

    state.textContent = describe(model.shown);
    state.dataset.state = stateName(model.shown);
    hintLine.textContent = hint(model.shown, model.muted);
    if (before !== null && before.shown.step !== model.shown.step) announce(announcement(model.shown));
    renderProblem(model.callProblem ?? (calling ? null : model.listProblem));

    call.hidden = calling;
    call.disabled = model.selected === "" || model.shown.step === "loading";
    callLabel.textContent = model.shown.step === "ended" ? "Call again" : "Call";
    hangUp.hidden = !calling;
    mute.hidden = !live && model.shown.step !== "reconnecting" && model.shown.step !== "waiting";
    mute.setAttribute("aria-pressed", String(model.muted));
    sound.hidden = !(calling && model.soundBlocked);
    // The button that was pressed goes away: the keyboard stays with the one in its place.
    if (hadFocus === call && call.hidden) hangUp.focus();
    if (hadFocus !== null && (hadFocus === hangUp || hadFocus === mute) && hangUp.hidden) call.focus();

    conversation.hidden = model.startedAt === null && model.transcript.length === 0;
    page.classList.toggle("with-conversation", !conversation.hidden);
    chat.hidden = !calling;
    input.disabled = !live;
    send.disabled = !live;
    empty.hidden = model.transcript.length > 0;
    lines.render(model.transcript, agentOf(model));
    renderClock(model, calling);
  }

  function renderChooser(model: Model, calling: boolean): void {
    const options = model.agents.map((agent) => optionOf(agent, model.agents));
    if (model.selected !== "" && !options.some((option) => option.value === model.selected)) {
      options.push({ value: model.selected, label: model.selected });
    }
    if (options.length === 0) {
      options.push({ value: "", label: model.shown.step === "loading" ? "Looking for agents…" : "No agents" });
    }
    const wanted = JSON.stringify(options);
    // An open list is left alone unless it has really changed.
    if (select.dataset.options !== wanted) {
      select.dataset.options = wanted;
      select.replaceChildren(...options.map(({ value, label }) => new Option(label, value)));
    }
    if (select.value !== model.selected) select.value = model.selected;
    select.disabled = calling || model.fixed || model.agents.length === 0;

    const agent = agentOf(model);
    note.hidden = agent === null || calling;
    note.dataset.ready = String(agent?.ready ?? false);
    note.textContent = agent === null ? "" : noteOf(agent);
  }

  function renderProblem(problem: Problem | null): void {
    // Said once: an alert that is written again is read out again.
    const wanted = JSON.stringify(problem);
    if (wanted === shownProblem) return;
    shownProblem = wanted;
    error.hidden = problem === null;
    if (problem === null) {
      delete error.dataset.kind;
      error.replaceChildren();
      return;
    }
    const { what, todo } = explain(problem);
    error.dataset.kind = problem.kind;
    error.replaceChildren(paragraph(what, "error-what"), paragraph(todo, "error-todo"));
  }

  function renderClock(model: Model, calling: boolean): void {
    const { startedAt } = model;
    clock.hidden = startedAt === null || !calling;
    clearInterval(ticking);
    if (startedAt === null || !calling) return;
    const tick = (): void => {
      clock.textContent = duration(performance.now() - startedAt);
    };
    tick();
    ticking = setInterval(tick, 1000);
  }

  /** Speaks to screen readers, and only what is finished: a line that still grows would be read over and over. */
  function announce(text: string): void {
    announcer.append(paragraph(text, ""));
    while (announcer.childElementCount > 5) announcer.firstElementChild?.remove();
  }
}

/** Minutes and seconds, as on a telephone. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** One line on the page, and what of it is shown and has been told. */
interface Entry {
  readonly item: HTMLLIElement;
  readonly words: HTMLElement;
  line: Line | null;
  told: string | null;
}

function createLines(
  scroller: HTMLElement,
  list: HTMLOListElement,
  onFinal: (line: Line, speaker: string) => void,
): { render(transcript: Transcript, agent: Agent | null): void } {
  const shown = new Map<string, Entry>();
  return {
    render(transcript, agent) {
      const wasAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
      const kept = new Set<string>();
      for (const line of transcript) {
        const key = `${line.who} ${line.id}`;
        kept.add(key);
        update(shown.get(key) ?? append(key, line, agent), line, agent);
      }
      for (const [key, { item }] of shown) {
        if (kept.has(key)) continue;
        item.remove();
        shown.delete(key);
      }
      if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
    },
  };

  function append(key: string, line: Line, agent: Agent | null): Entry {
    const item = document.createElement("li");
    item.className = "line";
    item.dataset.testid = "line";
    item.dataset.who = line.who;
    const words = paragraph("", "line-text");
    words.dataset.testid = "line-text";
    if (agent !== null && agent.language !== "") words.lang = agent.language;
    item.append(paragraph(speakerName(line, agent), "line-who"), words);
    list.append(item);
    const entry: Entry = { item, words, line: null, told: null };
    shown.set(key, entry);
    return entry;
  }

  function update(entry: Entry, line: Line, agent: Agent | null): void {
    if (entry.line === line) return;
    entry.line = line;
    entry.words.textContent = line.text;
    entry.item.dataset.final = String(line.final);
    if (!line.final || entry.told === line.text) return;
    entry.told = line.text;
    onFinal(line, speakerName(line, agent));
  }
}

function speakerName(line: Line, agent: Agent | null): string {
  return line.who === "you" ? "You" : (agent?.name ?? "Agent");
}

function agentOf(model: Model): Agent | null {
  return model.agents.find((agent) => agentId(agent) === model.selected) ?? null;
}

function optionOf(agent: Agent, all: readonly Agent[]): { value: string; label: string } {
  const ambiguous = all.some((other) => other.namespace !== agent.namespace);
  const label = ambiguous ? agentId(agent) : agent.name;
  return { value: agentId(agent), label: agent.ready ? label : `${label} (not ready)` };
}

function noteOf(agent: Agent): string {
  if (!agent.ready) return agent.message === "" ? "Not ready yet." : agent.message;
  const language = languageName(agent.language);
  return language === "" ? "Ready" : `Ready, speaks ${language}`;
}

function languageName(tag: string): string {
  if (tag === "") return "";
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

function paragraph(text: string, className: string): HTMLParagraphElement {
  const made = document.createElement("p");
  made.className = className;
  made.textContent = text;
  return made;
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} with the id ${id}.`);
  return found;
}
