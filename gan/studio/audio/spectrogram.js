// Pictures of sound: how loud each frequency is at each moment, and the waveform above it. Defines
// `soundPicture`. After common.js.

const COLUMNS = 192; // moments
const ROWS = 96; // frequencies, as far apart as they sound (mel)
const [QUIET, LOUD] = [-72, -14]; // decibels under a full-scale tone that have the ends of the colours
const melOf = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertzOf = (mel) => 700 * (10 ** (mel / 2595) - 1);

// A fast Fourier transform of complex numbers in place (Cooley & Tukey 1965); their count is a power of two.
function makeTransform(count) {
  const bits = Math.log2(count);
  const order = Uint16Array.from({ length: count }, (_, k) => parseInt(k.toString(2).padStart(bits, "0").split("").reverse().join(""), 2));
  const cosine = Float32Array.from({ length: count / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / count));
  const sine = Float32Array.from({ length: count / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / count));
  const swap = (numbers, a, b) => {
    const kept = numbers[a];
    numbers[a] = numbers[b];
    numbers[b] = kept;
  };
  return (real, imaginary) => {
    for (let k = 0; k < count; k++) {
      if (order[k] <= k) continue;
      swap(real, k, order[k]);
      swap(imaginary, k, order[k]);
    }
    for (let half = 1; half < count; half *= 2) {
      for (let start = 0; start < count; start += 2 * half) {
        for (let k = start, turn = 0; k < start + half; k++, turn += count / (2 * half)) {
          const re = real[k + half] * cosine[turn] - imaginary[k + half] * sine[turn];
          const im = real[k + half] * sine[turn] + imaginary[k + half] * cosine[turn];
          real[k + half] = real[k] - re;
          imaginary[k + half] = imaginary[k] - im;
          real[k] += re;
          imaginary[k] += im;
        }
      }
    }
  };
}

const analysers = {}; // by sampling rate

// What is the same for all clips of a sampling rate: the window of 32 ms, its transform, and which bins a row lies between.
function analyser(rate) {
  if (analysers[rate]) return analysers[rate];
  const size = 2 ** Math.round(Math.log2(0.032 * rate));
  const window = Float32Array.from({ length: size }, (_, k) => (1 - Math.cos((2 * Math.PI * k) / size)) / 2);
  const top = melOf(rate / 2);
  const bins = Float32Array.from({ length: ROWS }, (_, k) => (hertzOf((top * (ROWS - k - 0.5)) / ROWS) * size) / rate);
  return (analysers[rate] = { size, window, bins, transform: makeTransform(size) });
}

// How loud, 0 to 1, at ROWS x COLUMNS; high frequencies come first.
function loudness(samples, rate) {
  const { size, window, bins, transform } = analyser(rate);
  const found = new Float32Array(ROWS * COLUMNS);
  const [real, imaginary] = [new Float32Array(size), new Float32Array(size)];
  const full = 20 * Math.log10(size / 4); // decibels of a full-scale tone
  const power = (k, sign) => {
    const mirror = (size - k) % size;
    const re = real[k] + sign * real[mirror];
    const im = imaginary[k] - sign * imaginary[mirror];
    return re * re + im * im;
  };
  const padded = new Float32Array(samples.length + size); // silence before and after, half a window of each
  padded.set(samples, size / 2);
  const fill = (into, column) => {
    const start = Math.round(((column + 0.5) * samples.length) / COLUMNS);
    for (let k = 0; k < size; k++) into[k] = padded[start + k] * window[k];
  };
  // Two moments a transform: one is the real part, and the spectra come apart by their symmetry.
  for (let column = 0; column < COLUMNS; column += 2) {
    fill(real, column);
    fill(imaginary, column + 1);
    transform(real, imaginary);
    for (let row = 0; row < ROWS; row++) {
      const below = Math.floor(bins[row]);
      const share = bins[row] - below;
      const above = Math.min(below + 1, size / 2 - 1);
      for (let beside = 0; beside < 2; beside++) {
        const mixed = (1 - share) * power(below, 1 - 2 * beside) + share * power(above, 1 - 2 * beside);
        const decibels = 10 * Math.log10(mixed / 4 + 1e-12) - full;
        found[row * COLUMNS + column + beside] = Math.min(1, Math.max(0, (decibels - QUIET) / (LOUD - QUIET)));
      }
    }
  }
  return found;
}

const palettes = {};

// 256 colours from the style sheet, spread evenly: the page's paper is silence.
function palette(of) {
  const written = getComputedStyle(of).getPropertyValue("--loudness");
  if (palettes[written]) return palettes[written];
  const row = make("canvas", { width: 256, height: 1 }).getContext("2d");
  const blend = row.createLinearGradient(0, 0, 256, 0);
  written.split(",").forEach((colour, k, all) => blend.addColorStop(k / (all.length - 1), colour.trim()));
  row.fillStyle = blend;
  row.fillRect(0, 0, 256, 1);
  return (palettes[written] = row.getImageData(0, 0, 256, 1).data);
}

// A canvas pair, waveform over spectrogram, with a playhead: `show(buffer)` draws a clip, `at(share)` moves the head.
function soundPicture(root) {
  const wave = make("canvas", { class: "wave" });
  const spectrum = make("canvas", { class: "spectrum", width: COLUMNS, height: ROWS });
  const head = make("i", { class: "head" });
  const box = make("div", { class: "picture", "aria-hidden": "true" }, wave, spectrum, head);
  let buffer = null;
  let loud = null;

  function paint() {
    if (!loud) return;
    const colours = palette(root);
    const image = new ImageData(COLUMNS, ROWS);
    for (let k = 0; k < loud.length; k++) {
      const from = 4 * Math.round(255 * loud[k]);
      image.data.set(colours.subarray(from, from + 4), 4 * k);
    }
    spectrum.getContext("2d").putImageData(image, 0, 0);
    paintWave();
  }

  // The loudest and quietest sample of every device pixel.
  function paintWave() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(wave.clientWidth * ratio), Math.round(wave.clientHeight * ratio)];
    if (!buffer || !width || !height) return;
    Object.assign(wave, { width, height });
    const samples = buffer.getChannelData(0);
    const context = wave.getContext("2d");
    context.fillStyle = getComputedStyle(wave).color;
    for (let x = 0; x < width; x++) {
      let [low, high] = [0, 0];
      const end = Math.ceil(((x + 1) * samples.length) / width);
      for (let k = Math.floor((x * samples.length) / width); k < end; k++) {
        if (samples[k] < low) low = samples[k];
        else if (samples[k] > high) high = samples[k];
      }
      const tall = Math.max(ratio, ((high - low) * height) / 2);
      context.fillRect(x, ((2 - high - low) * height) / 4 - tall / 2, 1, tall);
    }
  }

  return {
    box, paint, paintWave,
    show: (found) => ((buffer = found), (loud = loudness(found.getChannelData(0), found.sampleRate)), paint()),
    at: (share) => head.style.setProperty("left", `${100 * share}%`),
    buffer: () => buffer,
  };
}
