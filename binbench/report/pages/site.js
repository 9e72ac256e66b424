"use strict";

/* Tables whose columns sort at a click or a key: numbers by data-value, the rest as text; missing values stay last. */
function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    if (header.classList.contains("fixed")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const isNumber = header.classList.contains("number");
      const before = header.getAttribute("aria-sort");
      const down = before === "none" ? isNumber : before === "ascending";
      headers.forEach((other) => other.hasAttribute("aria-sort") && other.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...table.tBodies[0].rows].map((row) => {
        const cell = row.cells[column];
        const text = isNumber ? cell.dataset.value : cell.textContent.trim();
        return { row, missing: text === "" || text === undefined, key: isNumber ? Number(text) : text };
      });
      keyed.sort((a, b) => {
        if (a.missing || b.missing) return a.missing - b.missing;
        const order = isNumber ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
        return down ? -order : order;
      });
      table.tBodies[0].append(...keyed.map(({ row }) => row));
    });
  });
}

function makeChart(data) {
  const { values, figures, looks, by } = data;
  const chart = document.getElementById("chart");
  const select = { x: document.getElementById("x"), y: document.getElementById("y") };
  const log = { x: document.getElementById("x-log"), y: document.getElementById("y-log") };
  const frontier = document.getElementById("frontier");
  const figure = Object.fromEntries(figures.map((one) => [one.name, one]));
  const usual = { x: ["bytes_per_vector"], y: ["recall@10", "recall@1"] };
  const first = Object.fromEntries(["x", "y"].map((axis) => [axis, usual[axis].find((name) => name in figure) ?? figures[0]?.name]));
  const frame = document.getElementById("chart-frame");
  const search = document.getElementById("search");
  const limits = [...document.querySelectorAll("#limits input[data-figure]")];
  const rows = [...document.querySelectorAll("#results tbody tr")].sort((a, b) => a.dataset.i - b.dataset.i);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const escaped = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const shown = (value) => {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    if (Math.abs(value) < 1e-4) return value.toExponential(2);
    return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) < 1e4 ? 4 : 7 });
  };
  // Timings of another kind of machine bear its sign.
  const valued = (name, i) => shown(values[name][i]) + (figure[name].timed ? values.machine[i] : "");
  const withInterval = (name, i) => {
    const low = values[`${name}_ci_low`]?.[i];
    const interval = low === null || low === undefined ? "" : ` [${shown(low)}, ${shown(values[`${name}_ci_high`][i])}]`;
    return valued(name, i) + interval;
  };

  for (const axis of ["x", "y"]) {
    for (const group of new Set(figures.map((one) => one.group))) {
      const part = document.createElement("optgroup");
      part.label = group;
      part.append(...figures.filter((one) => one.group === group).map((one) => new Option(one.axis, one.name)));
      select[axis].append(part);
    }
    select[axis].addEventListener("change", () => { log[axis].checked = spread(select[axis].value); draw(); });
    log[axis].addEventListener("change", draw);
  }
  frontier.addEventListener("change", draw);

  /* A logarithmic axis is the better start for figures that span decades. */
  function spread(name) {
    const all = (values[name] ?? []).filter((value) => value !== null);
    return all.length > 0 && figure[name].group !== "quality" && Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > 20;
  }

  const boxes = Object.keys(looks).map((name) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.value = name;
    box.addEventListener("change", draw);
    label.append(box, ` ${name}`);
    return label;
  });
  const group = document.getElementById("groups");
  group.append(...boxes);
  const inputs = [...group.querySelectorAll("input")];
  for (const [id, state] of [["all", true], ["none", false]]) {
    document.getElementById(id).addEventListener("click", () => { inputs.forEach((box) => { box.checked = state; }); draw(); });
  }
  const conditions = data.filters.map((name) => {
    const label = document.createElement("label");
    const choice = document.createElement("select");
    choice.dataset.name = name;
    const held = [...new Set(values[name])].sort((a, b) => (a > b) - (a < b));
    // What belongs apart is shown one value at a time, first the one with the most results.
    const count = (value) => values[name].filter((other) => other === value).length;
    const apart = data.apart.includes(name);
    choice.append(...(apart ? [] : [new Option("any", "")]), ...held.map((v) => new Option(v === null ? "none" : String(v), String(v))));
    choice.dataset.usual = apart ? String(held.reduce((most, v) => (count(v) > count(most) ? v : most))) : "";
    choice.addEventListener("change", draw);
    label.append(`${name} `, choice);
    document.getElementById("conditions").append(label);
    return choice;
  });

  function passing() {
    const wanted = new Set(inputs.filter((box) => box.checked).map((box) => box.value));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const within = (i) => limits.every((one) => {
      if (one.value === "") return true;
      const value = values[one.dataset.figure]?.[i] ?? null;
      return value !== null && (one.dataset.side === "least" ? value >= Number(one.value) : value <= Number(one.value));
    });
    return rows.map((_, i) => i).filter((i) =>
      wanted.has(values[by][i]) && conditions.every((one) => one.value === "" || String(values[one.dataset.name][i]) === one.value)
      && words.every((word) => `${values.method[i]} ${values.family[i]} ${values.set[i]}`.toLowerCase().includes(word)) && within(i));
  }

  /* The page's state as the address keeps it: only what differs from a fresh page, so that it can be linked to. */
  const remembered = [
    ...["x", "y"].map((axis) => ({ key: axis, get: () => select[axis].value, set: (v) => { select[axis].value = v in figure ? v : first[axis]; }, usual: () => first[axis] ?? "" })),
    ...["x", "y"].map((axis) => ({ key: `${axis}log`, get: () => String(log[axis].checked), set: (v) => { log[axis].checked = v === "true"; }, usual: () => String(spread(select[axis].value)) })),
    { key: "frontier", get: () => String(frontier.checked), set: (v) => { frontier.checked = v === "true"; }, usual: () => "true" },
    { key: "without", get: () => inputs.filter((box) => !box.checked).map((box) => box.value).join(","), usual: () => "",
      set: (v) => { const off = v.split(","); inputs.forEach((box) => { box.checked = !off.includes(box.value); }); } },
    ...conditions.map((one) => ({ key: one.dataset.name, get: () => one.value, set: (v) => { one.value = v; if (one.selectedIndex < 0) one.value = one.dataset.usual; }, usual: () => one.dataset.usual })),
    ...[search, ...limits].map((one) => ({ key: one.dataset.figure ? `${one.dataset.side}-${one.dataset.figure}` : "search", get: () => one.value, set: (v) => { one.value = v; }, usual: () => "" })),
    { key: "method", get: () => (open === null ? "" : values.method[open]), usual: () => "",
      set: (v) => { open = v === "" ? null : [...passing(), ...rows.keys()].find((i) => values.method[i] === v) ?? null; } },
  ];
  let open = null;

  function restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const one of remembered) one.set(state.get(one.key) ?? one.usual());
    if (open === null) document.getElementById("details").hidden = true;
    else details(open, false);
    draw();
  }

  function remember() {
    const state = new URLSearchParams();
    for (const one of remembered) if (one.get() !== one.usual()) state.set(one.key, one.get());
    const hash = state.size ? `#${state}` : "";
    if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
  }

  function errors(name, members) {
    const low = values[`${name}_ci_low`];
    if (!low) return undefined;
    const side = (end, sign) => members.map((i) => end[i] === null ? 0 : Math.max(0, sign * (end[i] - values[name][i])));
    return { type: "data", symmetric: false, array: side(values[`${name}_ci_high`], 1), arrayminus: side(low, -1), thickness: 1, width: 2 };
  }

  /* Five figures, those of the axes first; a click or Enter shows the rest. */
  function five(i) {
    const names = [select.y.value, select.x.value, "recall@10", "ndcg@10", "retention", "bytes_per_vector", "queries_per_second", "build_seconds"];
    return [...new Set(names)].filter((name) => figure[name] && values[name][i] !== null).slice(0, 5);
  }

  function hover(i) {
    const lines = five(i).map((name) => `${escaped(figure[name].label)} <b>${withInterval(name, i)}</b>`);
    return `<b>${escaped(values.method[i])}</b> on ${escaped(values.set[i])}<br>${lines.join("<br>")}`;
  }

  function best(points, x, y) {
    // Points of several sets have no frontier: none of them is a choice.
    if (by === "set" || !frontier.checked || !figure[x].better || !figure[y].better || x === y) return [];
    const sign = (name) => (figure[name].better === "smaller" ? 1 : -1);
    const sorted = [...points].sort((a, b) => sign(x) * (values[x][a] - values[x][b]) || sign(y) * (values[y][a] - values[y][b]));
    const kept = [];
    for (const i of sorted.filter((i) => !values.outweighed[i])) if (!kept.length || sign(y) * (values[y][i] - values[y][kept[kept.length - 1]]) < 0) kept.push(i);
    return kept;
  }

  function draw() {
    const chosen = passing();
    const kept = new Set(chosen);
    rows.forEach((row, i) => { row.hidden = !kept.has(i); });
    document.getElementById("count").textContent = `${chosen.length} of ${rows.length} results`;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const [x, y] = [select.x.value, select.y.value];
    remember();
    frame.hidden = !figure[x] || !figure[y];
    if (frame.hidden) {
      document.getElementById("chart-note").textContent = "There is nothing to draw: no result here has figures.";
      return;
    }
    const points = chosen.filter((i) => values[x][i] !== null && values[y][i] !== null);
    const isLog = {};
    const notes = [];
    for (const axis of ["x", "y"]) {
      const lost = points.some((i) => values[select[axis].value][i] <= 0);
      isLog[axis] = log[axis].checked && !lost;
      if (log[axis].checked && lost) notes.push(`${figure[select[axis].value].label} has values that a logarithmic axis cannot show; it is linear.`);
    }
    const large = points.filter((i) => values.outweighed[i]).map((i) => values.method[i]);
    if (points.some((i) => values.undertrained[i])) notes.push("Hollow: trained on fewer than 39 points per centroid, which flatters.");
    if (large.length) notes.push(`On no frontier, as their shared tables outweigh the float vectors: ${[...new Set(large)].join(", ")}.`);
    const signed = figure[x].timed || figure[y].timed ? points.filter((i) => values.machine[i]) : [];
    if (signed.length) notes.push(`${data.machines}.`);
    if (points.length < chosen.length) notes.push(`${chosen.length - points.length} of ${chosen.length} results have no value for one of the two figures.`);
    document.getElementById("chart-note").textContent = notes.join(" ");
    const traces = Object.entries(looks).map(([name, look]) => {
      const members = points.filter((i) => values[by][i] === name);
      const ink = look.colour === "#000000" ? colour("--text") : look.colour;
      return {
        type: "scatter", mode: "markers", name: escaped(name), customdata: members, x: members.map((i) => values[x][i]), y: members.map((i) => values[y][i]),
        error_x: errors(x, members), error_y: errors(y, members), text: members.map(hover), hovertemplate: "%{text}<extra></extra>",
        marker: {
          color: ink, size: 10, symbol: members.map((i) => look.symbol + (values.undertrained[i] ? "-open" : "")),
          line: { width: members.map((i) => (values.undertrained[i] ? 2 : 1)), color: members.map((i) => (values.undertrained[i] ? ink : colour("--ground"))) },
        },
      };
    }).filter((trace) => trace.customdata.length);
    if (signed.length) {
      traces.push({
        type: "scatter", mode: "text", x: signed.map((i) => values[x][i]), y: signed.map((i) => values[y][i]), text: signed.map((i) => values.machine[i]),
        textposition: "top right", hoverinfo: "skip", showlegend: false,
      });
    }
    const edge = best(points, x, y);
    if (edge.length > 1) {
      traces.unshift({
        type: "scatter", mode: "lines", name: "Pareto frontier", x: edge.map((i) => values[x][i]), y: edge.map((i) => values[y][i]), hoverinfo: "skip",
        line: { shape: "hv", dash: "dash", width: 1.5, color: colour("--soft") },
      });
    }
    const small = chart.clientWidth < 600;
    const axis = (name, which) => ({
      title: { text: escaped(figure[name].axis), font: { size: 13 }, standoff: 8 }, type: isLog[which] ? "log" : "linear", automargin: true,
      gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--soft"), exponentformat: "none", separatethousands: true,
      ...(isLog[which] ? { dtick: name === "bytes_per_vector" && which === "x" ? Math.log10(2) * (small ? 2 : 1) : small ? 1 : undefined, tick0: 0 } : { rangemode: "tozero" }),
    });
    Plotly.react(chart, traces, {
      xaxis: axis(x, "x"), yaxis: axis(y, "y"), paper_bgcolor: colour("--ground"), plot_bgcolor: colour("--ground"),
      font: { color: colour("--text"), family: "system-ui, sans-serif", size: 12 }, margin: { l: 50, r: 10, t: 10, b: 40 }, hovermode: "closest",
      hoverlabel: { align: "left", font: { size: small ? 11 : 12, color: colour("--text") }, bgcolor: colour("--raised"), bordercolor: colour("--soft") },
      showlegend: true, legend: { orientation: "h", y: -0.16, yanchor: "top", x: 0, itemclick: false, itemdoubleclick: false, font: { size: small ? 10 : 12 } },
    }, { responsive: true, displaylogo: false, displayModeBar: small ? false : "hover" });
    places = traces.flatMap((trace, curveNumber) => (trace.customdata ?? []).map((i, pointNumber) => ({ i, curveNumber, pointNumber })));
    places.sort((a, b) => values[x][a.i] - values[x][b.i] || values[y][a.i] - values[y][b.i]);
    current = null;
    document.getElementById("point").textContent = "";
    // The chart exists from its first drawing on.
    if (!listening) {
      listening = true;
      chart.on("plotly_click", (event) => {
        const i = event.points[0].customdata;
        if (i !== undefined) details(i, true);
      });
    }
  }

  /* Points by keyboard, from left to right. */
  let places = [];
  let current = null;
  let listening = false;
  frame.addEventListener("keydown", (event) => {
    const last = places.length - 1;
    const steps = { ArrowRight: (j) => Math.min(j + 1, last), ArrowLeft: (j) => Math.max(j - 1, 0), Home: () => 0, End: () => last };
    if (event.key === "Enter" && current !== null) details(places[current].i, true);
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    current = current === null ? (event.key === "End" ? last : 0) : steps[event.key](current);
    const { i, curveNumber, pointNumber } = places[current];
    Plotly.Fx.hover(chart, [{ curveNumber, pointNumber }]);
    document.getElementById("point").textContent = `${values.method[i]}: ${five(i).map((name) => `${figure[name].label} ${valued(name, i)}`).join(", ")}`;
  });

  function details(i, focus) {
    open = i;
    document.getElementById("details").hidden = false;
    const title = document.getElementById("details-title");
    title.textContent = `${values.method[i]} on ${values.set[i]}`;
    document.getElementById("details-note").textContent = data.notes[i];
    const items = [
      ["conditions", `k ${values.k[i]}, ${values.mode[i]}, ${values.threads[i] ?? "–"} thread(s), Q ${shown(values.queries[i])}, seed ${values.seed[i] ?? "–"}`],
      ["measured", values.date[i] ?? "–"],
      ...figures.filter((one) => values[one.name][i] !== null).map((one) => [one.axis, withInterval(one.name, i)]),
    ];
    document.getElementById("details-figures").replaceChildren(...items.map(([label, text]) => {
      const [item, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = label;
      description.textContent = text;
      item.append(term, description);
      return item;
    }));
    document.getElementById("details-command").textContent = values.reproduce[i] ?? "";
    document.getElementById("copied").textContent = "";
    rows.forEach((row, j) => row.classList.toggle("chosen", j === i));
    remember();
    if (focus) title.focus();
  }

  for (const one of [search, ...limits]) one.addEventListener("input", draw);
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("close").addEventListener("click", () => {
    open = null;
    document.getElementById("details").hidden = true;
    rows.forEach((row) => row.classList.remove("chosen"));
    remember();
    frame.focus();
  });
  document.getElementById("reset").addEventListener("click", () => {
    history.replaceState(null, "", location.pathname + location.search);
    restore();
  });
  window.addEventListener("hashchange", restore);
  // A narrow screen shows the chart first, unless the address says what is filtered.
  document.getElementById("filters").open = chart.clientWidth >= 600 || location.hash !== "";
  restore();
  dark.addEventListener("change", draw);
  document.querySelectorAll("#results .show").forEach((button) => {
    button.addEventListener("click", () => details(Number(button.closest("tr").dataset.i), true));
  });
  document.getElementById("copy").addEventListener("click", async () => {
    const code = document.getElementById("details-command");
    try {
      await navigator.clipboard.writeText(code.textContent);
      document.getElementById("copied").textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
      document.getElementById("copied").textContent = "selected; press Ctrl+C";
    }
  });
}

/* The overview's search: rows of its tables that hold every word. */
function makeFindable(field) {
  document.getElementById("search-form").addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...document.querySelectorAll("table.findable tbody tr")];
    rows.forEach((row) => { row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word)); });
    document.getElementById("found").textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
const find = document.getElementById("find");
if (find) makeFindable(find);
const stored = document.getElementById("data");
if (stored) makeChart(JSON.parse(stored.textContent));
