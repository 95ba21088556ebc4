// <metric-chart src="…/series.json?key=loss">: a curve that zooms and stays live; the drawing inside is what it replaces.
import uPlot from "uplot";
import { token } from "./theme";

interface Series {
  key: string;
  steps: number[];
  low: (number | null)[];
  high: (number | null)[];
  last: (number | null)[];
  total: number;
  live: boolean;
}

const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(5)));

class MetricChart extends HTMLElement {
  #plot: uPlot | null = null;
  #timer = 0;
  #range: [number, number] | null = null;
  #size = new ResizeObserver(() => this.#plot?.setSize(this.#room()));
  #repaint = (): void => {
    void this.#draw(true);
  };

  connectedCallback(): void {
    document.addEventListener("fettle:theme", this.#repaint);
    this.#size.observe(this);
    void this.#draw(true);
  }

  disconnectedCallback(): void {
    document.removeEventListener("fettle:theme", this.#repaint);
    this.#size.disconnect();
    clearTimeout(this.#timer);
    this.#plot?.destroy();
    this.#plot = null;
  }

  async #draw(afresh: boolean): Promise<void> {
    const series = await this.#fetch();
    if (!series || !this.isConnected) return;
    if (series.steps.length > 1) this.#show(series, afresh);
    clearTimeout(this.#timer);
    if (series.live) this.#timer = window.setTimeout(() => void this.#draw(false), 2000);
  }

  async #fetch(): Promise<Series | null> {
    const address = new URL(this.getAttribute("src") ?? "", location.href);
    address.searchParams.set("width", String(Math.max(200, Math.round(this.clientWidth))));
    if (this.#range) {
      address.searchParams.set("from", String(Math.floor(this.#range[0])));
      address.searchParams.set("to", String(Math.ceil(this.#range[1])));
    }
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? ((await answer.json()) as Series) : null;
    } catch {
      return null; // the server is away: the drawing stays as it is
    }
  }

  #show(series: Series, afresh: boolean): void {
    const data = [series.steps, series.high, series.low, series.last] as uPlot.AlignedData;
    if (this.#plot && !afresh) {
      this.#plot.setData(data, !this.#range);
      return;
    }
    this.#plot?.destroy();
    this.replaceChildren();
    this.#plot = new uPlot(this.#options(series), data, this);
  }

  #options(series: Series): uPlot.Options {
    const line = token("--tone-a");
    const axis: uPlot.Axis = {
      stroke: token("--ink-2"),
      grid: { stroke: token("--line"), width: 1 },
      ticks: { stroke: token("--line"), width: 1 },
      font: `12px ${getComputedStyle(this).fontFamily}`,
    };
    const edge: uPlot.Series = { stroke: "transparent", points: { show: false } };
    return {
      ...this.#room(),
      cursor: { drag: { x: true, y: false }, sync: { key: "run" } },
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 62, values: (_, ticks) => ticks.map(number) }],
      bands: [{ series: [1, 2], fill: line.replace("rgb(", "rgba(").replace(")", ", 0.18)") }],
      series: [
        { label: "step" },
        { ...edge, label: "highest", value: (_, value) => number(value) },
        { ...edge, label: "lowest", value: (_, value) => number(value) },
        { label: series.key, stroke: line, width: 1.8, points: { show: series.steps.length < 60 }, value: (_, value) => number(value) },
      ],
      hooks: {
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
      },
    };
  }

  #room(): { width: number; height: number } {
    return { width: Math.max(200, this.clientWidth), height: Number(this.getAttribute("height") ?? 190) };
  }
}

customElements.define("metric-chart", MetricChart);
