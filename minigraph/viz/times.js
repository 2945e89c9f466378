// times of launches: colours and numbers on the last stage, and a table beside it

const total = data => data.launches.reduce((s, l) => s + l.seconds, 0);

/** Whether times are shown now. */
function timed() {
  return state.times && data.launches.length > 0 && state.stage === data.stages.length - 1 && !state.changes;
}

function milliseconds(seconds) {
  return Number((seconds * 1e3).toPrecision(seconds < 1 ? 3 : 6)) + " ms";
}

function heatOf(box) {
  return box.seconds === null ? "#fff" : data.heat[Math.round(20 * box.seconds / (scene.longest || 1))];
}

/** What was measured of a box, or of all that is folded in it. */
function measured(box) {
  const ids = new Set(box.hits.map(b => b.id)), launches = data.launches.filter(l => ids.has(l.box));
  if (!launches.length) return [];
  const sum = name => launches.reduce((s, l) => s + (l[name] || 0), 0), seconds = sum("seconds"), flops = sum("flops");
  const share = (100 * seconds / total(data)).toFixed(1);
  return [
    `${milliseconds(seconds)}, ${share} % of all launches` + (launches.length > 1 ? `, in ${launches.length} launches` : ""),
    flops && seconds ? `${(flops / seconds / 1e9).toFixed(1)} GFLOP/s` : "",
    `reads ${amount(sum("bytes_read"), "B")}, writes ${amount(sum("bytes_written"), "B")}`,
    `${amount(Math.max(...launches.map(l => l.live)), "B")} of the arena in use`,
    launches.length === 1 ? launches[0].notes : "",
  ].filter(Boolean);
}

function fillTable() {
  const body = byId("launches").querySelector("tbody"), longest = Math.max(...data.launches.map(l => l.seconds));
  byId("summary").textContent = data.summary;
  [...data.launches].sort((a, b) => b.seconds - a.seconds).forEach(launch => {
    const row = body.insertRow();
    row.dataset.box = launch.box;
    row.tabIndex = 0;
    row.title = [launch.op, launch.node, launch.source, launch.notes].filter(Boolean).join("\n");
    const time = row.insertCell(), what = row.insertCell();
    time.textContent = milliseconds(launch.seconds);
    time.style.setProperty("--part", 100 * launch.seconds / (longest || 1) + "%");
    row.insertCell().textContent = (100 * launch.seconds / total(data)).toFixed(1) + " %";
    row.insertCell().textContent = launch.flops && launch.seconds ? (launch.flops / launch.seconds / 1e9).toFixed(1) : "";
    what.textContent = launch.op.length > 40 ? launch.op.slice(0, 39) + "…" : launch.op;
    what.appendChild(document.createElement("small")).textContent = launch.node;
    row.append(what);
    row.addEventListener("click", () => pick(launch.box));
    row.addEventListener("keydown", e => { if (e.key === "Enter") pick(launch.box); });
  });
}

/** Select a launch's box: unfold what hides it, mark it, and bring it to the middle. */
function pick(id) {
  state.stage = +(byId("stage").value = data.stages.length - 1);
  state.changes = byId("changes").checked = false;
  state.picked = id;
  const { scope } = data.boxes[data.stages[state.stage].boxes.find(i => data.boxes[i].id === id)];
  scope.forEach((_, i) => state.folded.delete(scope.slice(0, i + 1).join("/")));
  draw(true);
  centre(scene.boxes.find(b => b.id === id));
}

function markPicked() {
  for (const box of scene.boxes) box.group.classList.toggle("picked", box.id === state.picked);
  for (const row of byId("launches").querySelectorAll("tbody tr")) {
    const on = row.dataset.box === state.picked;
    if (on && !row.classList.contains("picked")) row.scrollIntoView({ block: "nearest" });
    row.classList.toggle("picked", on);
  }
}
