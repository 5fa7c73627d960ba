// The page: loads what judges, plays the simulated wearer or a file, and shows what is found.

import { Found } from "./found.js";
import { openModel } from "./litert.js";
import { Player } from "./player.js";
import { readFile } from "./reading.js";
import { Strip } from "./strip.js";
import { clockText } from "./words.js";

const byId = (id) => document.getElementById(id);
const LAG = 2.5; // s by which the strip is behind: a beat has a name once the next two are known
const strip = new Strip(byId("strip"));
const found = new Found();

function say(text, isFault = false) {
  byId("message").textContent = text;
  byId("message").className = isFault ? "fault" : "";
}

async function fetched(name) {
  const answer = await fetch(name).catch(({ message }) => ({ statusText: message }));
  if (!answer.ok)
    throw new Error(`${name} did not load (${answer.statusText}); expected what serve.py builds.`);
  return answer;
}

async function load() {
  if (typeof WebAssembly !== "object")
    throw new Error("This browser has no WebAssembly, in which the page computes.");
  const [model, module, wearer] = await Promise.all([
    fetched("build/model.tflite").then(async (answer) =>
      openModel(new Uint8Array(await answer.arrayBuffer())),
    ),
    fetched("build/sibeat.wasm").then(async (answer) => WebAssembly.compile(await answer.arrayBuffer())),
    simulated(),
  ]);
  return { model, module, wearer };
}

async function simulated() {
  const { rate, steps } = await (await fetched("build/wearer.json")).json();
  const samples = Float32Array.from(new Int16Array(await (await fetched("build/wearer.i16")).arrayBuffer()));
  return { name: "Simulated wearer", rate, samples: samples.map((sample) => sample / steps) };
}

function start({ model, module, wearer }) {
  const player = new Player(
    module,
    model,
    (told) => found.hear(told),
    (samples) => strip.push(samples),
  );
  let isBusy = true;

  async function play(recording) {
    player.begin(recording);
    const { stream } = player;
    isBusy = true;
    found.begin();
    strip.begin(recording.rate);
    byId("source").textContent = recording.name;
    say("Learning the wearer’s own beats …");
    const seconds = await player.warmUp(() => new Promise(requestAnimationFrame));
    if (player.stream !== stream) return; // another recording has been begun
    isBusy = false;
    if (player.hasJudged)
      say(
        "The model first learns 60 of the wearer’s own beats: " +
          `the first ${clockText(seconds)} was played at once.`,
      );
    else
      throw new Error(
        `found ${clockText(seconds)} without a beat that could be judged; ` +
          "expected some two minutes with 60 clear ones",
      );
  }

  async function open(file) {
    try {
      const given = { unit: byId("unit").value };
      for (const name of ["rate", "steps", "column"]) given[name] = byId(name).valueAsNumber;
      const { samples, rate, told } = await readFile(file, given);
      await play({ samples, rate, name: `${file.name} (${told})` });
    } catch (error) {
      say(`${file.name}: ${error.message}.`, true);
    }
  }

  function frame(now) {
    const elapsed = (now - (frame.last ?? now)) / 1000;
    frame.last = now;
    if (!isBusy) player.advance(elapsed);
    const time = player.time - (player.isOver ? 0 : LAG);
    strip.draw(time, found.beats.slice(-100));
    found.count(player.stream.limit);
    byId("clock").textContent = clockText(Math.max(0, time)) + (player.isOver ? ", over" : "");
    requestAnimationFrame(frame);
  }

  byId("pause").disabled = false;
  byId("pause").onclick = () => {
    player.isPaused = !player.isPaused;
    byId("pause").textContent = player.isPaused ? "Go on" : "Pause";
  };
  byId("controls").onchange = ({ target }) => (player.speed = Number(target.value));
  byId("simulated").onclick = () => play(wearer);
  byId("file").onchange = ({ target }) => open(target.files[0]);
  byId("own").onsubmit = (event) => {
    event.preventDefault();
    const [file] = byId("file").files;
    if (file) open(file);
    else say("Choose a file first.", true);
  };
  takeDrops((files) => {
    byId("file").files = files;
    open(files[0]);
  });
  play(wearer);
  requestAnimationFrame(frame);
  return player;
}

function takeDrops(take) {
  const classes = document.body.classList;
  document.ondragover = (event) => {
    event.preventDefault();
    classes.add("dropping");
  };
  document.ondragleave = () => classes.remove("dropping");
  document.ondrop = (event) => {
    event.preventDefault();
    classes.remove("dropping");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
  };
}

load().then(
  // For the console, and tests.
  (loaded) => (globalThis.sibeat = { player: start(loaded), found, score: loaded.model }),
  (error) => say(error.message, true),
);
