import { defineConfig } from "vitest/config";

// Fixed names: the server's template links them without reading the manifest, and Django's static files
// are revalidated by ETag.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../static/workbench.new", // .ci/setup.py puts it in the place of the old one
    emptyOutDir: true,
    target: "es2022",
    manifest: "manifest.json",
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      input: { workbench: "src/main.ts", site: "src/site/main.ts" },
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "chunks/[name].js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css")) ? "workbench.css" : "assets/[name][extname]",
      },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts"],
    restoreMocks: true,
  },
});
