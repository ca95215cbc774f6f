// Asks a gateway for a token as a page with LiveKit's client does; writes what the client makes of the answer.
// Arguments: the gateway's token endpoint, an API key, and the options as JSON. livekit-client is found from the
// folder that this runs in.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [endpoint, key, options] = process.argv.slice(2);
const file = createRequire(join(process.cwd(), "package.json")).resolve("livekit-client");
const { TokenSource } = (await import(pathToFileURL(file).href)).default;

const source = TokenSource.endpoint(endpoint, { headers: { Authorization: `Bearer ${key}` } });
try {
  console.log(JSON.stringify(await source.fetch(JSON.parse(options))));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
