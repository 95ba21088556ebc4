// htmx: filters and sorting swap one fragment and change the address; fragments marked hx-trigger="every …" stay fresh.
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
htmx.config.selfRequestsOnly = true;
htmx.config.scrollBehavior = "auto";
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "304", swap: false },
  { code: "[23]..", swap: true },
  { code: "[45]..", swap: false, error: true },
];

const seen = new Map<string, string>(); // fragment's address → its tag, so that an unchanged one costs a 304

interface Asking extends Event {
  detail: {
    elt: HTMLElement;
    target: HTMLElement;
    path: string;
    headers: Record<string, string>;
    parameters: Record<string, string>;
  };
}
interface Answered extends Event {
  detail: {
    target: HTMLElement;
    xhr: XMLHttpRequest;
    requestConfig: { elt: HTMLElement };
    pathInfo: { requestPath: string };
    shouldSwap: boolean;
  };
}

const isLive = (element: HTMLElement): boolean => element.hasAttribute("data-live");

document.addEventListener("htmx:configRequest", (event) => {
  const asking = (event as Asking).detail;
  if (!isLive(asking.elt)) {
    // what is not asked for does not stand in the address
    for (const [name, value] of Object.entries(asking.parameters)) if (value === "") delete asking.parameters[name];
    return;
  }
  const here = location.pathname + location.search; // a fragment asks for the state that the address bar shows
  asking.path = here;
  const tag = seen.get(`${asking.target.id} ${here}`);
  if (tag) asking.headers["If-None-Match"] = tag;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = (event as Asking).detail;
  if (isLive(elt) && (document.hidden || isHeld(elt))) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = (event as Answered).detail;
  const { target, xhr, requestConfig, pathInfo } = answered;
  if (!isLive(requestConfig.elt)) return;
  if (isHeld(target) || pathInfo.requestPath !== location.pathname + location.search) {
    answered.shouldSwap = false;
    return;
  }
  if (target.hasAttribute("data-waiting")) {
    // nothing was there yet; once there is, the whole page is another one
    answered.shouldSwap = false;
    if (xhr.status === 200 && !xhr.responseText.includes("data-waiting")) location.reload();
  }
  const tag = xhr.getResponseHeader("ETag");
  if (tag && xhr.status === 200) seen.set(`${target.id} ${pathInfo.requestPath}`, tag);
});

/** Nothing is swapped under the hand: not while the keyboard is in it, a part of it is open or chosen, or its text is selected. */
function isHeld(element: HTMLElement): boolean {
  const focus = document.activeElement;
  // what has an id gets its focus back after a swap
  if (focus && focus !== element && element.contains(focus) && !focus.id && focus.matches(":focus-visible")) return true;
  const chosen = getSelection();
  if (chosen && !chosen.isCollapsed && element.contains(chosen.anchorNode)) return true;
  return element.querySelector("details[open], .pick input:checked") !== null;
}

// Whether the pages still hear from the server.
let missed = 0;
function tell(state: "on" | "off"): void {
  document.documentElement.dataset["link"] = state;
  const place = document.getElementById("link-lost");
  if (place) place.hidden = state === "on";
}
document.addEventListener("htmx:sendError", () => {
  missed += 1;
  if (missed > 1) tell("off");
});
document.addEventListener("htmx:afterOnLoad", () => {
  missed = 0;
  tell("on");
});
