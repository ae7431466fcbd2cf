import {existsSync, realpathSync} from "node:fs";
import {fileURLToPath} from "node:url";

// Loaders run as separate processes; all of them read the publication that is current now.
const published = process.env.CLIENTELE_PUBLISH_DIR ?? fileURLToPath(new URL("../published", import.meta.url));
if (!process.env.CLIENTELE_PUBLICATION) {
  if (!existsSync(`${published}/current/clientele.duckdb`)) {
    console.error(`clientele: nothing is published in ${published}; run \`make run\`, which builds and publishes, then try again`);
    process.exit(2);
  }
  process.env.CLIENTELE_PUBLICATION = realpathSync(`${published}/current`);
}

export default {
  title: "clientele",
  root: "src",
  output: process.env.CLIENTELE_SITE,
  style: "style.css",
  pages: [
    {name: "Overview", path: "/index"},
    {name: "RFM grid", path: "/rfm"},
    {name: "Segments", path: "/segments"},
    {name: "Migration", path: "/migration"},
    {name: "Value", path: "/value"},
    {name: "Baskets", path: "/baskets"},
    {name: "Recommendations", path: "/recommendations"},
    {name: "Cohorts", path: "/cohorts"},
    {name: "Quality", path: "/quality"}
  ],
  head: `<link rel="icon" href="data:,"><script>document.documentElement.lang = "en";</script>`,
  footer: "",
  search: false,
  pager: false,
  toc: false,
  globalStylesheets: [],
  interpreters: {".py": [process.env.CLIENTELE_PYTHON ?? "python3"]}
};
