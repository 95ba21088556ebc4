/** Make every `.copy` button copy the text of the block beside it. */
export function startCopying(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("button.copy") : null;
    const text = button?.parentElement?.querySelector("pre, code")?.textContent;
    if (!button || !text) return;
    void copy(text).then((done) => {
      const before = button.textContent;
      button.textContent = done ? "Copied" : "Press Ctrl C";
      setTimeout(() => (button.textContent = before), 1600);
    });
  });
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // the clipboard is closed to pages without https; the text stays selectable
  }
}
