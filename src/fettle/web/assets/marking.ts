// Marks parts of a text with classes: words are chosen by mouse or by arrows, a class's key or button marks them.

/** Positions count code points, as on the server. */
export interface Span {
  start: number;
  end: number;
  label: string;
}

export class Marking {
  #text = "";
  #spans: Span[] = [];
  #words: [number, number][] = []; // in UTF-16 units, as the DOM counts
  #first = -1;
  #last = -1;

  constructor(
    private readonly place: HTMLElement,
    private readonly list: HTMLElement | null,
    private readonly field: HTMLInputElement,
  ) {
    this.show(place.textContent ?? "", JSON.parse(field.value || "[]") as Span[]);
  }

  show(text: string, spans: Span[]): void {
    this.#text = text;
    this.#words = [...text.matchAll(/[\p{L}\p{N}\p{M}_'’-]+|[^\s\p{L}\p{N}]/gu)].map((found) => [found.index, found.index + found[0].length]);
    this.#first = this.#last = -1;
    this.#set(spans);
  }

  /** Mark the chosen words; false if none are. */
  mark(label: string): boolean {
    const chosen = this.#chosen();
    if (!chosen) return false;
    const [start, end] = this.#trimmed(chosen);
    if (start === end) return false;
    const span = { start: this.#points(start), end: this.#points(end), label };
    const same = (each: Span): boolean => each.start === span.start && each.end === span.end;
    this.#set([...this.#spans.filter((each) => !same(each)), span]);
    this.#select(start, end);
    return true;
  }

  /** Arrows choose words, Delete takes away the marks they touch; whether the key meant anything. */
  pressed(key: string, shift: boolean): boolean {
    if (key === "ArrowRight" || key === "ArrowLeft") return this.#step(key === "ArrowRight" ? 1 : -1, shift);
    if (key === "Delete" || key === "Backspace") return this.#unmark();
    return false;
  }

  #step(step: number, shift: boolean): boolean {
    if (this.#words.length === 0) return true;
    const limit = this.#words.length - 1;
    this.#last = this.#last < 0 ? (step > 0 ? 0 : limit) : Math.min(Math.max(this.#last + step, 0), limit);
    if (!shift || this.#first < 0) this.#first = this.#last;
    const [low, high] = [Math.min(this.#first, this.#last), Math.max(this.#first, this.#last)];
    this.#select(this.#words[low]![0], this.#words[high]![1]);
    return true;
  }

  #unmark(): boolean {
    const chosen = this.#chosen();
    if (!chosen) return true;
    const [start, end] = [this.#points(chosen[0]), this.#points(chosen[1])];
    this.#set(this.#spans.filter((each) => each.end <= start || each.start >= end));
    this.#select(...chosen);
    return true;
  }

  #set(spans: Span[]): void {
    this.#spans = [...spans].sort((one, two) => one.start - two.start || one.end - two.end);
    this.field.value = JSON.stringify(this.#spans);
    this.#draw();
    this.#tell();
  }

  /** The text in pieces, cut wherever a mark begins or ends. */
  #draw(): void {
    const marks = this.#spans.map((each) => ({ ...each, from: this.#units(each.start), to: this.#units(each.end) }));
    const cuts = [...new Set([0, this.#text.length, ...marks.flatMap((each) => [each.from, each.to])])].sort((one, two) => one - two);
    const pieces = cuts.slice(1).map((end, index) => {
      const start = cuts[index]!;
      const over = marks.filter((each) => each.from <= start && each.to >= end);
      const words = document.createTextNode(this.#text.slice(start, end));
      if (over.length === 0) return words;
      const piece = document.createElement("mark");
      piece.dataset["tone"] = tone(over[0]!.label);
      piece.title = over.map((each) => each.label).join(", ");
      if (over.some((each) => each.to === end)) {
        piece.dataset["label"] = over.filter((each) => each.to === end).map((each) => each.label).join(", ");
      }
      piece.append(words);
      return piece;
    });
    this.place.replaceChildren(...pieces);
  }

  #tell(): void {
    this.list?.replaceChildren(
      ...this.#spans.map((each) => {
        const row = document.createElement("li");
        const words = document.createElement("span");
        words.textContent = this.#text.slice(this.#units(each.start), this.#units(each.end));
        const name = document.createElement("span");
        name.className = "chip";
        name.dataset["tone"] = tone(each.label);
        name.textContent = each.label;
        const away = document.createElement("button");
        away.type = "button";
        away.className = "button";
        away.textContent = "Remove";
        away.setAttribute("aria-label", `Remove ${each.label}: ${words.textContent}`);
        away.addEventListener("click", () => {
          this.#set(this.#spans.filter((other) => other !== each));
          this.place.focus();
        });
        row.append(words, name, away);
        return row;
      }),
    );
  }

  /** What is chosen in the text, in UTF-16 units; null if nothing is. */
  #chosen(): [number, number] | null {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
    const range = selection.getRangeAt(0);
    if (!this.place.contains(range.startContainer) || !this.place.contains(range.endContainer)) return null;
    const before = document.createRange();
    before.setStart(this.place, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const start = before.toString().length;
    return [start, start + range.toString().length];
  }

  #trimmed([start, end]: [number, number]): [number, number] {
    const words = this.#text.slice(start, end);
    return [start + (words.length - words.trimStart().length), end - (words.length - words.trimEnd().length)];
  }

  #select(start: number, end: number): void {
    const [from, at] = this.#node(start, false);
    const [to, until] = this.#node(end, true);
    getSelection()?.setBaseAndExtent(from, at, to, until);
  }

  /** The text node that holds a position; at a border the one before it, if `ends`. */
  #node(position: number, ends: boolean): [Node, number] {
    const walker = document.createTreeWalker(this.place, NodeFilter.SHOW_TEXT);
    let left = position;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const length = node.textContent?.length ?? 0;
      if (left < length || (ends && left === length)) return [node, left];
      left -= length;
    }
    return [this.place, this.place.childNodes.length];
  }

  #points(units: number): number {
    return [...this.#text.slice(0, units)].length;
  }

  #units(points: number): number {
    return [...this.#text].slice(0, points).join("").length;
  }
}

function tone(label: string): string {
  const button = document.querySelector<HTMLElement>(`button[data-class="${CSS.escape(label)}"]`);
  return button?.dataset["tone"] ?? "0";
}
