// Keys: g and a letter goes to a page, / finds, t changes the theme, ? shows them all.
import { toggleTheme } from "./theme";

let waitingUntil = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const going = performance.now() < waitingUntil;
  waitingUntil = 0;
  if (going) {
    const link = document.querySelector<HTMLAnchorElement>(`.nav a[data-key="${CSS.escape(event.key)}"]`);
    if (link) link.click();
    return;
  }
  if (event.key === "g") waitingUntil = performance.now() + 1200;
  else if (event.key === "t") toggleTheme();
  else if (event.key === "?") document.querySelector<HTMLDialogElement>("#keys")?.showModal();
  else if (event.key === "/") {
    const box = document.querySelector<HTMLInputElement>("input[type=search]");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  }
});

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}
