// A drawing's <title> becomes a tip that follows the pointer at once; without script the browser shows it by itself.
let shown: HTMLElement | null = null;

/** Watch the pointer over drawings. */
export function startTips(): void {
  document.addEventListener("pointerover", (event) => {
    const place = event.target instanceof Element ? event.target.closest("svg [data-tip], svg .hit, svg .cell") : null;
    if (!place) return hide();
    const text = take(place);
    if (text) show(text, event);
    else hide();
  });
  document.addEventListener("pointermove", (event) => {
    if (shown) move(event);
  });
  document.addEventListener("pointerleave", hide);
  document.addEventListener("scroll", hide, { passive: true, capture: true });
}

function take(place: Element): string {
  const title = place.querySelector(":scope > title");
  if (title?.textContent) {
    place.setAttribute("data-tip", title.textContent);
    title.remove();
  }
  return place.getAttribute("data-tip") ?? "";
}

function show(text: string, event: PointerEvent): void {
  if (!shown) {
    shown = document.createElement("div");
    shown.className = "tip";
    shown.setAttribute("aria-hidden", "true");
    document.body.append(shown);
  }
  shown.textContent = text;
  move(event);
}

function move(event: PointerEvent): void {
  if (!shown) return;
  const { offsetWidth: width, offsetHeight: height } = shown;
  const left = event.clientX + 14 + width > innerWidth ? event.clientX - 14 - width : event.clientX + 14;
  const top = Math.min(event.clientY + 14, innerHeight - height - 6);
  shown.style.left = `${Math.max(4, left)}px`;
  shown.style.top = `${top}px`;
}

function hide(): void {
  shown?.remove();
  shown = null;
}
