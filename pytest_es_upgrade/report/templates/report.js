"use strict";
// Everything can be read without this: it only hides what is not asked for, and opens what a link points to.
// Filters stand behind "#?" in the address, where no case's anchor can be mistaken for them.
(() => {
  const form = document.getElementById("filters");
  const cases = [...document.querySelectorAll("details.case")];
  const rows = [...document.querySelectorAll("table.all tbody tr:not(.family)")];
  const groups = [...document.querySelectorAll(".problem, .because, table.all tbody")];
  const names = [...document.querySelectorAll("table.all thead th")].slice(1).map((cell) => cell.textContent);

  function wanted() {
    const values = new FormData(form);
    return {
      verdict: values.getAll("verdict"), level: values.getAll("level"), family: values.get("family"),
      client: values.get("client") || "", text: values.get("text").trim().toLowerCase(),
    };
  }

  function fits(want, one) {
    return (!want.verdict.length || want.verdict.includes(one.verdict)) && (!want.level.length || want.level.includes(one.level))
      && (!want.family || want.family === one.family) && (!want.client || want.client === one.client);
  }

  function holds(want, element) {
    return !want.text || element.textContent.toLowerCase().includes(want.text);
  }

  function cellsOf(row) {
    return [...row.querySelectorAll("td")].map((cell, number) => ({
      verdict: cell.className, level: cell.dataset.level, family: row.dataset.family, client: names[number],
    }));
  }

  function show() {
    const want = wanted();
    for (const one of cases) one.classList.toggle("hidden", !(fits(want, one.dataset) && holds(want, one)));
    let shown = 0;
    for (const row of rows) {
      const seen = holds(want, row) && cellsOf(row).some((one) => fits(want, one));
      row.classList.toggle("hidden", !seen);
      shown += seen;
    }
    for (const group of groups) {
      const members = group.querySelectorAll("details.case, tr:not(.family)");
      group.classList.toggle("hidden", members.length > 0 && !group.querySelector("details.case:not(.hidden), tr:not(.family):not(.hidden)"));
    }
    const open = cases.filter((one) => !one.classList.contains("hidden")).length;
    form.querySelector("output").textContent = `${open} of ${cases.length} cases in full, ${shown} of ${rows.length} in the table`;
  }

  function remember() {
    const chosen = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) chosen.append(name, value);
    try {
      history.replaceState(null, "", `#${chosen.size === 0 ? "" : `?${chosen}`}`);
    } catch { /* some viewers of artifacts allow no change of the address */ }
  }

  function recall(text) {
    const chosen = new URLSearchParams(text);
    for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = chosen.getAll(box.name).includes(box.value);
    for (const name of ["family", "client", "text"]) if (form.elements[name]) form.elements[name].value = chosen.get(name) || "";
    show();
  }

  function go() {
    const place = location.hash.slice(1);
    if (place.startsWith("?")) return form && recall(place.slice(1));
    let target = null;
    try { target = document.getElementById(decodeURIComponent(place)); } catch { /* no anchor of this file */ }
    if (!target) return undefined;
    if (form && target.closest(".hidden")) { form.reset(); show(); }
    for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    return (target.closest("details.case") || target).scrollIntoView();
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("input", () => { show(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { show(); remember(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
    show();
  }
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; for (const one of closed) one.open = true; });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
  addEventListener("hashchange", go);
  go();
})();
