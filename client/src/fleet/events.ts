/**
 * Server-sent events read by hand: an EventSource cannot send the header that says who asks.
 *
 * Only what the gateway sends is understood: lines end with a line feed, and an event has a name and one line of data.
 */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

export class EventReader {
  #rest = "";

  /** The events that the next piece of the stream completes. */
  push(piece: string): ServerEvent[] {
    const blocks = (this.#rest + piece).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(toEvent).filter((event) => event !== null);
  }
}

function toEvent(block: string): ServerEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { name, data: data.join("\n") };
}
