/**
 * Builds the dashboard into dist/web: `npm run build`, run by `npm install`. Everything that compresses is written
 * compressed beside itself, so that the service only has to hand it over.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const OUT = join(import.meta.dirname, '../../dist/web');
const COMPRESSED_BYTES_MIN = 1000;

function compressed(): Plugin {
  return {
    name: 'wellkeeper-compressed',
    apply: 'build',
    writeBundle({ dir }) {
      const assets = join(dir ?? OUT, 'assets');
      for (const name of readdirSync(assets)) {
        const path = join(assets, name);
        if (!/\.(js|css|svg)$/.test(name) || statSync(path).size < COMPRESSED_BYTES_MIN) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(bytes));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  plugins: [compressed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    // No data: addresses: the policy of the page allows none for scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite src/web` beside a running service: changes show at once.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/docs': 'http://127.0.0.1:8080' } },
});
