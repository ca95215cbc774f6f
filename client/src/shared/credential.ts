/**
 * The key that a visitor signs in with: an API key, or a token of the gateway's issuer.
 *
 * It lives for as long as the tab, in its session storage; where the browser gives none, for as long as the page.
 * It goes to this page's own gateway only, in the header that the gateway reads, and into no address.
 */

import type { Fetch } from "./api.ts";

export interface KeyStore {
  /** The key, or "" where nobody has signed in. */
  read(): string;
  write(key: string): void;
  forget(): void;
}

const NAME = "voiceagent.key";
/** What a header may hold: no space, no line's end, nothing beyond ASCII. */
const FORM = /^[\x21-\x7e]+$/;

/** Whether the text can be a key at all: anything else the browser refuses to send. */
export function canBeKey(text: string): boolean {
  return FORM.test(text);
}

/** Asks with the key that there is at that moment. */
export function withKey(fetch_: Fetch, keys: Pick<KeyStore, "read">): Fetch {
  return (input, init) => {
    const key = keys.read();
    if (key === "") return fetch_(input, init);
    const headers = new Headers(init?.headers);
    headers.set("Authorization", `Bearer ${key}`);
    return fetch_(input, { ...init, headers });
  };
}

export function keyStore(storage: () => Pick<Storage, "getItem" | "setItem" | "removeItem">): KeyStore {
  let kept = attempt(() => storage().getItem(NAME)) ?? "";
  return {
    read: () => kept,
    write: (key) => {
      kept = key;
      attempt(() => {
        storage().setItem(NAME, key);
      });
    },
    forget: () => {
      kept = "";
      attempt(() => {
        storage().removeItem(NAME);
      });
    },
  };
}

/** A frame on another site's page may have no storage at all: even asking for it throws. */
function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
