/** Follows the fleet as it changes, and begins anew whenever the stream breaks off. */

import { type Fetch, parseRetryAfter } from "../shared/api.ts";
import { EventReader } from "./events.ts";
import { type Fleet, parseFleet } from "./model.ts";

/** How it stands with the gateway. `refused`: asking again is of no use until something else is done. */
export type Link =
  | { readonly kind: "connecting" | "live" | "reconnecting" }
  | { readonly kind: "refused"; readonly status: number; readonly detail: string };

export interface Following {
  readonly signal: AbortSignal;
  readonly fetch_: Fetch;
  readonly show: (fleet: Fleet) => void;
  readonly tell: (link: Link) => void;
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly silenceMilliseconds?: number;
}

/** More than two heartbeats of the gateway: it has gone without a word. */
const SILENCE_MILLISECONDS = 40_000;
const FIRST_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 30_000;

/** Follows until it is refused or aborted. */
export async function follow(following: Following): Promise<void> {
  const { signal, tell, sleep = pause } = following;
  tell({ kind: "connecting" });
  let failures = 0;
  while (!signal.aborted) {
    let wait = 0;
    try {
      const outcome = await once(following);
      if (outcome.kind === "refused") {
        tell(outcome);
        return;
      }
      // The gateway ends each stream after some minutes: that is no failure, as long as anything came by it.
      failures = outcome.told ? 0 : failures + 1;
      wait = outcome.waitMilliseconds;
    } catch {
      failures++;
    }
    if (failures > 0) tell({ kind: "reconnecting" });
    const backoff = Math.min(LONGEST_PAUSE_MILLISECONDS, FIRST_PAUSE_MILLISECONDS * 2 ** Math.max(0, failures - 1));
    await sleep(Math.max(wait, backoff), signal);
  }
}

type Outcome =
  | Extract<Link, { kind: "refused" }>
  | { readonly kind: "ended"; readonly told: boolean; readonly waitMilliseconds: number };

async function once({ signal, fetch_, show, tell, silenceMilliseconds }: Following): Promise<Outcome> {
  const silence = new Silence(silenceMilliseconds ?? SILENCE_MILLISECONDS);
  let told = false;
  try {
    const response = await fetch_("/fleet/events", {
      headers: { Accept: "text/event-stream" },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) return await refusal(response);
    const events = new EventReader();
    for await (const piece of pieces(response.body)) {
      silence.broken();
      for (const event of events.push(piece)) {
        const fleet = event.name === "fleet" ? parseFleet(event.data) : null;
        if (fleet === null) continue;
        if (!told) tell({ kind: "live" });
        told = true;
        show(fleet);
      }
    }
  } catch (error) {
    // What broke off after it had begun is tried again without the patience that a gateway which is away needs.
    if (!told || signal.aborted) throw error;
    tell({ kind: "reconnecting" });
  } finally {
    silence.end();
  }
  return { kind: "ended", told, waitMilliseconds: 0 };
}

const ASK_AGAIN: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

async function refusal(response: Response): Promise<Outcome> {
  const text = await response.text();
  if (ASK_AGAIN.has(response.status)) {
    const seconds = parseRetryAfter(response.headers.get("Retry-After"), Date.now()) ?? 0;
    return { kind: "ended", told: false, waitMilliseconds: seconds * 1000 };
  }
  return { kind: "refused", status: response.status, detail: detailOf(text) };
}

function detailOf(text: string): string {
  try {
    const problem = JSON.parse(text) as { detail?: unknown } | null;
    return typeof problem?.detail === "string" ? problem.detail : "";
  } catch {
    return "";
  }
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    // Whoever stops early takes the connection down; one that is broken already has nothing to say about it.
    reader.cancel().catch(() => undefined);
  }
}

/** Aborts what has said nothing for too long. */
class Silence {
  readonly #abort = new AbortController();
  readonly #milliseconds: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#abort.abort();
    }, this.#milliseconds);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}
