/**
 * Every word that the page says by itself about a call: its states, what goes wrong, and what to do then.
 *
 * Problems are data everywhere else, so that this is the one place to read, correct or translate them.
 */

import type { GatewayFailure } from "./api.ts";
import type { Wait } from "./patience.ts";

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
  | { readonly kind: "unexpected"; readonly detail: string };

export interface Explanation {
  readonly what: string;
  readonly todo: string;
}

/** `failed`: the call never came about; `ended`: there was one. */
export type Shown =
  | Phase
  | { readonly step: "idle"; readonly choice: "ready" | "unready" | "none" }
  | { readonly step: "loading" | "failed" | "ended" };

/** One word for the phase, or for what the agent is doing: the page's `data-state`. */
export function stateName(shown: Shown): string {
  return shown.step === "live" ? shown.agent : shown.step;
}

export function describe(shown: Shown): string {
  switch (shown.step) {
    case "loading":
      return "Loading…";
    case "idle":
      return CHOICES[shown.choice];
    case "microphone":
      return "Asking for your microphone…";
    case "connecting":
      return "Connecting…";
    case "queueing":
      return WAITS[shown.wait.problem] ?? "The agent is not ready yet…";
    case "waiting":
      return "Waiting for the agent…";
    case "reconnecting":
      return "Connection lost, reconnecting…";
    case "failed":
      return "The call was not made";
    case "ended":
      return "Call ended";
    case "live":
      return AGENT_STATES[shown.agent];
  }
}

/** What a screen reader says when the step changes: not each turn of the talk, which can be heard. */
export function announcement(shown: Shown): string {
  return shown.step === "live" ? "The agent is on the line." : describe(shown);
}

/** A second, quieter line under the state, where there is something to add. */
export function hint(shown: Shown, muted: boolean): string {
  if (shown.step === "microphone") return "Your browser may ask you to allow it.";
  if (shown.step === "queueing") return waitHint(shown.wait);
  if (shown.step === "live" && muted) return "Muted: the agent cannot hear you.";
  return "";
}

export function explain(problem: Problem): Explanation {
  switch (problem.kind) {
    case "gateway-unreachable":
      return {
        what: "The server does not answer.",
        todo: "Check your network connection, then try again. If it stays so, tell whoever runs this service.",
      };
    case "gateway-answer":
      return {
        what: `The server sent an answer that this page does not understand (HTTP ${problem.status}).`,
        todo: "Reload the page. If it stays so, tell whoever runs this service.",
      };
    case "refused":
      return explainRefusal(problem);
    case "no-agents":
      return {
        what: "There is no agent to call yet.",
        todo: "Agents appear here as soon as a VoiceAgent is applied in the cluster. The page keeps looking.",
      };
    case "agent-unknown":
      return {
        what: `There is no agent ${problem.agent} here.`,
        todo: "Check the link that you followed, or open this page without it to choose among all agents.",
      };
    case "microphone-denied":
      return {
        what: "The browser was not allowed to use your microphone.",
        todo: "Allow the microphone in the site settings beside the address bar, then call again.",
      };
    case "microphone-missing":
      return {
        what: "No microphone was found.",
        todo: "Plug one in or switch it on, then call again.",
      };
    case "microphone-busy":
      return {
        what: "Your microphone is in use or does not start.",
        todo: "Close other programs or tabs that use it, then call again.",
      };
    case "microphone-insecure":
      return {
        what: "The browser gives no microphone to this page, because its address is not secure.",
        todo: "Open the page at an https:// address, or at http://localhost.",
      };
    case "microphone-failed":
      return {
        what: "Your microphone could not be started.",
        todo: "Choose another microphone in your browser's or system's settings, then call again.",
      };
    case "microphone-lost":
      return {
        what: "Your microphone stopped: the agent does not hear you.",
        todo: "Reconnect it and unmute, or type your message.",
      };
    case "media-unreachable":
      return {
        what: "The call could not be set up: the media server was not reached.",
        todo: "Check your network, firewall or VPN, then call again.",
      };
    case "media-refused":
      return {
        what: "The media server did not accept the call.",
        todo: "Call again. If it stays so, tell whoever runs this service: its LiveKit key may not match.",
      };
    case "agent-absent":
      return {
        what: `The agent did not join within ${problem.seconds} seconds.`,
        todo: "It may be busy or just starting. Call again in a moment, or choose another agent.",
      };
    case "agent-left":
      return { what: "The agent left the call and did not come back.", todo: "Call again to go on." };
    case "agent-failed":
      return {
        what: "The agent failed during the call.",
        todo: "Call again. If it stays so, tell whoever runs this service.",
      };
    case "connection-lost":
      return {
        what: "The connection was lost and could not be restored.",
        todo: "Check your network connection, then call again.",
      };
    case "server-stopped":
      return { what: "The media server was shut down during the call.", todo: "Wait a moment, then call again." };
    case "joined-elsewhere":
      return {
        what: "This call was taken over by another window with the same identity.",
        todo: "Go on there, or close it and call again.",
      };
    case "removed":
      return {
        what: "The service ended the call.",
        todo: "It may have reached its longest duration. Call again if you need to.",
      };
    case "message-not-sent":
      return { what: "Your message was not sent.", todo: "It is still in the box: try again." };
    case "unexpected":
      return {
        what: `Something went wrong${problem.detail === "" ? "." : `: ${asSentence(problem.detail)}`}`,
        todo: "Reload the page and call again.",
      };
  }
}

const CHOICES = {
  ready: "Ready to call",
  unready: "The agent is not ready",
  none: "No agent to call",
} as const;

const WAITS: Readonly<Record<string, string>> = {
  "agent-waking": "The agent is waking up…",
  "agent-growing": "All lines are busy, another is being opened…",
  "agent-full": "All lines are busy…",
  "too-many-waiting": "Many callers are waiting…",
};

/** Whose details say no more than the line above them. */
const SAY_NO_MORE: ReadonlySet<string> = new Set(["agent-full", "too-many-waiting"]);

/** The gateway tells how far an agent is that wakes up, and names what this page has no words of its own for. */
function waitHint({ problem, detail, seconds }: Wait): string {
  const next = seconds === 0 ? "Trying again now." : `Trying again in ${seconds} s.`;
  return SAY_NO_MORE.has(problem) || detail === "" ? next : `${next} ${asSentence(detail)}`;
}

const AGENT_STATES: Readonly<Record<AgentState, string>> = {
  initializing: "The agent is getting ready…",
  idle: "The agent is idle",
  listening: "Listening",
  thinking: "Thinking…",
  speaking: "Speaking",
};

function explainRefusal(problem: Extract<Problem, { kind: "refused" }>): Explanation {
  const { status, detail, retryAfterSeconds } = problem;
  const said = detail === "" ? null : asSentence(detail);
  if (retryAfterSeconds !== null && (status === 503 || status === 429)) {
    return {
      what: said ?? (status === 429 ? "There were too many calls from here." : "The agent is not ready."),
      todo: retryAfterSeconds === 0 ? "Try again now." : `Try again in ${inWords(retryAfterSeconds)}.`,
    };
  }
  switch (status) {
    case 401:
      return { what: said ?? "The service asks who you are.", todo: "Sign in, then reload the page." };
    case 403:
      return {
        what: said ?? "You may not call this agent.",
        todo: "Choose another agent, or ask whoever runs this service for access.",
      };
    case 404:
      return { what: said ?? "This agent is no longer there.", todo: "Choose another agent." };
    case 429:
      return { what: said ?? "There were too many calls from here.", todo: "Wait a minute, then try again." };
    case 503:
      return { what: said ?? "The agent is not ready.", todo: "Try again in a moment, or choose another agent." };
    default:
      return {
        what: said ?? `The server answered with an error (HTTP ${status}).`,
        todo:
          status >= 500
            ? "Try again. If it stays so, tell whoever runs this service."
            : "Reload the page and try again. If it stays so, tell whoever runs this service.",
      };
  }
}

function asSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function inWords(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.round(seconds / 60)} minutes`;
}
