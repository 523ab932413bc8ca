// Runs before the page is drawn, so that a chosen theme does not flash: `data-theme` is absent as long as the
// system's choice holds.
"use strict";
(function () {
  const root = document.documentElement;
  root.classList.add("js");
  let chosen = null;
  try { chosen = localStorage.getItem("weir-theme"); } catch (_) { /* storage may be off: the system's choice holds */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
