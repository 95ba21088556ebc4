// <label-screen>: the labelling form, worked from the keyboard; the next items are here before they are asked for.
import { Marking, type Span } from "./marking";

interface Answer {
  labels?: string[];
  text?: string;
  spans?: Span[];
}
interface Annotation {
  state: string;
  answer: Answer;
  flagged: boolean;
  note: string;
}
interface Task {
  item: number;
  values: Record<string, unknown>;
  annotation?: Annotation | null;
  previous?: number;
  following?: number;
}
type Fields = [string, string][];

class LabelScreen extends HTMLElement {
  #form!: HTMLFormElement;
  #task!: Task;
  #ahead: Task[] = []; // what is kept for us and was not shown yet
  #seen: number[] = []; // what was shown, in order; the last but `#back` is on the screen
  #back = 0;
  #began = 0;
  #saving: Promise<void> = Promise.resolve();
  #marking?: Marking;

  connectedCallback(): void {
    const form = this.querySelector("form");
    if (!form || this.#form) return;
    this.#form = form;
    this.#task = JSON.parse(this.dataset["task"] ?? "null") as Task;
    const text = this.#part("text");
    if (text) this.#marking = new Marking(text, this.#part("spans"), this.#field("spans"));
    this.#seen = [this.#task.item];
    form.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("keydown", this.#pressed);
    for (const button of this.querySelectorAll<HTMLButtonElement>("button[data-class]")) {
      button.addEventListener("mousedown", (event) => event.preventDefault()); // the chosen words stay chosen
      button.addEventListener("click", () => this.#choose(button));
    }
    this.#part("back")?.addEventListener("click", (event) => this.#turn(event, -1));
    this.#part("on")?.addEventListener("click", (event) => this.#turn(event, 1));
    this.#keepAtOnce();
    this.#begin();
    void this.#fill();
  }

  disconnectedCallback(): void {
    document.removeEventListener("keydown", this.#pressed);
  }

  // --- keys

  #pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    const typing = target.matches("textarea, input:not([type=radio], [type=checkbox])");
    if (event.key === "Escape" && target !== document.body) return target.blur();
    if (event.key === "Enter") return this.#entered(event, target);
    if (typing || event.metaKey || event.ctrlKey || event.altKey) return;
    if (this.#act(event.key, target, event.shiftKey)) event.preventDefault();
  };

  #entered(event: KeyboardEvent, target: HTMLElement): void {
    const strong = event.ctrlKey || event.metaKey;
    if (!strong && target.matches("textarea, button, a, summary")) return;
    event.preventDefault();
    this.#send("submit");
  }

  /** Do what a key means; whether it meant anything. */
  #act(key: string, target: HTMLElement, shift: boolean): boolean {
    const within = target.closest("[data-part=text]") !== null;
    if (within && this.#marking?.pressed(key, shift)) return true;
    if (key.startsWith("Arrow") && target.matches("input[type=radio]")) return false;
    if (key === "ArrowLeft" || key === "[") return this.#go(-1);
    if (key === "ArrowRight" || key === "]") return this.#go(1);
    if (key === "s") return this.#send("skip");
    if (key === "u") return this.#undo();
    if (key === "f") return this.#flag();
    const choice = this.querySelector<HTMLElement>(`[data-key="${CSS.escape(key.toLowerCase())}"]`);
    return choice !== null && key.length === 1 && this.#choose(choice);
  }

  #choose(choice: HTMLElement): boolean {
    const name = choice.dataset["class"];
    if (name !== undefined) {
      const done = this.#marking?.mark(name) ?? false;
      this.#say(done ? `Marked as ${name}.` : "Choose words in the text first.");
      return true;
    }
    if (!(choice instanceof HTMLInputElement)) return false;
    choice.checked = choice.type === "radio" || !choice.checked;
    this.#say(`${choice.value}${choice.checked ? "" : " taken away"}`);
    if (choice.type === "radio" && this.#atOnce()?.checked) this.#send("submit");
    return true;
  }

  #flag(): boolean {
    const box = this.querySelector<HTMLInputElement>("input[name=flag]");
    if (box) box.checked = !box.checked;
    this.#say(box?.checked ? "Flagged." : "Not flagged.");
    return true;
  }

  // --- sending

  #submitted(event: SubmitEvent): void {
    const doing = event.submitter instanceof HTMLButtonElement ? event.submitter.value : "submit";
    event.preventDefault();
    if (doing === "undo") this.#undo();
    else this.#send(doing === "skip" ? "skip" : "submit");
  }

  /** Send the answer and show the next item at once; if it is refused, come back to this one. */
  #send(doing: "submit" | "skip"): boolean {
    if (doing === "submit" && !this.#answered()) {
      this.#problem("Answer first, or skip the item.");
      return true;
    }
    this.#problem("");
    this.#field("seconds").value = ((performance.now() - this.#began) / 1000).toFixed(2);
    const fields = [...new FormData(this.#form)].map(([name, value]) => [name, String(value)]) as Fields;
    const task = { ...this.#task, annotation: this.#read(doing) };
    const anew = this.#back === 0;
    this.#saving = this.#saving.then(() => this.#save(task, [...fields, ["do", doing]], anew));
    this.#advance();
    return true;
  }

  async #save(task: Task, fields: Fields, anew: boolean): Promise<void> {
    try {
      const { tasks } = await this.#post(fields);
      this.#take(tasks ?? []);
      this.#say(`Item ${task.item} is saved.`);
      const bar = document.querySelector<HTMLProgressElement>("[data-part=progress]");
      if (bar && anew && task.annotation?.state === "labelled") bar.value += 1;
      if (this.#waiting) this.#advance();
    } catch (error) {
      const here = this.#task;
      if (here.item !== task.item) this.#ahead.unshift(here); // it comes again, with what was chosen
      this.#seen = [...this.#seen.filter((item) => item !== task.item && item !== here.item), task.item];
      this.#back = 0;
      this.#waiting = false;
      this.#show(task);
      this.#problem(error instanceof Error ? error.message : String(error));
    }
  }

  #waiting = false;

  /** Show the item after this one: one that was seen before, or the first of those kept for us. */
  #advance(): void {
    this.#waiting = false;
    if (this.#back > 0) return void this.#go(1);
    const next = this.#ahead.shift();
    if (next) {
      this.#seen.push(next.item);
      this.#show(next);
      if (this.#ahead.length < 2) void this.#fill();
      return;
    }
    this.#waiting = true;
    void this.#saving.then(() => this.#fill()).then(() => {
      if (!this.#waiting) return;
      if (this.#ahead.length > 0) this.#advance();
      else if (!this.#told()) location.assign(`${this.dataset["address"]}?ended=1`);
    });
  }

  async #fill(): Promise<void> {
    try {
      const { tasks } = await this.#post([["do", "next"]]);
      this.#take(tasks ?? []);
    } catch (error) {
      if (this.#waiting) this.#problem(error instanceof Error ? error.message : String(error));
    }
  }

  #take(tasks: Task[]): void {
    const known = new Set([...this.#seen, ...this.#ahead.map((each) => each.item)]);
    this.#ahead.push(...tasks.filter((each) => !known.has(each.item)));
  }

  #undo(): boolean {
    this.#problem("");
    this.#saving = this.#saving.then(async () => {
      try {
        const { task } = await this.#post([["do", "undo"]]);
        if (!task) return;
        const here = this.#task;
        const open = here.item !== task.item && !here.annotation;
        if (open) this.#ahead.unshift(here); // it comes again
        this.#seen = [...this.#seen.filter((item) => item !== task.item && !(open && item === here.item)), task.item];
        this.#back = 0;
        this.#show(task);
        this.#say(`Item ${task.item} is undone.`);
      } catch (error) {
        this.#problem(error instanceof Error ? error.message : String(error));
      }
    });
    return true;
  }

  async #post(fields: Fields): Promise<{ tasks?: Task[]; task?: Task }> {
    const response = await fetch(this.dataset["address"] ?? "", {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(fields),
    });
    return await answered(response);
  }

  // --- back and forward

  #turn(event: Event, step: number): void {
    event.preventDefault();
    this.#go(step);
  }

  #go(step: number): boolean {
    const here = this.#seen.length - 1 - this.#back;
    const item = this.#seen[here + step] ?? (step < 0 ? this.#task.previous : this.#task.following);
    if (!item) {
      this.#say(step < 0 ? "There is nothing before this item." : "Submit or skip to go on.");
      return true;
    }
    if (here + step < 0) this.#seen.unshift(item);
    this.#back = Math.max(this.#back - (here + step < 0 ? -1 : step), 0);
    if (here + step >= this.#seen.length) this.#seen.push(item);
    void this.#saving.then(() => this.#fetch(item));
    return true;
  }

  async #fetch(item: number): Promise<void> {
    try {
      const response = await fetch(`${this.dataset["address"]}.json?item=${item}`, { headers: { Accept: "application/json" } });
      const { task } = await answered(response);
      if (task) this.#show(task);
    } catch (error) {
      this.#problem(error instanceof Error ? error.message : String(error));
    }
  }

  // --- showing

  #show(task: Task): void {
    this.#task = task;
    const show = JSON.parse(this.dataset["show"] ?? "[]") as string[];
    const column = this.dataset["text"] ?? "";
    const answer = task.annotation?.answer ?? {};
    this.#marking?.show(plain(task.values[column], ""), answer.spans ?? []);
    this.#part("values")?.replaceChildren(...show.filter((name) => name !== column).map((name) => pair(name, task.values[name])));
    for (const choice of this.querySelectorAll<HTMLInputElement>("input[name=label]")) {
      choice.checked = answer.labels?.includes(choice.value) ?? false;
    }
    const free = this.querySelector<HTMLTextAreaElement>("textarea[name=text]");
    if (free) free.value = answer.text ?? "";
    this.#field("item").value = String(task.item);
    this.#field("note").value = task.annotation?.note ?? "";
    const flag = this.querySelector<HTMLInputElement>("input[name=flag]");
    if (flag) flag.checked = task.annotation?.flagged ?? false;
    const number = document.querySelector("[data-part=item]");
    if (number) number.textContent = String(task.item);
    this.#ways();
    this.#problem("");
    history.replaceState(null, "", `${this.dataset["address"]}?item=${task.item}`);
    this.#begin();
    this.#say(`Item ${task.item}.`);
  }

  #ways(): void {
    const here = this.#seen.length - 1 - this.#back;
    const ways: [string, number | undefined][] = [
      ["back", this.#seen[here - 1] ?? this.#task.previous],
      ["on", this.#seen[here + 1] ?? this.#task.following],
    ];
    for (const [part, item] of ways) {
      const link = this.#part(part);
      link?.classList.toggle("off", !item);
      if (item) {
        link?.setAttribute("href", `${this.dataset["address"]}?item=${item}`);
        link?.removeAttribute("aria-disabled");
      } else {
        link?.removeAttribute("href");
        link?.setAttribute("aria-disabled", "true");
      }
    }
  }

  /** A new item begins: the clock, and the keyboard where the work is. */
  #begin(): void {
    this.#began = performance.now();
    const place = this.#part("text") ?? this.querySelector<HTMLElement>("textarea[name=text]") ?? this.#part("thing");
    place?.focus({ preventScroll: true });
    this.#part("thing")?.scrollTo(0, 0);
  }

  #read(doing: "submit" | "skip"): Annotation {
    const data = new FormData(this.#form);
    const answer: Answer = {
      labels: data.getAll("label").map(String),
      text: String(data.get("text") ?? ""),
      spans: JSON.parse(String(data.get("spans") || "[]")) as Span[],
    };
    const state = doing === "skip" ? "skipped" : "labelled";
    return { state, answer: doing === "skip" ? {} : answer, flagged: data.has("flag"), note: String(data.get("note") ?? "") };
  }

  #answered(): boolean {
    const { answer } = this.#read("submit");
    if (this.dataset["kind"] === "single") return answer.labels?.length === 1;
    return this.dataset["kind"] !== "text" || (answer.text ?? "").trim() !== "";
  }

  #keepAtOnce(): void {
    const box = this.#atOnce();
    if (!box) return;
    box.closest<HTMLElement>("[data-part]")!.hidden = false;
    box.checked = stored() === "yes";
    box.addEventListener("change", () => store(box.checked ? "yes" : ""));
  }

  #atOnce(): HTMLInputElement | null {
    return this.querySelector<HTMLInputElement>("[data-part=at-once] input");
  }

  #problem(text: string): void {
    const place = this.#part("problem");
    if (!place) return;
    place.hidden = text === "";
    place.textContent = text;
  }

  #told(): boolean {
    return this.#part("problem")?.hidden === false;
  }

  #say(text: string): void {
    const place = this.#part("said");
    if (place) place.textContent = text;
  }

  #part(name: string): HTMLElement | null {
    return this.querySelector<HTMLElement>(`[data-part="${name}"]`);
  }

  #field(name: string): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }
}

async function answered(response: Response): Promise<{ tasks?: Task[]; task?: Task }> {
  const body = (await response.json()) as { tasks?: Task[]; task?: Task; error?: { message: string; hint?: string } };
  if (!response.ok) throw new Error([body.error?.message, body.error?.hint].filter(Boolean).join(" ") || "Not saved.");
  return body;
}

function pair(name: string, value: unknown): HTMLElement {
  const box = document.createElement("div");
  const [term, text] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  text.textContent = plain(value, "–");
  box.append(term, text);
  return box;
}

function plain(value: unknown, nothing: string): string {
  if (value === null || value === undefined || value === "") return nothing;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(5)));
  return String(value);
}

const AT_ONCE = "fettle-label-at-once";

function stored(): string {
  try {
    return localStorage.getItem(AT_ONCE) ?? "";
  } catch {
    return "";
  }
}

function store(value: string): void {
  try {
    localStorage.setItem(AT_ONCE, value);
  } catch {
    // private windows keep nothing
  }
}

customElements.define("label-screen", LabelScreen);
