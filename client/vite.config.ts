import { gzipSync } from "node:zlib";

import { defineConfig, type Plugin, type Rolldown } from "vite";

// `npm run dev` serves the page from here and asks this gateway for agents and tokens.
const GATEWAY = "http://localhost:8080";

/** The gateway takes these requests for those of its own page: pages of other sites it may refuse. */
const OWN_PAGE = { target: GATEWAY, changeOrigin: true, headers: { Origin: GATEWAY } };

/** What a visitor's browser fetches for one page, compressed as HTTP servers do. livekit-client alone is 140 kB of it. */
const PAGE_MAX_BYTES = 200_000;

/** Fails the build where a page has grown too large for a telephone's network. */
function pageSize(): Plugin {
  return {
    name: "page-size",
    apply: "build",
    writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((output) => output.type === "chunk");
      for (const entry of chunks.filter((chunk) => chunk.isEntry && chunk.facadeModuleId?.endsWith(".html"))) {
        const html = entry.facadeModuleId?.split("/").pop() ?? "";
        const files = [html, ...filesOf(entry, bundle)];
        const bytes = files.reduce((sum, file) => sum + gzipSync(contentOf(bundle[file])).length, 0);
        this.info(`${html}: ${Math.ceil(bytes / 1000)} kB gzipped, with all that it loads`);
        if (bytes <= PAGE_MAX_BYTES) continue;
        this.error(`${html} has ${bytes} bytes gzipped in ${files.join(", ")}; at most ${PAGE_MAX_BYTES} are allowed.`);
      }
    },
  };
}

function filesOf(entry: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle): Set<string> {
  const files = new Set<string>();
  const add = (name: string): void => {
    const chunk = bundle[name];
    if (files.has(name) || chunk?.type !== "chunk") return;
    files.add(name);
    chunk.viteMetadata?.importedCss.forEach((css) => files.add(css));
    [...chunk.imports, ...chunk.dynamicImports].forEach(add);
  };
  add(entry.fileName);
  return files;
}

function contentOf(file: Rolldown.OutputAsset | Rolldown.OutputChunk | undefined): string | Uint8Array {
  if (file === undefined) throw new Error("A page loads a file that was not built.");
  return file.type === "chunk" ? file.code : file.source;
}

export default defineConfig({
  plugins: [pageSize()],
  build: {
    target: "es2022",
    // The page runs under a strict Content-Security-Policy: nothing may become inline or a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    // What we ship holds other people's code: their licences travel with it.
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      // A page is an HTML file of this folder; the call button for other sites is a script by itself.
      input: { index: "index.html", fleet: "fleet.html", embed: "src/embed.ts" },
      output: {
        // Other sites name it: it has no hash.
        entryFileNames: ({ name }) => (name === "embed" ? "embed.js" : "assets/[name]-[hash].js"),
        // The SDK changes far less often than the page, so that browsers keep it in their cache.
        codeSplitting: { groups: [{ name: "livekit", test: /node_modules\/(?!uplot)/ }] },
      },
    },
  },
  server: { proxy: Object.fromEntries(["/agents", "/token", "/fleet/", "/metrics"].map((path) => [path, OWN_PAGE])) },
});
