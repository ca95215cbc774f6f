/**
 * The page's elements: shows a `Model`, and reports what the caller does.
 *
 * `render` may be called at any time with any model and brings the page to it; it decides nothing.
 */

import { type Agent, agentId } from "../shared/api.ts";
import { element, paragraph, setOptions, writeTexts } from "../shared/dom.ts";
import { createLines } from "./lines.ts";
import { announcement, describe, explain, hint, type Problem, type Shown, stateName } from "./messages.ts";
import { createSignIn, type SignIn } from "./sign_in.ts";
import type { Transcript } from "./transcript.ts";
import type { Words } from "./words/words.ts";

export interface Model {
  readonly words: Words;
  readonly signIn: SignIn;
  readonly signedIn: boolean;
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
  readonly waits: Readonly<Record<string, number>>;
  readonly muted: boolean;
  readonly soundBlocked: boolean;
  /** When the caller came into the room, by `performance.now()`. */
  readonly startedAt: number | null;
}

export interface Actions {
  readonly select: (agent: string) => void;
  readonly speak: (language: string) => void;
  readonly signIn: (key: string) => void;
  readonly signOut: () => void;
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
  const language = element("language-select", HTMLSelectElement);
  const stage = element("stage", HTMLDivElement);
  const chooser = element("chooser", HTMLDivElement);
  const signIn = createSignIn(actions.signIn, actions.signOut);
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
  language.addEventListener("change", () => {
    actions.speak(language.value);
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
    const { words } = model;
    const calling = !["loading", "signed-out", "idle", "failed", "ended"].includes(model.shown.step);
    const live = model.shown.step === "live";
    const hadFocus = document.activeElement;

    page.dataset.state = stateName(model.shown);
    if (before?.words !== words) speak(words);
    const asked = model.signIn !== null;
    chooser.hidden = asked;
    stage.hidden = asked;
    signIn.render(model.signIn, model.signedIn, calling, words);
    renderChooser(model, calling);

    state.textContent = describe(model.shown, words);
    state.dataset.state = stateName(model.shown);
    hintLine.textContent = hint(model.shown, model.muted, words);
    if (before !== null && before.shown.step !== model.shown.step) announce(announcement(model.shown, words));
    renderProblem(model.callProblem ?? (calling || asked ? null : model.listProblem), words);

    call.hidden = calling || asked;
    call.disabled = model.selected === "" || model.shown.step === "loading";
    callLabel.textContent = words.texts[model.shown.step === "ended" ? "callAgain" : "call"];
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
    lines.render({ transcript: model.transcript, agent: agentOf(model), waits: model.waits, words });
    renderClock(model, calling);
  }

  function speak(words: Words): void {
    document.documentElement.lang = words.tag;
    document.title = words.texts.title;
    language.value = words.tag;
    writeTexts(words.texts, ["aria-label", "placeholder"]);
    // Said anew in the other language.
    shownProblem = "";
  }

  function renderChooser(model: Model, calling: boolean): void {
    const { words } = model;
    const options = model.agents.map((agent) => optionOf(agent, model.agents, words));
    if (model.selected !== "" && !options.some((option) => option.value === model.selected)) {
      options.push({ value: model.selected, label: model.selected });
    }
    if (options.length === 0) {
      options.push({ value: "", label: model.shown.step === "loading" ? words.looking : words.noAgents });
    }
    setOptions(select, options, model.selected);
    select.disabled = calling || model.fixed || model.agents.length === 0;

    const agent = agentOf(model);
    note.hidden = agent === null || calling;
    note.dataset.ready = String(agent?.ready ?? false);
    note.textContent = agent === null ? "" : noteOf(agent, words);
  }

  function renderProblem(problem: Problem | null, words: Words): void {
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
    const { what, todo, said } = explain(problem, words);
    error.dataset.kind = problem.kind;
    error.replaceChildren(paragraph(what, "error-what"), paragraph(todo, "error-todo"));
    if (said === undefined) return;
    const own = paragraph(said, "error-said");
    own.lang = "en";
    error.append(own);
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

function agentOf(model: Model): Agent | null {
  return model.agents.find((agent) => agentId(agent) === model.selected) ?? null;
}

function optionOf(agent: Agent, all: readonly Agent[], words: Words): { value: string; label: string } {
  const ambiguous = all.some((other) => other.namespace !== agent.namespace);
  const label = ambiguous ? agentId(agent) : agent.name;
  return { value: agentId(agent), label: agent.ready ? label : `${label} (${words.notReady})` };
}

function noteOf(agent: Agent, words: Words): string {
  if (!agent.ready) return agent.message === "" ? words.notReadyYet : agent.message;
  const language = languageName(agent.language, words);
  return language === "" ? words.ready : words.speaks(language);
}

function languageName(tag: string, words: Words): string {
  if (tag === "") return "";
  try {
    return new Intl.DisplayNames([words.tag], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
