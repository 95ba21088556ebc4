// Starts the pages' small amount of script. Everything here adds to pages that already work without it.
import "./auto";
import "./cells";
import "./live";
import "./keys";
import "./theme";
import { startCopying } from "./copy";
import { startTips } from "./tips";

document.documentElement.classList.add("js");
startCopying();
startTips();

// Islands are fetched only by pages that have them, also when they arrive in a fragment.
const islands: Record<string, () => Promise<unknown>> = {
  "metric-chart": () => import("./metric-chart"),
  "parallel-axes": () => import("./parallel-axes"),
  "flow-graph": () => import("./flow-graph"),
  "label-screen": () => import("./label-screen"),
};

function loadIslands(): void {
  for (const [name, load] of Object.entries(islands)) {
    if (!customElements.get(name) && document.querySelector(name)) void load();
  }
}

loadIslands();
document.addEventListener("htmx:afterSettle", loadIslands);
