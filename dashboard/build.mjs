// Bundle the chart library into one classic script, because a page opened as a file loads no modules.
import {build} from "esbuild";
import {readFileSync, writeFileSync} from "node:fs";

const out = process.argv[2] ?? "../src/clientele/dashboard/assets/plot.js";
const bundled = await build({
  entryPoints: ["plot.js"], bundle: true, minify: true, format: "iife", globalName: "plot", target: "es2020", legalComments: "none", charset: "utf8", write: false, metafile: true
});
// The licences of what is bundled stand above it.
const packages = [...new Set(Object.keys(bundled.metafile.inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean))].sort();
const licences = packages.map((name) => {
  const {version, license} = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  return `${name} ${version} (${license})\n\n${text}`;
});
writeFileSync(out, `/*\n${licences.join("\n\n----\n\n").replaceAll("*/", "* /")}\n*/\n${bundled.outputFiles[0].text}`);
console.log(`${packages.length} packages in ${out}`);
