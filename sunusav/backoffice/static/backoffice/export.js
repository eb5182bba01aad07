// Shows how far an export is, and loads the page again once there is a file or none to come.
"use strict";

const EVERY_MS = 2000;

async function showProgress(place) {
  const answer = await fetch(place.dataset.url, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return window.location.reload();
  const progress = await answer.json();
  if (progress.state !== "preparing") return window.location.reload();
  place.querySelector("[data-text]").textContent = progress.text;
  const bar = place.querySelector("progress");
  if (progress.per_cent === null) bar.removeAttribute("value");
  else bar.value = progress.per_cent;
  window.setTimeout(() => showProgress(place), EVERY_MS);
}

// The script is in the head of the page: its place does not exist yet.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-export-progress]").forEach((place) => {
    window.setTimeout(() => showProgress(place), EVERY_MS);
  });
});
