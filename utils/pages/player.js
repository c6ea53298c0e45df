// The slider over sample grids: of each run, the last grid up to the step that is chosen.
(() => {
  const slider = document.getElementById("position");
  const pictures = [...document.querySelectorAll("img.picture")];

  // Small images keep their pixels when enlarged; reduced ones are averaged.
  function sharpen() {
    for (const picture of pictures) {
      const isEnlarged = picture.clientWidth * devicePixelRatio >= picture.naturalWidth;
      picture.classList.toggle("enlarged", isEnlarged);
    }
  }
  pictures.forEach(picture => picture.addEventListener("load", sharpen));
  addEventListener("resize", sharpen);
  sharpen();
  if (!slider) return;

  const steps = [...new Set(DATA.runs.flatMap(run => run.map(frame => frame.step)))]
    .sort((a, b) => a - b);
  const play = document.getElementById("play"), shown = document.getElementById("shown");
  const text = step => `step ${step.toLocaleString("en-US")}`;
  let timer = null;

  function show() {
    const step = steps[slider.value];
    DATA.runs.forEach((frames, run) => {
      const frame = frames.findLast(one => one.step <= step) || frames[0];
      if (!frame) return;
      document.querySelector(`img[data-run="${run}"]`).src = frame.uri;
      const at = document.querySelector(`.at[data-run="${run}"]`);
      if (at) at.textContent = text(frame.step);
    });
    shown.textContent = `${text(step)} (${Number(slider.value) + 1} of ${steps.length})`;
    slider.setAttribute("aria-valuetext", text(step));
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  slider.addEventListener("input", () => {
    stop();
    show();
    Charts.setCursor(steps[slider.value]);
  });
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      slider.value = (Number(slider.value) + 1) % steps.length;
      show();
    }, 400);
  });

  const newest = document.getElementById("newest");
  if (newest) newest.src = DATA.runs[0].at(-1).uri;
  show();
})();
