// Bundles the pages' scripts and styles into ../static, under names that carry their content's hash.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");

await mkdir(out, { recursive: true });
const result = await build({
  entryPoints: [join(here, "main.ts"), join(here, "pages.css")],
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  metafile: true,
  logLevel: "warning",
});

const made = Object.entries(result.metafile.outputs);
const manifest = {};
for (const [path, { entryPoint }] of made) {
  if (entryPoint) manifest[basename(entryPoint).replace(/\.ts$/, ".js")] = basename(path);
}
const kept = new Set(made.map(([path]) => basename(path)));
for (const name of await readdir(out)) {
  if (!kept.has(name)) await rm(join(out, name), { recursive: true });
}
await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
for (const [path, { bytes }] of made) {
  console.log(`${(bytes / 1024).toFixed(1).padStart(8)} kB  ${relative(process.cwd(), path)}`);
}
