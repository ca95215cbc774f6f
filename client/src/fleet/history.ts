/** The answer of `/metrics/history` as columns for charts. Pure but for the asking. */

import type { Fetch } from "../shared/api.ts";

export const SPANS = { "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Span = keyof typeof SPANS;

export interface HistoryPoint {
  readonly timestamp: string;
  readonly active: { readonly max: number };
  readonly latency: { readonly e2e: { readonly p50: number; readonly p95: number; readonly p99: number } | null };
}

export interface HistoryAnswer {
  readonly from: string;
  readonly to: string;
  readonly step_seconds: number;
  readonly agents: readonly { readonly points: readonly HistoryPoint[] }[];
}

/** Seconds since 1970, and what was then; null where nothing was measured. */
export interface Columns {
  readonly seconds: number[];
  readonly sessions: number[];
  readonly p50: (number | null)[];
  readonly p95: (number | null)[];
  readonly p99: (number | null)[];
}

export async function askHistory(agent: string, span: Span, now: number, fetch_: Fetch, signal: AbortSignal): Promise<HistoryAnswer> {
  const to = Math.floor(now / 1000);
  const query = new URLSearchParams({ agent, from: String(to - SPANS[span]), to: String(to) });
  const response = await fetch_(`/metrics/history?${query.toString()}`, {
    headers: { Accept: "application/json" },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_DEADLINE_MILLISECONDS)]),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()) as HistoryAnswer;
}

/** Every step of the span, also those in which nothing was: the answer leaves them out. Latencies in seconds. */
export function columns(answer: HistoryAnswer): Columns {
  const points = new Map((answer.agents[0]?.points ?? []).map((point) => [Date.parse(point.timestamp) / 1000, point]));
  const made: Columns = { seconds: [], sessions: [], p50: [], p95: [], p99: [] };
  const end = Date.parse(answer.to) / 1000;
  for (let at = Date.parse(answer.from) / 1000; at < end; at += answer.step_seconds) {
    const point = points.get(at);
    const waits = point?.latency.e2e;
    made.seconds.push(at);
    made.sessions.push(point?.active.max ?? 0);
    made.p50.push(waits ? waits.p50 / 1000 : null);
    made.p95.push(waits ? waits.p95 / 1000 : null);
    made.p99.push(waits ? waits.p99 / 1000 : null);
  }
  return made;
}

/** What a chart shows, for those who cannot see it. */
export function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((most, value) => Math.max(most, value));
}

const ANSWER_DEADLINE_MILLISECONDS = 15_000;
