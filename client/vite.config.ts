import { defineConfig } from "vite";

// `npm run dev` serves the page from here and asks this gateway for agents and tokens.
const GATEWAY = "http://localhost:8080";

export default defineConfig({
  build: {
    target: "es2022",
    // The page runs under a strict Content-Security-Policy: nothing may become inline or a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    // What we ship holds other people's code: their licences travel with it.
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      output: {
        // The SDK changes far less often than the page, so that browsers keep it in their cache.
        codeSplitting: { groups: [{ name: "livekit", test: /node_modules/ }] },
      },
    },
  },
  server: {
    proxy: { "/agents": GATEWAY, "/token": GATEWAY },
  },
});
