// Follows the calls of a sandbox: each one that comes lets htmx fetch the figures and the table again, at most twice a
// second. A page without JavaScript shows the same when it is loaded again.
"use strict";
const live = document.getElementById("live");
if (live && "EventSource" in window) {
  const events = new EventSource(live.dataset.events);
  let waiting = 0;
  events.addEventListener("call", () => {
    if (waiting) return;
    waiting = setTimeout(() => {
      waiting = 0;
      document.getElementById("live").dispatchEvent(new CustomEvent("call"));
    }, 500);
  });
  addEventListener("pagehide", () => events.close());
}
