// <metric-chart src="/runs/curves.json?key=loss&run=…" data-log>: curves that zoom and stay live; the drawing inside is what it replaces.
import uPlot from "uplot";
import { token } from "./theme";

type Values = (number | null)[];
interface Curve {
  run: string;
  name: string;
  place: number;
  x: number[];
  y: Values;
  raw: Values;
}
interface Found {
  key: string;
  x: "step" | "time" | "epoch";
  live: boolean;
  curves: Curve[];
}

const TONES = ["a", "b", "c", "d", "e", "f"];
const DASHES = [[], [7, 4], [2, 4]];

const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(5)));

function lasting(seconds: number): string {
  if (seconds < 120) return `${number(seconds)} s`;
  return seconds < 7200 ? `${number(seconds / 60)} min` : `${number(seconds / 3600)} h`;
}

const washed = (colour: string): string => colour.replace("rgb(", "rgba(").replace(")", ", 0.3)");

class MetricChart extends HTMLElement {
  #plot: uPlot | null = null;
  #timer = 0;
  #range: [number, number] | null = null;
  #size = new ResizeObserver(() => this.#plot?.setSize(this.#room()));
  #repaint = (): void => {
    if (this.#plot) void this.#draw(true);
  };

  // a page may have dozens of charts: each asks for its points when it comes near the window
  #near = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      this.#near.disconnect();
      void this.#draw(true);
    },
    { rootMargin: "500px" },
  );

  connectedCallback(): void {
    if (this.#plot) return; // moved within its page
    document.addEventListener("fettle:theme", this.#repaint);
    this.#size.observe(this);
    this.#near.observe(this);
  }

  disconnectedCallback(): void {
    // what is moved is connected again at once
    queueMicrotask(() => {
      if (!this.isConnected) this.#leave();
    });
  }

  #leave(): void {
    document.removeEventListener("fettle:theme", this.#repaint);
    this.#size.disconnect();
    this.#near.disconnect();
    clearTimeout(this.#timer);
    this.#plot?.destroy();
    this.#plot = null;
  }

  async #draw(afresh: boolean): Promise<void> {
    const found = await this.#fetch();
    if (!found || !this.isConnected) return;
    if (found.curves.some((curve) => curve.x.length > 1)) this.#show(found, afresh);
    clearTimeout(this.#timer);
    if (found.live) this.#timer = window.setTimeout(() => void this.#draw(false), 2000);
  }

  async #fetch(): Promise<Found | null> {
    const address = new URL(this.getAttribute("src") ?? "", location.href);
    address.searchParams.set("width", String(Math.max(200, Math.round(this.clientWidth))));
    if (this.#range) {
      address.searchParams.set("from", String(Math.floor(this.#range[0])));
      address.searchParams.set("to", String(Math.ceil(this.#range[1])));
    }
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? ((await answer.json()) as Found) : null;
    } catch {
      return null; // the server is away: the drawing stays as it is
    }
  }

  #show(found: Found, afresh: boolean): void {
    const data = this.#data(found);
    if (this.#plot && !afresh && this.#plot.series.length === data.length) {
      this.#plot.setData(data, !this.#range);
      return;
    }
    this.#plot?.destroy();
    this.replaceChildren();
    this.#plot = new uPlot(this.#options(found, data), data, this);
  }

  /** All curves on one axis: ghosts of what is smoothed first, so that they lie below. */
  #data(found: Found): uPlot.AlignedData {
    const log = this.hasAttribute("data-log");
    const drawn = (values: Values): Values => (log ? values.map((value) => (value !== null && value > 0 ? value : null)) : values);
    const ghosts = found.curves.filter((curve) => curve.raw.length);
    const tables = [...ghosts.map((curve) => [curve.x, drawn(curve.raw)]), ...found.curves.map((curve) => [curve.x, drawn(curve.y)])];
    return tables.length === 1 ? (tables[0] as unknown as uPlot.AlignedData) : uPlot.join(tables.map((table) => rising(table)));
  }

  #options(found: Found, data: uPlot.AlignedData): uPlot.Options {
    const many = found.curves.length > 1;
    const axis: uPlot.Axis = {
      stroke: token("--ink-2"),
      grid: { stroke: token("--line"), width: 1 },
      ticks: { stroke: token("--line"), width: 1 },
      font: `12px ${getComputedStyle(this).fontFamily}`,
    };
    const x: uPlot.Axis = found.x === "time" ? { ...axis, values: (_, ticks) => ticks.map(lasting) } : axis;
    const few = (data[0]?.length ?? 0) < 60;
    const series = (curve: Curve, ghost: boolean): uPlot.Series => {
      const colour = token(`--tone-${TONES[curve.place % TONES.length] ?? "a"}`);
      const label = many ? curve.name : found.key;
      return {
        label: ghost ? `${label}, raw` : label,
        stroke: ghost ? washed(colour) : colour,
        width: ghost ? 1 : 1.8,
        dash: DASHES[Math.floor(curve.place / TONES.length) % DASHES.length] ?? [],
        spanGaps: many,
        points: { show: few && !ghost },
        value: (_, value) => number(value),
      };
    };
    const ghosts = found.curves.filter((curve) => curve.raw.length);
    return {
      ...this.#room(),
      cursor: { drag: { x: true, y: false }, sync: { key: "run" } },
      legend: { show: !many, live: true },
      scales: { x: { time: false }, y: this.hasAttribute("data-log") ? { distr: 3 } : {} },
      axes: [x, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick))) }],
      series: [
        { label: found.x, value: (_, value) => (value === null ? "–" : found.x === "time" ? lasting(value) : number(value)) },
        ...ghosts.map((curve) => series(curve, true)),
        ...found.curves.map((curve) => series(curve, false)),
      ],
      hooks: found.x === "step" ? this.#zooming() : {},
    };
  }

  /** Over steps a zoom asks for the points of that range anew; over times the points at hand are shown larger. */
  #zooming(): uPlot.Hooks.Arrays {
    return {
      setSelect: [
        (plot): void => {
          if (plot.select.width < 4) return;
          this.#range = [plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")];
          void this.#draw(true);
        },
      ],
      ready: [
        (plot): void => {
          plot.over.addEventListener("dblclick", () => {
            this.#range = null;
            void this.#draw(true);
          });
        },
      ],
    };
  }

  #room(): { width: number; height: number } {
    return { width: Math.max(200, this.clientWidth), height: Number(this.getAttribute("height") ?? 190) };
  }
}

/** A curve with the last of several values at one place: joined curves need rising places. */
function rising(table: (number[] | Values)[]): uPlot.AlignedData {
  const [xs, ys] = table as [number[], Values];
  const kept = xs.map((_, index) => index).filter((index) => xs[index] !== xs[index + 1]);
  return [kept.map((index) => xs[index] as number), kept.map((index) => ys[index] ?? null)];
}

customElements.define("metric-chart", MetricChart);
