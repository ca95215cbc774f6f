/**
 * Asks for a token again while the gateway says when to come back: an agent that wakes up, or busy lines.
 *
 * It is patient for a bounded time, tells each second what is going on, and stops at once when the caller hangs up.
 */

import { GatewayError, type GatewayFailure, type Grant } from "../shared/api.ts";

/** Why there is no call yet, and in how many seconds it is tried again; 0: just now. */
export interface Wait {
  readonly problem: string;
  readonly detail: string;
  readonly seconds: number;
}

export interface Patience {
  readonly signal: AbortSignal;
  readonly tell: (wait: Wait) => void;
  /** How long is waited between the tries, all in all. */
  readonly limitSeconds?: number;
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

const LIMIT_SECONDS = 120;
const SHORTEST_SECONDS = 1;

export async function patiently(
  ask: (signal: AbortSignal) => Promise<Grant>,
  { signal, tell, limitSeconds = LIMIT_SECONDS, sleep = pause }: Patience,
): Promise<Grant> {
  let left = limitSeconds;
  for (;;) {
    try {
      return await ask(signal);
    } catch (error) {
      const wait = error instanceof GatewayError ? waitFor(error.failure) : null;
      if (wait === null || wait.seconds > left) throw error;
      left -= wait.seconds;
      for (let seconds = wait.seconds; seconds > 0; seconds--) {
        tell({ ...wait, seconds });
        await sleep(1000, signal);
      }
      tell({ ...wait, seconds: 0 });
    }
  }
}

/** Null where waiting does not help, as far as the gateway says. */
function waitFor(failure: GatewayFailure): Wait | null {
  if (failure.kind !== "refused" || failure.retryAfterSeconds === null) return null;
  if (failure.status !== 503 && failure.status !== 429) return null;
  const problem = failure.problem ?? (failure.status === 429 ? "agent-full" : "");
  return { problem, detail: failure.detail, seconds: Math.max(SHORTEST_SECONDS, failure.retryAfterSeconds) };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
