// The register by keyboard: one key for each usual step of the case that is in hand.
"use strict";
(function () {
  const rows = [...document.querySelectorAll("tr[data-row]")];
  const here = document.querySelector("[data-here]");

  function current() {
    const focused = document.activeElement && document.activeElement.closest("tr[data-row]");
    return focused || here || null;
  }

  function move(step) {
    if (!rows.length) return;
    const at = rows.indexOf(current());
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function press(key) {
    const scope = current();
    const own = scope && scope.querySelector('[data-key="' + key + '"]');
    const found = own || document.querySelector('.done [data-key="' + key + '"], section [data-key="' + key + '"]');
    if (found) found.click();
    return Boolean(found);
  }

  function typing(target) {
    return target.closest("input:not([type=checkbox]), select, textarea, audio") !== null;
  }

  const keys = {
    ArrowDown: function () { move(1); return true; },
    ArrowUp: function () { move(-1); return true; },
    j: function () { move(1); return true; },
    k: function () { move(-1); return true; },
    "/": function () {
      const search = document.querySelector("[data-search]");
      if (search) search.focus();
      return Boolean(search);
    },
    f: function () {
      const row = current();
      const tick = row && row.querySelector("input[name=case]");
      if (tick) tick.checked = true;
      const list = document.querySelector("[data-forward]");
      if (list) list.focus();
      return Boolean(list);
    },
    " ": function () {
      const row = current();
      const tick = row && row.querySelector("input[name=case]");
      if (tick) tick.checked = !tick.checked;
      return Boolean(tick);
    },
    Enter: function () {
      const row = document.activeElement;
      if (!row || !row.matches("tr[data-row]")) return false;
      window.location.assign(row.dataset.open);
      return true;
    },
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    if (event.target.closest("button, a, summary, input") && (event.key === " " || event.key === "Enter")) return;
    const done = keys[event.key] ? keys[event.key]() : /^[a-z]$/.test(event.key) && press(event.key);
    if (done) event.preventDefault();
  });

  // two presses of a key are one step
  document.addEventListener("submit", function (event) {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  if (rows.length && document.activeElement === document.body) {
    const last = new URLSearchParams(window.location.search).get("did");
    const row = last && document.getElementById("c" + last);
    (row || rows[0]).focus({ preventScroll: true });
  }
})();
