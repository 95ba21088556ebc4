// The three theme buttons are a plain form that sets a cookie; with script the page changes without loading again.
const form = document.querySelector<HTMLFormElement>("form.themes");

function choose(theme: string): void {
  document.cookie = `fettle-theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  const root = document.documentElement;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
  for (const button of form?.querySelectorAll<HTMLButtonElement>("button") ?? []) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  document.dispatchEvent(new CustomEvent("fettle:theme"));
}

form?.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement)) return;
  event.preventDefault();
  choose(button.value);
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("fettle:theme"));
});

/** The next of light and dark, seen from what is shown now. */
export function toggleTheme(): void {
  const set = document.documentElement.dataset["theme"];
  const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  choose(dark ? "light" : "dark");
}

/** The colour that a token has now, as the browser resolves it. */
export function token(name: string): string {
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
