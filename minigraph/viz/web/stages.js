// The list of passes, with what each did.

class Stages {
  constructor(element, data, choose, setChanges, foresee) {
    Object.assign(this, { element, data });
    this.buttons = data.stages.map((stage, i) => {
      const button = add("button", element, stage.name === "before" ? "before" : stage.name.replaceAll("_", " "));
      const idle = i > 0 && !stage.added && !stage.removed;
      button.classList.toggle("idle", idle);
      button.title = i ? stage.doc || stage.name : "the program before all passes";
      add("small", button, i === 0 || idle ? "" : `+${stage.added} −${stage.removed}`);
      button.onclick = () => choose(i);
      button.onpointerover = button.onfocus = () => foresee(i);
      return button;
    });
    const label = add("label", element);
    this.changes = add("input", label);
    this.changes.type = "checkbox";
    this.changes.id = "changes";
    this.changes.onchange = () => setChanges(this.changes.checked);
    label.append(" show its changes");
    this.words = add("p", element);
    this.words.id = "did";
    element.hidden = data.stages.length < 2;
  }

  show(stage, changes) {
    this.buttons.forEach((button, i) => button.classList.toggle("on", i === stage));
    this.buttons[stage].scrollIntoView({ block: "nearest" });
    this.changes.checked = changes;
    this.changes.disabled = stage === 0;
    this.words.textContent = this.did(stage);
  }

  /** What a pass did, in words. */
  did(i) {
    const stage = this.data.stages[i];
    if (!i) return "The program as it was written: pruned to what is fetched, with all sizes known.";
    const times = n => n === 1 ? "once" : n === 2 ? "twice" : `${n.toLocaleString("en")} times`;
    const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
    const rules = Object.entries(stage.applied).map(([rule, n]) => `${rule.replaceAll("_", " ")} ${times(n)}`);
    const did = stage.added || stage.removed
      ? `It removed ${count(stage.removed, "operation")} and added ${stage.added.toLocaleString("en")}.` : "It changed nothing here.";
    const missed = stage.missed ? `\n${count(stage.missed, "candidate")} did not fit; the panel of each says why.` : "";
    return [stage.doc, did, rules.length ? `Applied: ${rules.join(", ")}.` : ""].filter(Boolean).join("\n\n") + missed;
  }
}
