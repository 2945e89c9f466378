// The state in the page's address, so that a link or a reload shows the same.

const FRAMED = location.protocol === "about:";  // within a notebook, where there is no address

function writeAddress(state, data) {
  const parts = new URLSearchParams(), defaults = new Set(data.open[state.view]), open = state.open[state.view];
  const set = (name, value) => { if (value) parts.set(name, value); };
  set("stage", state.stage !== data.start ? data.stages[state.stage].name : "");
  set("view", state.view === "ops" ? "ops" : "");
  set("changes", state.changes !== data.diff ? String(state.changes) : "");
  set("values", data.values.rows.length && !state.values ? "off" : "");
  set("search", state.query);
  set("box", state.picked);
  set("open", [...open].filter(s => !defaults.has(s)).join(","));
  set("closed", [...defaults].filter(s => !open.has(s)).join(","));
  if (FRAMED) return;
  const hash = `#${parts}`;
  if (hash !== (location.hash || "#")) history.replaceState(null, "", hash);
}

/** Takes the state from the address. Returns whether the address says anything. */
function readAddress(state, data) {
  const parts = new URLSearchParams(location.hash.slice(1)), stage = data.stages.findIndex(s => s.name === parts.get("stage"));
  if (stage >= 0) state.stage = stage;
  if (parts.get("view") === "ops") state.view = "ops";
  if (parts.has("changes")) state.changes = parts.get("changes") === "true";
  if (parts.has("values")) state.values = false;
  state.query = parts.get("search") || "";
  state.picked = parts.get("box") || "";
  const list = name => (parts.get(name) || "").split(",").filter(Boolean);
  for (const scope of list("open")) state.open[state.view].add(scope);
  for (const scope of list("closed")) state.open[state.view].delete(scope);
  return location.hash.length > 1;
}
