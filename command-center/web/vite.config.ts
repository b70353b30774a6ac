import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

// The demo answers to its own host only, and takes changes from its own pages only.
const DEMO = "http://127.0.0.1:8080";
const demo = { target: DEMO, changeOrigin: true, headers: { origin: DEMO } };

// The page is served by the citywatch process itself, under a policy that allows nothing from elsewhere:
// every chunk, style and worker is a file of its own, and none is inlined.
export default defineConfig({
  plugins: [vue()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      output: {
        // The map's worker ends in .mjs; servers know .js for certain.
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".mjs")) ? "assets/[name]-[hash].js" : "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/api": demo, "/sign-in": demo, "/open-data": demo, "/sensorthings": demo } },
  // Other builds may run on the machine: a limit is for what hangs, not for what is slow.
  test: { include: ["test/**/*.test.ts"], environment: "node", testTimeout: 120_000 },
});
