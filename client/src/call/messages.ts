/**
 * What the page says about a call: its states, what goes wrong, and what to do then.
 *
 * Problems are data everywhere else; this chooses the words for them, which stand in `words/`, a file a language.
 */

import type { GatewayFailure } from "../shared/api.ts";
import type { Wait } from "./patience.ts";
import type { Words } from "./words/words.ts";

export type AgentState = "initializing" | "idle" | "listening" | "thinking" | "speaking";

/** Where a call is. `live` is the only phase in which the agent hears the caller. */
export type Phase =
  | { readonly step: "microphone" }
  | { readonly step: "connecting" }
  | { readonly step: "queueing"; readonly wait: Wait }
  | { readonly step: "waiting" }
  | { readonly step: "live"; readonly agent: AgentState }
  | { readonly step: "reconnecting" };

export type Problem =
  | GatewayFailure
  | { readonly kind: "no-agents" }
  | { readonly kind: "agent-unknown"; readonly agent: string }
  | { readonly kind: "microphone-denied" }
  | { readonly kind: "microphone-missing" }
  | { readonly kind: "microphone-busy" }
  | { readonly kind: "microphone-insecure" }
  | { readonly kind: "microphone-failed" }
  | { readonly kind: "microphone-lost" }
  | { readonly kind: "media-unreachable" }
  | { readonly kind: "media-refused" }
  | { readonly kind: "agent-absent"; readonly seconds: number }
  | { readonly kind: "agent-left" }
  | { readonly kind: "agent-failed" }
  | { readonly kind: "connection-lost" }
  | { readonly kind: "server-stopped" }
  | { readonly kind: "joined-elsewhere" }
  | { readonly kind: "removed" }
  | { readonly kind: "message-not-sent" }
  | { readonly kind: "device-failed" }
  | { readonly kind: "unexpected"; readonly detail: string };

export interface Explanation {
  readonly what: string;
  readonly todo: string;
  /** The gateway's own words, which are English, where the page speaks another language. */
  readonly said?: string;
}

/** `failed`: the call never came about; `ended`: there was one. */
export type Shown =
  | Phase
  | { readonly step: "idle"; readonly choice: "ready" | "unready" | "none" }
  | { readonly step: "loading" | "signed-out" | "failed" | "ended" };

/** One word for the phase, or for what the agent is doing: the page's `data-state`. */
export function stateName(shown: Shown): string {
  return shown.step === "live" ? shown.agent : shown.step;
}

export function describe(shown: Shown, words: Words): string {
  switch (shown.step) {
    case "idle":
      return words.choices[shown.choice];
    case "queueing":
      return words.waits[shown.wait.problem] ?? words.waitsOtherwise;
    case "live":
      return words.agentStates[shown.agent];
    default:
      return words.steps[shown.step];
  }
}

/** What a screen reader says when the step changes: not each turn of the talk, which can be heard. */
export function announcement(shown: Shown, words: Words): string {
  return shown.step === "live" ? words.onTheLine : describe(shown, words);
}

/** A second, quieter line under the state, where there is something to add. */
export function hint(shown: Shown, muted: boolean, words: Words): string {
  if (shown.step === "microphone") return words.allowHint;
  if (shown.step === "queueing") return waitHint(shown.wait, words);
  if (shown.step === "live" && muted) return words.mutedHint;
  return "";
}

export function explain(problem: Problem, words: Words): Explanation {
  if (problem.kind === "refused") return explainRefusal(problem, words);
  // Each kind has its own words, which know its fields.
  const explanation = words.problems[problem.kind] as (problem: Problem) => Explanation;
  return explanation(problem);
}

/** Seconds with one place after the point, as each language writes them. */
export function seconds(milliseconds: number, words: Words): string {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${new Intl.NumberFormat(words.tag, digits).format(milliseconds / 1000)}\u00a0s`;
}

/** Whose details say no more than the line above them. */
const SAY_NO_MORE: ReadonlySet<string> = new Set(["agent-full", "too-many-waiting"]);

/** The gateway tells how far an agent is that wakes up, and names what this page has no words of its own for. */
function waitHint({ problem, detail, seconds }: Wait, words: Words): string {
  const next = words.nextTry(seconds);
  return SAY_NO_MORE.has(problem) || detail === "" ? next : `${next} ${asSentence(detail)}`;
}

function explainRefusal(problem: Extract<Problem, { kind: "refused" }>, words: Words): Explanation {
  const { status, detail, retryAfterSeconds } = problem;
  const own = words.refusals[problem.problem ?? ""] ?? words.refusalsByStatus[status] ?? words.refused(status);
  const passes = retryAfterSeconds !== null && (status === 503 || status === 429);
  const todo = passes ? words.tryAgainIn(retryAfterSeconds) : own.todo;
  if (detail === "") return { what: own.what, todo };
  // The gateway knows more than the page, and says it in English.
  return words.tag === "en" ? { what: asSentence(detail), todo } : { what: own.what, todo, said: asSentence(detail) };
}

export function asSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
