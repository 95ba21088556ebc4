// A heat map is one stop of the Tab key; within it the arrows go from cell to cell.
const STEPS: Record<string, [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const here = event.target instanceof SVGAElement ? event.target : null;
  const place = here?.dataset["place"]?.split(",").map(Number);
  if (!step || !here || !place) return;
  const [row = 0, column = 0] = place;
  const there = here.ownerSVGElement?.querySelector<SVGAElement>(
    `a[data-place="${row + step[0]},${column + step[1]}"]`,
  );
  if (!there) return;
  event.preventDefault();
  here.setAttribute("tabindex", "-1");
  there.setAttribute("tabindex", "0");
  there.focus();
});
