/** What has to be said in every language. */

import type { AgentState, Explanation, Problem, Shown } from "../messages.ts";

export type PageText =
  | "title"
  | "agent"
  | "call"
  | "callAgain"
  | "hangUp"
  | "mute"
  | "turnOnSound"
  | "transcript"
  | "transcriptEmpty"
  | "message"
  | "messageHint"
  | "send"
  | "devices"
  | "microphone"
  | "microphoneLevel"
  | "speaker"
  | "speakerLevel"
  | "testSound"
  | "tryMicrophone"
  | "signInTitle"
  | "signInWhy"
  | "key"
  | "signIn"
  | "signOut"
  | "language";

type Kind = Exclude<Problem["kind"], "refused">;
type Step = Exclude<Shown["step"], "idle" | "queueing" | "live">;

export interface Words {
  /** As in BCP 47: what numbers and names of languages are written by, and the page's `lang`. */
  readonly tag: "en" | "fr";
  readonly texts: Readonly<Record<PageText, string>>;
  readonly steps: Readonly<Record<Step, string>>;
  readonly choices: Readonly<Record<"ready" | "unready" | "none", string>>;
  readonly agentStates: Readonly<Record<AgentState, string>>;
  /** Why there is no call yet, by the gateway's name for it. */
  readonly waits: Readonly<Record<string, string>>;
  readonly waitsOtherwise: string;
  readonly onTheLine: string;
  readonly allowHint: string;
  readonly mutedHint: string;
  readonly you: string;
  readonly anAgent: string;
  readonly looking: string;
  readonly noAgents: string;
  readonly notReady: string;
  readonly notReadyYet: string;
  readonly ready: string;
  readonly standardDevice: string;
  readonly keyMalformed: string;
  readonly keyRefused: string;
  readonly nextTry: (seconds: number) => string;
  readonly tryAgainIn: (seconds: number) => string;
  readonly speaks: (language: string) => string;
  readonly answeredIn: (seconds: string) => string;
  readonly problems: { readonly [K in Kind]: (problem: Extract<Problem, { kind: K }>) => Explanation };
  /** By the gateway's name for the problem, else by HTTP status. */
  readonly refusals: Readonly<Record<string, Explanation>>;
  readonly refusalsByStatus: Readonly<Record<number, Explanation>>;
  readonly refused: (status: number) => Explanation;
}
