import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** Writes `name.gz` beside each script and style, so that the server need not compress at run time. */
function compressed(): Plugin {
  return {
    name: "mesostw-compressed",
    apply: "build",
    // After writing: only then has every other step (minifying, hashing) had its say.
    writeBundle(options, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!/\.(js|css)$/.test(name)) continue;
        const path = join(options.dir as string, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/** The address of the backend (a master, or `node dev/fake.mjs`) that `vite` forwards to. */
const backend = process.env.MESOSTW_BACKEND ?? "http://127.0.0.1:5055";

export default defineConfig({
  // Relative addresses: the dashboard works behind any path prefix.
  base: "./",
  plugins: [compressed()],
  build: {
    outDir: "../mesostw/webfiles",
    emptyOutDir: true,
    target: "es2022",
    reportCompressedSize: true,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: backend, ws: true }, "/marathon": { target: backend, ws: true }, "/chronos": { target: backend, ws: true } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
