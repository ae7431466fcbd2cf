// Build the site beside the old one, then replace it, so that a failed build leaves the old site.
import {spawnSync} from "node:child_process";
import {existsSync, mkdirSync, readdirSync, renameSync, rmSync} from "node:fs";

const [command = "build"] = process.argv.slice(2);
const site = process.env.CLIENTELE_SITE ?? "dist";
const cache = "src/.observablehq/cache";

// Framework asks the network for the versions of modules that pages may import implicitly. Empty cache
// folders with their names prevent that. No page uses these modules.
const IMPLICIT = [
  "@observablehq/plot", "@observablehq/sample-datasets", "apache-arrow", "arquero", "d3", "d3-dsv", "echarts", "htl",
  "leaflet", "lodash", "mapbox-gl", "parquet-wasm", "react", "react-dom", "topojson-client"
];
for (const name of IMPLICIT) mkdirSync(`${cache}/_npm/${name}@0.0.0`, {recursive: true});
// The framework caches a loader's output until the loader changes, but here the publication has changed.
rmSync(`${cache}/data`, {recursive: true, force: true});

rmSync(`${site}.next`, {recursive: true, force: true});
const env = {...process.env, CLIENTELE_SITE: `${site}.next`, OBSERVABLE_TELEMETRY_DISABLE: "true"};
const preview = command === "preview";
const {status, stdout} = spawnSync("node_modules/.bin/observable", preview ? ["preview", "--no-open"] : ["build"], {
  env, encoding: "utf8", stdio: ["ignore", preview ? "inherit" : "pipe", "inherit"]
});
if (status !== 0) {
  rmSync(`${site}.next`, {recursive: true, force: true});
  if (stdout) console.error(stdout);
  process.exit(status ?? 1);
}
if (!preview) {
  rmSync(`${site}.old`, {recursive: true, force: true});
  if (existsSync(site)) renameSync(site, `${site}.old`);
  renameSync(`${site}.next`, site);
  rmSync(`${site}.old`, {recursive: true, force: true});
  console.log(`${readdirSync(site).filter((file) => file.endsWith(".html")).length} pages in ${site}`);
}
