/** What has to be said in every language. */

import type { Attention, Health, PodState, Severity } from "../model.ts";
import type { Span } from "../history.ts";

export type PageText = "title" | "signIn" | "signInWhy" | "signOut" | "key" | "language" | "history";

export interface Words {
  readonly language: "en" | "fr";
  readonly page: Readonly<Record<PageText, string>>;
  readonly keyRefused: string;
  readonly keyMalformed: string;
  readonly links: Readonly<Record<"connecting" | "live" | "reconnecting", string>>;
  readonly refused: (status: number, detail: string) => string;
  readonly health: Readonly<Record<Health, string>>;
  readonly podState: Readonly<Record<PodState, string>>;
  readonly severity: Readonly<Record<Severity, string>>;
  readonly spans: Readonly<Record<Span, string>>;
  /** The sentence of what needs attention; the gateway's own where this page does not know the code. */
  readonly attention: (found: Attention) => string;
  readonly conditions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly outcomes: Readonly<Record<string, string>>;
  readonly attentionTitle: string;
  readonly nothingWrong: string;
  readonly agents: string;
  readonly noAgents: string;
  readonly noSuchAgent: (agent: string) => string;
  readonly all: string;
  readonly agent: string;
  readonly state: string;
  readonly calls: string;
  readonly callsOf: (sessions: number, capacity: number) => string;
  readonly pods: string;
  readonly latency: string;
  readonly latencyNote: string;
  readonly half: string;
  readonly most: string;
  readonly p99: string;
  readonly costToday: string;
  readonly cost: string;
  readonly notPriced: string;
  readonly withoutPrice: (models: string) => string;
  readonly budget: (amount: string, refuses: boolean) => string;
  readonly callIt: string;
  readonly conditionsTitle: string;
  readonly unknown: string;
  readonly since: (time: string) => string;
  readonly draining: string;
  readonly drainingLine: (pods: number, sessions: number, revision: string) => string;
  readonly until: (time: string) => string;
  readonly revisions: string;
  readonly revision: string;
  readonly current: string;
  readonly ready: string;
  readonly noPods: string;
  readonly stale: string;
  readonly live: string;
  readonly noCalls: string;
  readonly shownOf: (shown: number, all: number) => string;
  readonly room: string;
  readonly pod: string;
  readonly running: string;
  readonly turns: string;
  readonly answerTime: string;
  readonly lastHour: string;
  readonly noneEnded: string;
  readonly stages: Readonly<Record<"stt" | "llm" | "tts", string>>;
  readonly sessionsChart: string;
  readonly latencyChart: string;
  readonly chartSessions: (most: number) => string;
  readonly chartLatency: (half: number | null, most: number | null) => string;
  readonly historyAway: string;
  readonly time: string;
}
