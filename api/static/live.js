// What happens now, told by the server as it changes; where that does not come through, asked for every few seconds.
"use strict";
(function () {
  const place = document.querySelector("[data-live]");
  const lost = document.querySelector("[data-lost]");
  if (!place) return;
  const quiet = 20000; // the server says at least every 15 s that it is there
  let heard = Date.now();
  let source = null;
  let failures = 0;

  function show(text) {
    heard = Date.now();
    failures = 0;
    lost.hidden = true;
    if (text !== null) place.innerHTML = text;
  }

  function ask() {
    fetch(place.dataset.part, { credentials: "same-origin", redirect: "error" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then(show)
      .catch(() => { lost.hidden = false; });
  }

  function listen() {
    if (!window.EventSource || failures > 2) return false;
    source = new EventSource(place.dataset.live);
    source.onmessage = (event) => show(event.data);
    source.addEventListener("beat", () => show(null));
    source.onopen = () => show(null);
    source.onerror = () => {
      failures += 1;
      if (source.readyState === EventSource.CLOSED || failures > 2) {
        source.close();
        source = null;
      }
    };
    return true;
  }

  listen();
  setInterval(() => {
    if (document.hidden) return;
    if (source !== null && Date.now() - heard > quiet) { // lost, or held back by a proxy on the way
      source.close();
      source = null;
    }
    if (source === null) ask();
  }, 5000);
})();
