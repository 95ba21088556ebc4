// <parallel-axes>: drag along an axis to keep only the runs that pass there; a click on the axis lets all pass again.
export class ParallelAxes extends HTMLElement {
  #ranges = new Map<number, [number, number]>();
  #start: { axis: number; y: number } | null = null;

  connectedCallback(): void {
    this.addEventListener("pointerdown", this.#down);
    this.addEventListener("pointermove", this.#move);
    this.addEventListener("pointerup", this.#up);
    this.classList.add("ready");
  }

  #place(event: PointerEvent): number {
    const svg = this.querySelector("svg");
    const matrix = svg?.getScreenCTM()?.inverse();
    return svg && matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix).y : 0;
  }

  #down = (event: PointerEvent): void => {
    const axis = event.target instanceof Element ? event.target.closest<SVGElement>("[data-axis]") : null;
    if (!axis) return;
    event.preventDefault();
    this.setPointerCapture(event.pointerId);
    this.#start = { axis: Number(axis.dataset["axis"]), y: this.#place(event) };
  };

  #move = (event: PointerEvent): void => {
    if (this.#start) this.#choose(this.#start.axis, this.#start.y, this.#place(event));
  };

  #up = (event: PointerEvent): void => {
    if (!this.#start) return;
    this.#choose(this.#start.axis, this.#start.y, this.#place(event));
    this.#start = null;
  };

  #choose(axis: number, from: number, to: number): void {
    if (Math.abs(from - to) < 4) this.#ranges.delete(axis);
    else this.#ranges.set(axis, [Math.min(from, to), Math.max(from, to)]);
    const brush = this.querySelector<SVGRectElement>(`[data-brush="${axis}"]`);
    const range = this.#ranges.get(axis);
    brush?.setAttribute("y", String(range?.[0] ?? 0));
    brush?.setAttribute("height", String(range ? range[1] - range[0] : 0));
    this.#filter();
  }

  #filter(): void {
    const kept: string[] = [];
    const threads = [...this.querySelectorAll<SVGElement>("[data-at]")];
    for (const thread of threads) {
      const at = (thread.dataset["at"] ?? "").split(",").map((text) => (text === "" ? NaN : Number(text)));
      const passes = [...this.#ranges].every(([axis, [low, high]]) => (at[axis] ?? NaN) >= low && (at[axis] ?? NaN) <= high);
      thread.classList.toggle("dim", !passes);
      if (passes) kept.push(thread.dataset["run"] ?? "");
    }
    const told = this.querySelector<HTMLElement>("[data-told]");
    if (!told) return;
    told.replaceChildren(`${kept.length} of ${threads.length} runs pass. `);
    if (kept.length < 2 || kept.length > 50 || !this.#ranges.size) return;
    const link = document.createElement("a");
    link.href = `/runs/compare?${kept.map((run) => `run=${encodeURIComponent(run)}`).join("&")}`;
    link.textContent = "Compare these";
    told.append(link);
  }
}

customElements.define("parallel-axes", ParallelAxes);
